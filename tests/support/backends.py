"""Backends as sites write them; each test names one in AUTHENTICATION_BACKENDS."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection

from oidc_login.backends import OIDCLoginBackend


class RefusingClaims(OIDCLoginBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return False


class RefusingSuspiciously(OIDCLoginBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        raise SuspiciousOperation("not in the group")


class Denying(OIDCLoginBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        raise PermissionDenied("not in the group")


class CreatingNobody(OIDCLoginBackend):
    def create_user(self, claims: dict[str, Any]) -> Any:
        return None


class CreatingInactive(OIDCLoginBackend):
    def create_user(self, claims: dict[str, Any]) -> Any:
        return get_user_model().objects.create_user("inactive", is_active=False)


class FailingToCreate(OIDCLoginBackend):
    """Fails after it wrote."""

    def create_user(self, claims: dict[str, Any]) -> Any:
        super().create_user(claims)
        raise RuntimeError("the directory is away")


class UpdatingNobody(OIDCLoginBackend):
    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        return None


class UpdatingAnother(OIDCLoginBackend):
    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        return get_user_model().objects.get(username="another")


class FailingToUpdate(OIDCLoginBackend):
    """Refuses after it wrote."""

    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        user.first_name = "written"
        user.save()
        raise SuspiciousOperation("left the company")


class Updating(OIDCLoginBackend):
    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        user.first_name = claims.get("given_name", "")[:150]
        user.save(update_fields=["first_name"])
        return user


class FindingByUsername(OIDCLoginBackend):
    """The site's own rule: an employee number in the claims."""

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        return get_user_model().objects.filter(username__startswith=claims.get("employee", "nobody"))


class FindingNobody(OIDCLoginBackend):
    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        return []


class Naming(OIDCLoginBackend):
    def get_username(self, claims: dict[str, Any]) -> str:
        return "employee-" + str(claims["sub"])[-5:]


class Everything(OIDCLoginBackend):
    """All hooks at once, with upstream's order noted."""

    asked: list[str] = []

    def get_token(self, payload: Any) -> Any:
        self.asked.append("get_token")
        return super().get_token(payload)

    def verify_token(self, token: str, **kwargs: Any) -> Any:
        self.asked.append("verify_token")
        return super().verify_token(token, **kwargs)

    def get_or_create_user(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.asked.append("get_or_create_user")
        return super().get_or_create_user(access_token, id_token, payload)

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.asked.append("get_userinfo")
        return {**super().get_userinfo(access_token, id_token, payload), "added": "by the site"}

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        self.asked.append("verify_claims")
        return type(claims) is dict and claims["added"] == "by the site"

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        self.asked.append("filter_users_by_claims")
        return get_user_model().objects.filter(email=claims["email"])

    def create_user(self, claims: dict[str, Any]) -> Any:
        self.asked.append("create_user")
        return get_user_model().objects.create_user(self.get_username(claims), claims["email"])

    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        self.asked.append("update_user")
        return super().update_user(user, claims)

    def get_username(self, claims: dict[str, Any]) -> str:
        self.asked.append("get_username")
        return "made-by-the-site"

    def describe_user_by_claims(self, claims: dict[str, Any]) -> str:
        return "somebody"


class Meddling(OIDCLoginBackend):
    """A hook that gives other claims cannot make another identity of it."""

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        return {"sub": "somebody-else", "email": "made-up@example.org", "email_verified": True}


class ReadingItself(OIDCLoginBackend):
    """What a hook may read."""

    seen: dict[str, Any] = {}

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        type(self).seen = {
            "provider": self.provider.key,
            "has token": bool(self.oauth_token.access_token),
            "email": self.identity.email,
            "verified": self.identity.email_verified,
            "path": self.request.path,
            "described": self.describe_user_by_claims(claims),
        }
        return True


class RefusingInTheEnd(OIDCLoginBackend):
    """Asks the package, and says no all the same."""

    def authenticate(self, request: Any, **kwargs: Any) -> Any:
        super().authenticate(request, **kwargs)


class NotingTransactions(OIDCLoginBackend):
    """Notes which hooks run inside a transaction."""

    noted: dict[str, bool] = {}

    def note(self, name: str) -> None:
        self.noted[name] = connection.in_atomic_block

    def get_token(self, payload: Any) -> Any:
        self.note("get_token")
        return super().get_token(payload)

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        self.note("get_userinfo")
        return super().get_userinfo(access_token, id_token, payload)

    def create_user(self, claims: dict[str, Any]) -> Any:
        self.note("create_user")
        return super().create_user(claims)
