"""LinkedIn for its APIs (https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow)."""

from __future__ import annotations

from typing import Any

from oidc_login.providers.oauth2 import OAuth2Provider

# How LinkedIn's descriptions of unusable codes and refresh tokens begin.
SPENT = ("Unable to retrieve access token: ", "The provided authorization grant or refresh token ")


class LinkedInPostingProvider(OAuth2Provider):
    """LinkedIn tokens for posting on behalf of a member."""

    display_name = "LinkedIn posting"
    brand_color = "#0a66c2"
    monogram = "in"
    default_scope = "openid profile email w_member_social"

    authorization_endpoint = "https://www.linkedin.com/oauth/v2/authorization"
    token_endpoint = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105  # an address
    userinfo_endpoint = "https://api.linkedin.com/v2/userinfo"
    api_base_url = "https://api.linkedin.com/rest"
    # https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
    mapping = {
        "user_id": "sub",
        "email": "email",
        "email_verified": "email_verified",
        "name": "name",
        "picture": "picture",
    }

    # https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#step-3-exchange-authorization-code-for-an-access-token
    token_endpoint_auth_methods_supported = ("client_secret_post",)
    # LinkedIn rejects requests with a verifier (`invalid_client`) unless it has enabled PKCE for the app
    # (https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow-native).
    uses_pkce = False
    # https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#application-is-rejected
    cancellation_errors = ("user_cancelled_login", "user_cancelled_authorize")

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Recognize unusable codes and refresh tokens, an `invalid_request` here, by their description.

        https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#api-error-details
        """
        description = answer.get("error_description")
        if answer.get("error") == "invalid_request" and isinstance(description, str) and description.startswith(SPENT):
            return {**answer, "error": "invalid_grant"}
        return answer
