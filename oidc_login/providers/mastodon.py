"""Mastodon (https://docs.joinmastodon.org/spec/oauth/)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from oidc_login.providers.oauth2 import OAuth2Provider


class MastodonProvider(OAuth2Provider):
    """A Mastodon server at `base_url`."""

    display_name = "Mastodon"
    brand_color = "#563acc"
    monogram = "M"
    default_scope = "read:accounts"
    refresh_strategy = "none"  # https://docs.joinmastodon.org/spec/oauth/#token
    mapping = {"user_id": "id", "username": "username", "name": "display_name", "picture": "avatar"}

    def __init__(self, *, base_url: str, **kwargs: Any) -> None:
        base_url = base_url.rstrip("/")
        endpoints: Mapping[str, str] = {
            "authorization_endpoint": f"{base_url}/oauth/authorize",
            "token_endpoint": f"{base_url}/oauth/token",
            "userinfo_endpoint": f"{base_url}/api/v1/accounts/verify_credentials",
            "revocation_endpoint": f"{base_url}/oauth/revoke",
            "api_base_url": f"{base_url}/api/v1",
        }
        super().__init__(**{**endpoints, **kwargs})
        self.host = urlsplit(base_url).netloc

    def subject_from_userinfo(self, userinfo: Any) -> str:
        """An `id` is only unique on its server, so the subject contains the server's name."""
        return f"{super().subject_from_userinfo(userinfo)}@{self.host}"
