"""Facebook Login (https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.authorization import authorization_url
from oidc_login.providers.graph import GraphProvider
from oidc_login.providers.values import OAuthToken, OAuthUser


class FacebookProvider(GraphProvider):
    """Facebook. The identity is the app-scoped `id`. `api_version` is the version of the Graph API."""

    display_name = "Facebook"
    brand_color = "#0866ff"
    monogram = "F"
    default_scope = "email"
    home = ("https://graph.facebook.com",)
    mapping = {"user_id": "id", "email": "email", "name": "name", "picture": "picture.data.url"}
    # https://developers.facebook.com/docs/graph-api/reference/user/permissions/
    revocation_method = "DELETE"

    def __init__(self, *, api_version: str = "v24.0", **kwargs: Any) -> None:
        graph = f"https://graph.facebook.com/{api_version}"
        endpoints: Mapping[str, str] = {
            "authorization_endpoint": f"https://www.facebook.com/{api_version}/dialog/oauth",
            "token_endpoint": f"{graph}/oauth/access_token",
            "userinfo_endpoint": f"{graph}/me?fields=id,name,first_name,last_name,email,picture",
            "revocation_endpoint": f"{graph}/me/permissions",
            "api_base_url": graph,
        }
        super().__init__(**{**endpoints, **kwargs})

    @sensitive_variables()
    def get_refresh_parameters(self, oauth_token: OAuthToken) -> dict[str, str]:
        """https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived"""
        return {"grant_type": "fb_exchange_token", "fb_exchange_token": oauth_token.access_token}

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Send a proof that the app itself uses the token; apps can require it for every call.

        https://developers.facebook.com/docs/graph-api/guides/secure-requests
        """
        url = authorization_url(self.userinfo_endpoint, {"appsecret_proof": self.get_appsecret_proof(oauth_token)})
        return self.user_from_userinfo(self.get_resource(url, oauth_token=oauth_token), oauth_token=oauth_token)

    @sensitive_variables()
    def get_appsecret_proof(self, oauth_token: OAuthToken) -> str:
        """Return the parameters that a site's own calls must add if the app requires the proof."""
        secret = self.current_secret()
        return hmac.new(secret.encode(), oauth_token.access_token.encode(), hashlib.sha256).hexdigest()
