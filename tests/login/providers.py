"""Provider classes as sites write them."""

from __future__ import annotations

from typing import Any, ClassVar

import requests
from django.http import HttpRequest

from oidc_login.providers import OAuth2Provider, OAuthProvider, OAuthToken, OAuthUser


class ReadmeProvider(OAuthProvider):
    """As django-oauth-login's README shows one: three methods, and `requests` for HTTP."""

    site = ""
    authorization_url = ""
    user: ClassVar[dict[str, Any]] = {}
    codes: ClassVar[list[str]] = []

    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        self.codes.append(code)
        response = requests.post(
            f"{self.site}/login/oauth/access_token",
            headers={"Accept": "application/json"},
            data={
                "client_id": self.get_client_id(),
                "client_secret": self.get_client_secret(),
                "code": code,
                "redirect_uri": self.get_callback_url(request=request),
            },
            timeout=5,
        )
        response.raise_for_status()
        data = response.json()
        return OAuthToken(access_token=data["access_token"])

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        response = requests.get(
            f"{self.site}/user", headers={"Authorization": f"token {oauth_token.access_token}"}, timeout=5
        )
        response.raise_for_status()
        data = response.json()
        return OAuthUser(id=data["id"], **{"username": data["login"], **self.user})


class DoingPKCE(ReadmeProvider):
    uses_pkce = True

    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        response = requests.post(
            f"{self.site}/login/oauth/access_token",
            headers={"Accept": "application/json"},
            data={
                "client_id": self.client_id,
                "client_secret": self.get_client_secret(),
                "code": code,
                "code_verifier": self.get_code_verifier(request),
            },
            timeout=5,
        )
        return OAuthToken(access_token=response.json()["access_token"])


class ForgeProvider(OAuth2Provider):
    """Declared by its endpoints, with an argument of its own."""

    token_endpoint_auth_methods_supported = ("client_secret_post",)
    default_scope = "user user:email"

    def __init__(self, *, custom_arg: int, site: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.custom_arg = custom_arg
        self.authorization_endpoint = f"{site}/login/oauth/authorize"
        self.token_endpoint = f"{site}/login/oauth/access_token"
        self.userinfo_endpoint = f"{site}/user"

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        return OAuthUser(id=userinfo["id"], email=f"{userinfo['login']}@forge.example", email_verified=True)
