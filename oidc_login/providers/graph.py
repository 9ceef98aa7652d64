"""Meta's Graph API, which Facebook and Instagram share (https://developers.facebook.com/docs/graph-api/)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.providers.mapping import value_at
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.values import OAuthToken

DAY = 24 * 3600  # seconds

# https://developers.facebook.com/docs/graph-api/guides/error-handling
CODES = {190: "invalid_grant", 101: "invalid_client", 1: "server_error", 2: "temporarily_unavailable"}
SPENT_CODES = (36007, 36009)  # subcodes: the authorization code has expired or has been used


class GraphProvider(OAuth2Provider):
    """Access tokens that are exchanged for newer ones while they are valid; there are no refresh tokens.

    `long_lived_tokens` exchanges the token of a sign-in, which lasts an hour or two, for one that lasts sixty days.
    """

    token_endpoint_auth_methods_supported = ("client_secret_post",)
    scope_separator = ","  # https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
    uses_pkce = True  # `get_oauth_token` below posts the verifier, like the method that it replaces
    refresh_strategy = "exchange_self"
    # https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived: once a day at most.
    refresh_ahead = 30 * DAY
    refresh_interval = DAY

    def __init__(self, *, long_lived_tokens: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.long_lived_tokens = long_lived_tokens

    @sensitive_variables()
    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        oauth_token = super().get_oauth_token(code=code, request=request)
        return self.get_long_lived_token(oauth_token) if self.long_lived_tokens else oauth_token

    @sensitive_variables()
    def get_long_lived_token(self, oauth_token: OAuthToken) -> OAuthToken:
        """Exchange the token of a sign-in for a long-lived one."""
        return self.refresh_oauth_token(oauth_token=oauth_token)

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Graph errors are objects (https://developers.facebook.com/docs/graph-api/guides/error-handling)."""
        error = answer.get("error")
        return {**answer, "error": graph_error(error)} if isinstance(error, dict) else answer


def graph_error(error: dict[str, Any]) -> str:
    """Return the error code of RFC 6749 5.2 for an error of the Graph API."""
    if value_at(error, "error_subcode") in SPENT_CODES:
        return "invalid_grant"
    if value_at(error, "message") == "Error validating client secret.":
        return "invalid_client"
    code = error.get("code")
    return CODES.get(code, "invalid_request") if type(code) is int else "invalid_request"
