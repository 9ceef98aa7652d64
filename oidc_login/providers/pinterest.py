"""Pinterest, API v5 (https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/)."""

from __future__ import annotations

from typing import Any

from oidc_login.providers.oauth2 import OAuth2Provider

# The RFC 6749 5.2 error codes for the codes of Pinterest's API.
ERRORS = {2: "invalid_client", 283: "invalid_grant"}


class PinterestProvider(OAuth2Provider):
    """Pinterest. The identity is the `id`, because user names can change."""

    display_name = "Pinterest"
    brand_color = "#e60023"
    monogram = "P"
    default_scope = "user_accounts:read"
    # https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/
    scope_separator = ","
    uses_pkce = False  # the same page does not mention PKCE

    authorization_endpoint = "https://www.pinterest.com/oauth/"
    token_endpoint = "https://api.pinterest.com/v5/oauth/token"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.pinterest.com/v5/user_account"
    api_base_url = "https://api.pinterest.com/v5"
    mapping = {
        "user_id": "id",
        "username": "username",
        "name": "business_name",
        "picture": "profile_image",
    }

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Errors consist of `code` and `message` (https://developers.pinterest.com/docs/api/v5/oauth-token/)."""
        code = answer.get("code")
        if "access_token" in answer or type(code) is not int:
            return answer
        return {**answer, "error": ERRORS.get(code, "invalid_request")}
