"""Instagram API with Instagram Login (https://developers.facebook.com/docs/instagram-platform)."""

from __future__ import annotations

import time
from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.authorization import authorization_url
from oidc_login.protocol.tokens import exchange_request, request_tokens
from oidc_login.providers.graph import GraphProvider
from oidc_login.providers.mapping import value_at
from oidc_login.providers.values import OAuthToken


class InstagramProvider(GraphProvider):
    """Instagram, for professional accounts."""

    display_name = "Instagram"
    brand_color = "#c13584"
    monogram = "IG"
    default_scope = "instagram_business_basic"
    uses_pkce = False  # the page on business login does not mention PKCE

    authorization_endpoint = "https://www.instagram.com/oauth/authorize"
    token_endpoint = "https://api.instagram.com/oauth/access_token"  # noqa: S105  # an address
    userinfo_endpoint = "https://graph.instagram.com/me?fields=user_id,username,name,profile_picture_url"
    long_lived_token_endpoint = "https://graph.instagram.com/access_token"  # noqa: S105
    refresh_endpoint = "https://graph.instagram.com/refresh_access_token"
    api_base_url = "https://graph.instagram.com"
    mapping = {"user_id": "user_id", "username": "username", "name": "name", "picture": "profile_picture_url"}

    @sensitive_variables()
    def get_long_lived_token(self, oauth_token: OAuthToken) -> OAuthToken:
        """https://developers.facebook.com/docs/instagram-platform/reference/access_token"""
        parameters = {
            "grant_type": "ig_exchange_token",
            "client_secret": self.current_secret(),
            "access_token": oauth_token.access_token,
        }
        return self._exchanged(self.long_lived_token_endpoint, parameters, scope=oauth_token.scope)

    @sensitive_variables()
    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        """https://developers.facebook.com/docs/instagram-platform/reference/refresh_access_token"""
        parameters = {"grant_type": "ig_refresh_token", "access_token": oauth_token.access_token}
        return self._exchanged(self.refresh_endpoint, parameters, scope=oauth_token.scope)

    @sensitive_variables()
    def _exchanged(self, endpoint: str, parameters: dict[str, str], *, scope: str) -> OAuthToken:
        """Exchange a token with a GET request and query parameters, the only method that Instagram documents."""
        request = exchange_request(authorization_url(endpoint, parameters))
        response = request_tokens(self.transport, request, now=time.time(), translate=self.read_token_answer)
        return self.token_from_response(response, scope=scope)

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Read a token that may be the only entry of a list, `permissions` as its scope, and errors with `error_type`.

        https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login
        """
        if "error_type" in answer:
            is_client = answer.get("error_message") == "Invalid platform app"
            return {**answer, "error": "invalid_client" if is_client else "invalid_grant"}
        first = value_at(answer, "data.0")
        answer = {**answer, **first} if isinstance(first, dict) else answer
        return super().read_token_answer({"scope": answer.get("permissions"), **answer})
