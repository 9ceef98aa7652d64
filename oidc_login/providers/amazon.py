"""Login with Amazon (https://developer.amazon.com/docs/login-with-amazon/documentation-overview.html)."""

from __future__ import annotations

from oidc_login.providers.oauth2 import OAuth2Provider


class AmazonProvider(OAuth2Provider):
    """Amazon customer accounts (not AWS accounts)."""

    display_name = "Amazon"
    brand_color = "#8a5300"
    monogram = "AZ"
    default_scope = "profile"

    authorization_endpoint = "https://www.amazon.com/ap/oa"
    token_endpoint = "https://api.amazon.com/auth/o2/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.amazon.com/user/profile"
    api_base_url = "https://api.amazon.com"
    mapping = {"user_id": "user_id", "email": "email", "name": "name"}
