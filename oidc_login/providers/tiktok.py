"""TikTok, Login Kit (https://developers.tiktok.com/doc/login-kit-web)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.client_auth import ClientAuthentication
from oidc_login.protocol.http.client import Request
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken, PendingFlow


class TikTokProvider(OAuth2Provider):
    """TikTok. The identity is the `open_id`. `client_id` is TikTok's client key."""

    display_name = "TikTok"
    brand_color = "#121212"
    monogram = "TT"
    default_scope = "user.info.basic"
    scope_separator = ","  # https://developers.tiktok.com/doc/login-kit-web
    # The same page: PKCE is only for mobile and desktop apps, and its challenge differs from RFC 7636.
    uses_pkce = False

    authorization_endpoint = "https://www.tiktok.com/v2/auth/authorize/"
    token_endpoint = "https://open.tiktokapis.com/v2/oauth/token/"  # noqa: S105  # an address
    userinfo_endpoint = "https://open.tiktokapis.com/v2/user/info/?fields=open_id,union_id,avatar_url,display_name"
    revocation_endpoint = "https://open.tiktokapis.com/v2/oauth/revoke/"
    api_base_url = "https://open.tiktokapis.com/v2"
    mapping = {
        "user_id": "data.user.open_id",
        "name": "data.user.display_name",
        "picture": "data.user.avatar_url",
    }

    def get_flow_params(self, flow: PendingFlow) -> dict[str, Any]:
        """TikTok's parameter for the client is `client_key` (https://developers.tiktok.com/doc/login-kit-web)."""
        parameters = super().get_flow_params(flow)
        parameters["client_key"] = parameters.pop("client_id")
        return parameters

    @sensitive_variables()
    def authenticate_client(self, client_secret: str, *, now: float) -> ClientAuthentication:
        """Use `client_key` at the token endpoint too (https://developers.tiktok.com/doc/oauth-user-access-token-management)."""
        return ClientAuthentication(parameters={"client_key": self.client_id, "client_secret": client_secret})

    @sensitive_variables()
    def get_revocation_request(self, oauth_token: OAuthToken) -> Request:
        """TikTok only revokes access tokens (https://developers.tiktok.com/doc/oauth-user-access-token-management)."""
        return super().get_revocation_request(replace(oauth_token, refresh_token=""))
