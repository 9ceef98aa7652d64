"""LinkedIn (https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2)."""

from __future__ import annotations

from oidc_login.providers.oidc import OIDCProvider


class LinkedInProvider(OIDCProvider):
    """Sign In with LinkedIn using OpenID Connect, without PKCE and nonce."""

    display_name = "LinkedIn"
    brand_color = "#0a66c2"
    monogram = "Li"
    default_discovery_url = "https://www.linkedin.com/oauth/.well-known/openid-configuration"

    # LinkedIn rejects token requests with a verifier (`invalid_client`) unless it has enabled PKCE for the app.
    # https://github.com/nextauthjs/next-auth/issues/8831
    uses_pkce = False
    # https://github.com/linkedin-developers/linkedin-api-js-client/issues/34
    insecure_allow_missing_nonce = True
    # https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#step-2-request-an-authorization-code
    answers_silently = False  # LinkedIn does not support `prompt`
    # The document omits the list, which means Basic, but LinkedIn only reads credentials from the body.
    # https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#step-3-exchange-authorization-code-for-an-access-token
    token_endpoint_auth_methods_supported = ("client_secret_post",)
    # https://github.com/logto-io/logto/issues/6843
    sends_booleans_as_strings = True
    # https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow#application-is-rejected
    cancellation_errors = ("user_cancelled_login", "user_cancelled_authorize")
