"""GitLab with its REST API (https://docs.gitlab.com/api/oauth2/)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers.mapping import value_at
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class GitLabRESTProvider(OAuth2Provider):
    """GitLab over OAuth 2.0, for tokens for its REST API. `base_url` is the address of your own server.

    If you only need sign-ins, use `OIDCProvider` with GitLab's address as the `issuer`.
    """

    display_name = "GitLab REST"
    brand_color = "#c2410c"
    monogram = "GL"
    default_scope = "read_user"
    home = ("https://gitlab.com",)
    mapping = {"user_id": "id", "email": "email", "username": "username", "name": "name", "picture": "avatar_url"}

    def __init__(self, *, base_url: str = "https://gitlab.com", **kwargs: Any) -> None:
        base_url = base_url.rstrip("/")
        endpoints: Mapping[str, str] = {
            "authorization_endpoint": f"{base_url}/oauth/authorize",
            "token_endpoint": f"{base_url}/oauth/token",
            "userinfo_endpoint": f"{base_url}/api/v4/user",
            "revocation_endpoint": f"{base_url}/oauth/revoke",
            "api_base_url": f"{base_url}/api/v4",
        }
        super().__init__(**{**endpoints, **kwargs})

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Reject blocked accounts, which have another `state` (https://docs.gitlab.com/api/users/)."""
        if value_at(userinfo, "state") != "active":
            raise UserInfoInvalid("state")
        return super().user_from_userinfo(userinfo, oauth_token=oauth_token)

    def stated_email_verified(self, userinfo: Any) -> Any:
        """The address is confirmed if `confirmed_at` is not null."""
        return bool(value_at(userinfo, "confirmed_at"))
