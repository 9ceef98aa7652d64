"""The logout token and the rules it must pass (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_login.protocol.errors import InvalidLogoutToken
from oidc_login.protocol.id_token import (
    MAX_ISSUED_AGE,
    Claims,
    Expected,
    check_algorithm,
    check_audience,
    check_expiry,
    check_issued_at,
    check_issuer,
    check_key_issuer,
    check_not_before,
    is_subject,
)
from oidc_login.protocol.jose import UnverifiedJWS, parse_claims, parse_jws
from oidc_login.protocol.keys import KeySet

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A specific type is recommended, not required (2.4): providers also send the generic type, or none.
TOKEN_TYPES = (None, "JWT", "APPLICATION/JWT", "LOGOUT+JWT", "APPLICATION/LOGOUT+JWT")
MAX_LEEWAY = 300
LONGEST_LIFE = MAX_ISSUED_AGE + 2 * MAX_LEEWAY + 1  # maximum lifetime of a token in seconds, including clock skew


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """A verified logout token: the subject, the session ID, or both."""

    subject: str = field(repr=False)
    sid: str = field(repr=False)
    jti: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


def verify_logout_token(
    raw: object,
    *,
    keys: KeySet,
    algorithms: Collection[str],
    issuers: Collection[str],
    client_id: str,
    now: float,
    leeway: float,
) -> LogoutToken:
    """Return the verified logout token, or raise `InvalidIDToken` with the first rule it violates (2.6).

    The caller checks whether the token was used before. `now` and `leeway` are seconds.
    """
    jws = parse_jws(raw)
    check_algorithm(jws, algorithms)
    check_type(jws)
    key = keys.verify(jws)
    claims = parse_claims(jws.payload)
    expected = Expected(
        issuers=issuers,
        client_id=client_id,
        now=now,
        leeway=leeway,
        algorithm=jws.algorithm,
        key_issuer=key.issuer,
    )
    for check in CHECKS:
        check(claims, expected)
    return LogoutToken(subject=claims.get("sub", ""), sid=claims.get("sid", ""), jti=claims["jti"], claims=claims)


def check_type(jws: UnverifiedJWS) -> None:
    """Access tokens of the same provider, and all tokens of other types, are not logout tokens (RFC 8725 3.11)."""
    if jws.token_type is not None and jws.token_type.upper() not in TOKEN_TYPES:
        raise InvalidLogoutToken("typ")


def check_token_id(claims: Claims, expected: Expected) -> None:
    """The token must have an identifier, which reveals a second use (2.4, rule 8 of 2.6)."""
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise InvalidLogoutToken("jti")


def check_identifies(claims: Claims, expected: Expected) -> None:
    """The token must identify a subject or a session, in text that can be looked up (rule 5 of 2.6)."""
    named = [name for name in ("sub", "sid") if name in claims]
    if not named:
        raise InvalidLogoutToken("sub")
    for name in named:
        if not is_subject(claims[name]):
            raise InvalidLogoutToken(name)


def check_event(claims: Claims, expected: Expected) -> None:
    """The token must contain the logout event, whose value is an object (rule 6 of 2.6)."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise InvalidLogoutToken("events")


def check_no_nonce(claims: Claims, expected: Expected) -> None:
    """An ID token is not a logout token (rule 7 of 2.6)."""
    if "nonce" in claims:
        raise InvalidLogoutToken("nonce")


CHECKS = (
    check_issuer,
    check_key_issuer,
    check_audience,
    check_expiry,
    check_issued_at,
    check_not_before,
    check_token_id,
    check_identifies,
    check_event,
    check_no_nonce,
)
