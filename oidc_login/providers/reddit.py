"""Reddit (https://github.com/reddit-archive/reddit/wiki/OAuth2)."""

from __future__ import annotations

from html import unescape
from typing import Any

from oidc_login import __version__
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser


class RedditProvider(OAuth2Provider):
    """Reddit. `user_agent` identifies your app in every request."""

    display_name = "Reddit"
    brand_color = "#c73600"
    monogram = "R"
    default_scope = "identity"
    # https://github.com/reddit-archive/reddit/wiki/OAuth2#authorization: without it there is no refresh token.
    default_authorization_params = {"duration": "permanent"}
    uses_pkce = False  # the same page does not mention PKCE

    authorization_endpoint = "https://www.reddit.com/api/v1/authorize"
    token_endpoint = "https://www.reddit.com/api/v1/access_token"  # noqa: S105  # an address
    userinfo_endpoint = "https://oauth.reddit.com/api/v1/me"
    revocation_endpoint = "https://www.reddit.com/api/v1/revoke_token"
    api_base_url = "https://oauth.reddit.com"
    mapping = {"user_id": "id", "username": "name", "name": "name", "picture": "icon_img"}

    def __init__(self, *, user_agent: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # https://github.com/reddit-archive/reddit/wiki/API#rules: it must be unique and identify the app.
        agent = user_agent or f"web:{self.client_id}:{__version__} (django-oidc-login)"
        self.request_headers = {"User-Agent": agent}

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Reddit's API escapes all text as HTML (see `raw_json` in its API documentation)."""
        user = super().user_from_userinfo(userinfo, oauth_token=oauth_token)
        user.picture = unescape(user.picture)
        return user

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Reddit reports an unknown client by the HTTP status, which the response repeats as `error`."""
        return {**answer, "error": "invalid_client"} if answer.get("error") == 401 else answer
