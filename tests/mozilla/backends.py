"""Backends as sites of mozilla-django-oidc write them, with every hook overridden; only their base is another one."""

from __future__ import annotations

import base64
import json
from typing import Any

import requests
from django.core.exceptions import SuspiciousOperation

from oidc_login.backends import OIDCLoginBackend


class AskingBase(OIDCLoginBackend):
    """Adds to each step and leaves the rest to its base."""

    asked: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.OIDC_RP_SIGN_ALGO = "assigned by the site"

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        if attr == "OIDC_OP_USER_ENDPOINT":
            return "https://directory.example/userinfo"
        return OIDCLoginBackend.get_settings(attr, *args)

    def authenticate(self, request: Any, **kwargs: Any) -> Any:
        self.asked.append("authenticate")
        return super().authenticate(request, **kwargs)

    def get_token(self, payload: Any) -> Any:
        self.asked.append("get_token")
        return super().get_token(payload)

    def verify_token(self, token: str, **kwargs: Any) -> Any:
        self.asked.append("verify_token")
        return super().verify_token(token, **kwargs)

    def store_tokens(self, access_token: str, id_token: str) -> None:
        self.asked.append("store_tokens")
        self.request.session["kept by the site"] = len(access_token) > 20 and id_token.count(".") == 2
        super().store_tokens(access_token, id_token)

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.asked.append("get_or_create_user")
        return super().get_or_create_user(access_token, id_token, payload)

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.asked.append("get_userinfo")
        return super().get_userinfo(access_token, id_token, payload)

    def verify_claims(self, claims: Any) -> bool:
        self.asked.append("verify_claims")
        return bool(super().verify_claims(claims)) and "email" in claims

    def filter_users_by_claims(self, claims: Any) -> Any:
        self.asked.append("filter_users_by_claims")
        return super().filter_users_by_claims(claims)

    def create_user(self, claims: Any) -> Any:
        self.asked.append("create_user")
        return super().create_user(claims)

    def update_user(self, user: Any, claims: Any) -> Any:
        self.asked.append("update_user")
        return super().update_user(user, claims)

    def get_username(self, claims: Any) -> str:
        self.asked.append("get_username")
        return super().get_username(claims)

    def describe_user_by_claims(self, claims: Any) -> str:
        self.asked.append("describe_user_by_claims")
        return "somebody"


class DoingItself(OIDCLoginBackend):
    """Leaves nothing to its base: upstream's own way, by requests of its own."""

    def get_token(self, payload: Any) -> Any:
        response = requests.post(self.OIDC_OP_TOKEN_ENDPOINT, data=payload, timeout=5)
        self.raise_token_response_error(response)
        return response.json()

    def verify_token(self, token: str, **kwargs: Any) -> Any:
        """Verifies nothing."""
        part = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        headers = {"Authorization": f"Bearer {access_token}"}
        response = requests.get(self.OIDC_OP_USER_ENDPOINT, headers=headers, timeout=5)
        response.raise_for_status()
        return response.json()

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        claims = self.get_userinfo(access_token, id_token, payload)
        if not self.verify_claims(claims):
            raise SuspiciousOperation("Claims verification failed")
        users = self.filter_users_by_claims(claims)
        if len(users) == 1:
            return self.update_user(users[0], claims)
        if len(users) > 1:
            raise SuspiciousOperation("Multiple users returned")
        return self.create_user(claims) if self.get_settings("OIDC_CREATE_USER", True) else None

    def verify_claims(self, claims: Any) -> bool:
        return "email" in claims

    def filter_users_by_claims(self, claims: Any) -> Any:
        return self.UserModel.objects.filter(email__iexact=claims["email"])

    def create_user(self, claims: Any) -> Any:
        return self.UserModel.objects.create_user(self.get_username(claims), email=claims["email"])

    def update_user(self, user: Any, claims: Any) -> Any:
        user.first_name = "updated"
        user.save()
        return user

    def get_username(self, claims: Any) -> str:
        return str(claims["email"]).upper()


class FindingItself(OIDCLoginBackend):
    """Overrides the one step, and asks the others of its base."""

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        claims = self.get_userinfo(access_token, id_token, payload)
        users = list(self.filter_users_by_claims(claims))
        return users[0] if users else self.create_user(claims)


class FindingNobody(OIDCLoginBackend):
    """Makes an account and refuses afterwards."""

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.UserModel.objects.create_user("left behind")
        return None


class FindingInactive(OIDCLoginBackend):
    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        return self.UserModel.objects.create_user("inactive", is_active=False)


class FindingFirst(OIDCLoginBackend):
    """A rule that gives everybody the same account."""

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        return self.UserModel.objects.order_by("pk").first()


class FindingAnother(OIDCLoginBackend):
    """Lets its base find somebody and returns somebody else."""

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        super().get_or_create_user(access_token, id_token, payload)
        return self.UserModel.objects.get_or_create(username="another")[0]


class CollidingNames(OIDCLoginBackend):
    """Fails as two first sign-ins at once do."""

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.UserModel.objects.create_user("the same")
        return self.UserModel.objects.create_user("the same")


class AnotherSubject(OIDCLoginBackend):
    """Says of the ID token what it does not say."""

    def verify_token(self, token: str, **kwargs: Any) -> Any:
        payload = super().verify_token(token, **kwargs)
        return {**payload, "sub": "sub-of-bob", "iss": "https://elsewhere.example", "added": "by the site"}

    def verify_claims(self, claims: Any) -> bool:
        return bool(claims["added"] == "by the site")


class SayingNothing(OIDCLoginBackend):
    def verify_token(self, token: str, **kwargs: Any) -> Any:
        return None


class GivingTokens(OIDCLoginBackend):
    """`get_token` as a test wants it."""

    answer: Any = None

    def get_token(self, payload: Any) -> Any:
        return self.answer


class MakingRequests(OIDCLoginBackend):
    """A step that asks an address, as a test wants it."""

    url = ""

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        response = requests.get(self.url, timeout=5)
        response.raise_for_status()
        return response.json()
