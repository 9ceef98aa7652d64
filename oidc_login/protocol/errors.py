"""The errors in messages from a provider or a browser, one class per kind of failure.

`reason` is a short slug or the name of a claim, member or parameter. It never contains a received value, so it may be
logged and shown to operators.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TypeVar

E = TypeVar("E", bound=BaseException)


MAX_EVIDENCE = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a rule expected and what it found, for the developers' page and the diagnosis. Never logged.

    It may only contain issuers, audiences, algorithms, types, key IDs, times, HTTP statuses, domains, and what is
    wrong with a certificate.
    """

    expected: str = field(repr=False)
    seen: str = field(repr=False)

    @classmethod
    def of(cls, *, expected: object, seen: object) -> Evidence:
        return cls(expected=_shown(expected), seen=_shown(seen))

    @classmethod
    def of_time(cls, *, expected: str, now: float, seen: float) -> Evidence:
        """Store a time in readable form, with the clock of this machine."""
        return cls(expected=f"{expected} (the clock of this machine says {_time(now)})", seen=_time(seen))


def _shown(value: object) -> str:
    """Return a value as one short line; lists are separated by commas."""
    if value is None:
        return "nothing"
    is_list = isinstance(value, Iterable) and not isinstance(value, (str, bytes, dict))
    text = ", ".join(map(str, value)) if is_list else str(value)  # type: ignore[call-overload]  # it is iterable
    return "".join(character if character.isprintable() else "?" for character in text)[:MAX_EVIDENCE]


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} s after 1970"


class ProtocolError(Exception):
    """The base class of all protocol errors."""

    def __init__(self, reason: str, *, evidence: Evidence | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.reason}"


class ProviderUnavailable(ProtocolError):
    """There was no usable response in time: network, TLS, timeout, 429 or 5xx. Retrying later may help."""

    def __init__(self, reason: str, *, retry_after: int | None = None, evidence: Evidence | None = None) -> None:
        super().__init__(reason, evidence=evidence)
        self.retry_after = retry_after


class ResponseInvalid(ProtocolError):
    """The provider sent a response that cannot be read."""


class MetadataInvalid(ResponseInvalid):
    """A discovery document or key set is invalid (Discovery 4.3, RFC 7517 5)."""


class TokenResponseInvalid(ResponseInvalid):
    """A response of the token endpoint is neither a token response nor an error response (RFC 6749 5)."""


class UserInfoInvalid(ResponseInvalid):
    """A userinfo response is invalid (Core 5.3.2)."""


class InvalidIDToken(ProtocolError):
    """An ID token violates a rule of Core 3.1.3.7; `reason` names the claim or the step."""


class InvalidLogoutToken(InvalidIDToken):
    """A logout token violates a rule for logout tokens (Back-Channel Logout 2.6); most rules are those of ID tokens."""


class UnknownKey(InvalidIDToken):
    """No known key verifies the signature; a newer key of the provider might."""


class InvalidAccessToken(ProtocolError):
    """An access token is not valid here (RFC 9068 4, RFC 7662 2.2)."""


class ClientMisconfigured(ProtocolError):
    """The client cannot authenticate as its settings say; `reason` names the setting."""


class TokenErrorResponse(ProtocolError):
    """The token endpoint sent an error response (RFC 6749 5.2); `reason` is its `error` code."""


class AuthorizationResponseInvalid(ProtocolError):
    """An authorization response is malformed: parameters are repeated or too long, or have invalid characters."""


class AuthorizationErrorResponse(ProtocolError):
    """The provider sent an authorization error response (RFC 6749 4.1.2.1); `reason` is its `error` code."""


class IssuerMismatch(ProtocolError):
    """The `iss` of the authorization response is missing or names another issuer (RFC 9207 2.4)."""


def without_frames(error: E) -> E:
    """Return the error without tracebacks, whose variables contain tokens that error pages and mails would show.

    The causes are kept, also without tracebacks.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error
