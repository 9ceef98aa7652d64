"""The authorization request and its response (RFC 6749 4.1.1 and 4.1.2, Core 3.1.2, RFC 7636, RFC 9207)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from oidc_login.protocol.errors import (
    AuthorizationErrorResponse,
    AuthorizationResponseInvalid,
    Evidence,
    IssuerMismatch,
)
from oidc_login.protocol.jose import encode

MAX_PARAMETER_LENGTH = 8192
MAX_STATE_LENGTH = 256
MAX_FURTHER_LENGTH = 2048  # of a provider-specific parameter
PARAMETERS = ("state", "code", "error", "iss")

# Set for every request, whatever the site's settings contain; or they would replace the whole request.
FLOW_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
)

_VISIBLE = re.compile(r"[\x20-\x7e]+")
_ERROR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}")


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 4.2)."""
    return encode(hashlib.sha256(code_verifier.encode("ascii")).digest())


def authorization_url(endpoint: str, parameters: Mapping[str, Any]) -> str:
    """Add parameters to the authorization endpoint, and keep its query (RFC 6749 3.1).

    A space becomes %20, which every server understands; Apple and Cognito take a plus sign literally.
    """
    scheme, netloc, path, query, _ = urlsplit(endpoint)
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    added = urlencode(given, quote_via=quote)
    return urlunsplit((scheme, netloc, path, f"{query}&{added}" if query else added, ""))


def read_state(parameters: Iterable[tuple[str, str]]) -> str:
    """Return the only `state` of a response; "" if it is missing or repeated (RFC 6749 3.1)."""
    states = [value for name, value in parameters if name == "state"]
    if len(states) > 1:
        raise AuthorizationResponseInvalid("repeated")
    return states[0] if states else ""


def read_parameters(parameters: Iterable[tuple[str, str]], names: Collection[str]) -> dict[str, str]:
    """Return the named parameters, each at most once and of limited length; ignore all others (RFC 6749 3.1)."""
    values: dict[str, str] = {}
    for name, value in parameters:
        if name not in names:
            continue
        if name in values:
            raise AuthorizationResponseInvalid("repeated")
        values[name] = value
    for name, value in values.items():
        _check_length(name, value)
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """An authorization response from the browser. Do not trust it before the checks."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    iss: str | None = None
    further: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(
        cls, parameters: Iterable[tuple[str, str]], *, names: Collection[str] = PARAMETERS
    ) -> AuthorizationResponse:
        """Read the parameters of RFC 6749 4.1.2, and the provider-specific ones in `names`."""
        values = read_parameters(parameters, names)
        return cls(
            state=values.get("state", ""),
            code=values.get("code", ""),
            error=values.get("error", ""),
            iss=values.get("iss"),
            further={name: value for name, value in values.items() if name not in PARAMETERS},
        )

    def check_form(self) -> None:
        """The response must have either a code or an error, in printable ASCII (RFC 6749 4.1.2, appendix A)."""
        if bool(self.code) == bool(self.error):
            raise AuthorizationResponseInvalid("code_or_error")
        if self.code and not _VISIBLE.fullmatch(self.code):
            raise AuthorizationResponseInvalid("code")

    def check_issuer(self, *, issuer: str, required: bool) -> None:
        """The response must come from the issuer of the request, if the provider has one (RFC 9207 2.4)."""
        if not issuer or (self.iss is None and not required):
            return
        if self.iss != issuer:
            raise IssuerMismatch("iss", evidence=Evidence.of(expected=issuer, seen=self.iss))

    def check_error(self, *, cancellations: Collection[str] = ()) -> None:
        """Raise the error of an error response; it keeps the code and drops the description.

        `cancellations` are the provider's own codes for `access_denied`.
        """
        if self.error in cancellations:
            raise AuthorizationErrorResponse("access_denied")
        if self.error:
            raise AuthorizationErrorResponse(self.error if _ERROR.fullmatch(self.error) else "unprintable")


def _check_length(name: str, value: str) -> None:
    limit = MAX_PARAMETER_LENGTH if name in PARAMETERS else MAX_FURTHER_LENGTH
    if len(value) > (MAX_STATE_LENGTH if name == "state" else limit):
        raise AuthorizationResponseInvalid("oversized")
