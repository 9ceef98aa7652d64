"""The authorization request and its response (RFC 6749 4.1.1 and 4.1.2, Core 3.1.2, RFC 7636, RFC 9207)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from .errors import AuthorizationErrorResponse, AuthorizationResponseInvalid, IssuerMismatch
from .jose import encode

MAX_PARAMETER_LENGTH = 8192
MAX_STATE_LENGTH = 256
PARAMETERS = ("state", "code", "error", "iss")
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_ERROR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}")


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 4.2)."""
    return encode(hashlib.sha256(code_verifier.encode("ascii")).digest())


def authorization_url(endpoint: str, parameters: Mapping[str, Any]) -> str:
    """Add parameters to the authorization endpoint, keeping a query it has (RFC 6749 3.1)."""
    scheme, netloc, path, query, _ = urlsplit(endpoint)
    added = urlencode({name: value for name, value in parameters.items() if value not in (None, "")})
    return urlunsplit((scheme, netloc, path, f"{query}&{added}" if query else added, ""))


def read_state(parameters: Iterable[tuple[str, str]]) -> str:
    """Return the one `state` of a response, "" when there is none; two are nobody's (RFC 6749 3.1)."""
    states = [value for name, value in parameters if name == "state"]
    if len(states) > 1:
        raise AuthorizationResponseInvalid("repeated")
    return states[0] if states else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """What came back through the browser; nothing in it is trusted before `check`."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    iss: str | None = None

    @classmethod
    def parse(cls, parameters: Iterable[tuple[str, str]]) -> AuthorizationResponse:
        """Read the parameters of section 4.1.2, each at most once; others are ignored (RFC 6749 3.1)."""
        values: dict[str, str] = {}
        for name, value in parameters:
            if name not in PARAMETERS:
                continue
            if name in values:
                raise AuthorizationResponseInvalid("repeated")
            values[name] = value
        for name, value in values.items():
            _check_length(name, value)
        return cls(
            state=values.get("state", ""),
            code=values.get("code", ""),
            error=values.get("error", ""),
            iss=values.get("iss"),
        )

    def check_form(self) -> None:
        """There is either a code or an error, made of visible characters (RFC 6749 4.1.2, appendix A)."""
        if bool(self.code) == bool(self.error):
            raise AuthorizationResponseInvalid("code_or_error")
        if self.code and not _VISIBLE.fullmatch(self.code):
            raise AuthorizationResponseInvalid("code")

    def check_issuer(self, *, issuer: str, required: bool) -> None:
        """The response must come from the issuer that was asked, where there is one (RFC 9207 2.4)."""
        if not issuer or (self.iss is None and not required):
            return
        if self.iss != issuer:
            raise IssuerMismatch("iss")

    def check_error(self, *, cancellations: Collection[str] = ()) -> None:
        """An error response ends the flow; its code is told, its description is not believed.

        `cancellations` are the provider's own words for `access_denied`.
        """
        if self.error in cancellations:
            raise AuthorizationErrorResponse("access_denied")
        if self.error:
            raise AuthorizationErrorResponse(self.error if _ERROR.fullmatch(self.error) else "unprintable")


def _check_length(name: str, value: str) -> None:
    if len(value) > (MAX_STATE_LENGTH if name == "state" else MAX_PARAMETER_LENGTH):
        raise AuthorizationResponseInvalid("oversized")
