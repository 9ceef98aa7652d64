"""Exchanging an access token for one of another API (RFC 8693), and Entra's grant for the same."""

from __future__ import annotations

from typing import Final

from oidc_login.protocol.errors import TokenResponseInvalid
from oidc_login.protocol.tokens import TokenResponse

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  # a name
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"


def exchange_parameters(access_token: str, *, audience: str, scope: str) -> dict[str, str]:
    """Return the parameters of a token exchange (RFC 8693 2.1)."""
    wanted = {"audience": audience, "scope": scope}
    return {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": access_token,
        "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": ACCESS_TOKEN,
        **{name: value for name, value in wanted.items() if value},
    }


def on_behalf_of_parameters(access_token: str, *, audience: str, scope: str) -> dict[str, str]:
    """Return the parameters of Entra's grant, which names the API in the scope.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
    """
    return {
        "grant_type": JWT_BEARER,
        "assertion": access_token,
        "requested_token_use": "on_behalf_of",
        "scope": scope or f"{audience}/.default",
    }


def check_issued_type(response: TokenResponse) -> None:
    """The provider must have issued an access token (RFC 8693 2.2.1)."""
    if response.members.get("issued_token_type", ACCESS_TOKEN) not in (ACCESS_TOKEN, JWT):
        raise TokenResponseInvalid("issued_token_type")
