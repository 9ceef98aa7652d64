"""Declares the differences between OAuth 2.0 providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from oidc_login.testing.application import Answer
from oidc_login.testing.grants import Grant
from oidc_login.testing.users import User

# The errors of the token endpoint, and their codes in RFC 6749 5.2.
Fault = Literal["client", "code", "verifier", "redirect_uri", "refresh_token", "access_token", "grant_type", "request"]
ERRORS: Mapping[Fault, str] = {
    "client": "invalid_client",
    "code": "invalid_grant",
    "verifier": "invalid_grant",
    "redirect_uri": "invalid_grant",
    "refresh_token": "invalid_grant",
    "access_token": "invalid_grant",
    "grant_type": "unsupported_grant_type",
    "request": "invalid_request",
}


class TokenRefused(Exception):
    """The token endpoint rejects the request."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def standard_error(fault: Fault) -> Answer:
    """The error response of RFC 6749 5.2."""
    return Answer.of_json({"error": ERRORS[fault]}, status=401 if fault == "client" else 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The form of a provider; the defaults follow RFC 6749."""

    authorization_path: str = "/authorize"
    token_path: str = "/token"  # noqa: S105 - a path
    revocation_path: str = "/revoke"
    # "": RFC 7009; otherwise a request with this method, authenticated by the access token itself.
    revocation_method: Literal["", "POST", "DELETE"] = ""
    revokes_refresh_tokens: bool = True

    auth_methods: Sequence[str] = ("client_secret_basic", "client_secret_post", "none")
    client_id_name: str = "client_id"
    takes_json: bool = False
    pkce: Literal["required", "optional", "refused"] = "optional"
    scope_separator: str = " "
    # Required headers of all requests from servers, as regular expressions by header name.
    headers: Mapping[str, str] = field(default_factory=dict)

    # Seconds; `None` if it does not expire.
    access_token_lifetime: int | None = 3600
    # Seconds; `None` if there are no refresh tokens.
    refresh_token_lifetime: int | None = 30 * 86_400
    rotates_refresh_tokens: bool = True
    # A word in a parameter of the authorization request that a refresh token requires.
    offline: tuple[str, str] = ("", "")
    # A grant that exchanges an access token for a newer one, and the parameter that contains it.
    exchange_grant: str = ""
    exchanged_token_lifetime: int = 60 * 86_400

    # Responses in the provider's own format.
    tokens: Callable[[dict[str, Any]], Any] = dict
    error: Callable[[Fault], Answer] = standard_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One call of the provider's API: its response about a person, as JSON or as a whole `Answer`."""

    path: str
    answer: Callable[[User, Grant], Any]
    method: str = "GET"
    # Required query parameters, as regular expressions by name.
    query: Mapping[str, str] = field(default_factory=dict)
