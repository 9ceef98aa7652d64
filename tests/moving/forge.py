"""A provider class as a site of django-oauth-login has it, with the import of here."""

from __future__ import annotations

from typing import Any

from oidc_login.providers import OAuthProvider, OAuthToken, OAuthUser


class ForgeProvider(OAuthProvider):
    """One page of an API that is not asked in these tests."""

    authorization_url = "https://forge.example/authorize"

    def __init__(self, *, page_size: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.page_size = page_size

    def get_oauth_token(self, *, code: str, request: Any) -> OAuthToken:
        raise NotImplementedError

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        raise NotImplementedError
