"""How one OAuth 2.0 provider differs from the next, declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from oidc_login.testing.application import Answer
from oidc_login.testing.grants import Grant
from oidc_login.testing.users import User

# What the token endpoint finds wrong, and how RFC 6749 5.2 calls it.
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
    """The token endpoint says no."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def standard_error(fault: Fault) -> Answer:
    """The answer of RFC 6749 5.2."""
    return Answer.of_json({"error": ERRORS[fault]}, status=401 if fault == "client" else 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one provider differs from the next; what is not said is as RFC 6749 has it."""

    authorization_path: str = "/authorize"
    token_path: str = "/token"  # noqa: S105 - a path
    revocation_path: str = "/revoke"
    # "": RFC 7009; otherwise a request of that method with the access token itself.
    revocation_method: Literal["", "POST", "DELETE"] = ""
    revokes_refresh_tokens: bool = True

    auth_methods: Sequence[str] = ("client_secret_basic", "client_secret_post", "none")
    client_id_name: str = "client_id"
    takes_json: bool = False
    pkce: Literal["required", "optional", "refused"] = "optional"
    scope_separator: str = " "
    # What each request of a server has to carry, as regular expressions by the names of headers.
    headers: Mapping[str, str] = field(default_factory=dict)

    # Seconds; None: it does not expire.
    access_token_lifetime: int | None = 3600
    # Seconds; None: there are no refresh tokens.
    refresh_token_lifetime: int | None = 30 * 86_400
    rotates_refresh_tokens: bool = True
    # A word in a parameter of the authorization request without which no refresh token comes.
    offline: tuple[str, str] = ("", "")
    # A grant by which an access token is exchanged for a newer one, and the parameter that holds it.
    exchange_grant: str = ""
    exchanged_token_lifetime: int = 60 * 86_400

    # The answers in the provider's own way of writing.
    tokens: Callable[[dict[str, Any]], Any] = dict
    error: Callable[[Fault], Answer] = standard_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One call of the provider's API: what it says about a person, as JSON or as a whole `Answer`."""

    path: str
    answer: Callable[[User, Grant], Any]
    method: str = "GET"
    # What has to be in the query, as regular expressions by the names of parameters.
    query: Mapping[str, str] = field(default_factory=dict)
