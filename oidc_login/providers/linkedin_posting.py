"""LinkedIn for its APIs (https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow)."""

from __future__ import annotations

from .facts import Facts
from .oauth2 import OAuth2Provider


class LinkedInPostingProvider(OAuth2Provider):
    """LinkedIn's tokens for posting in the name of a member."""

    display_name = "LinkedIn"
    brand_color = "#0a66c2"
    monogram = "IN"
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
    # An app that LinkedIn did not enable for PKCE is answered `invalid_client` as soon as it sends a verifier
    # (https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow-native).
    uses_pkce = False

    facts = Facts(
        register_at="https://www.linkedin.com/developers/apps",
        register_as="An app with the products *Share on LinkedIn* and *Sign In with LinkedIn using OpenID Connect*.",
        identity="`sub`, which belongs to your app.",
        email="Counts where `email_verified` is `true`; it needs the scope `email`.",
        refresh="Access tokens live sixty days. Refresh tokens are for approved partners alone; without one the person "
        "has to connect again.",
        caution="Calls of `/rest` want the header `LinkedIn-Version`, and posts name their author by "
        "`urn:li:person:` and the identity.",
        sources=(
            "https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow",
            "https://learn.microsoft.com/linkedin/shared/authentication/programmatic-refresh-tokens",
        ),
    )
