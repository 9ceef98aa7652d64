"""The ID token and the rules it must pass (OpenID Connect Core 3.1.3.7), one function for each rule."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from secrets import compare_digest
from typing import Any

from oidc_login.protocol.errors import Evidence, InvalidIDToken
from oidc_login.protocol.jose import UnverifiedJWS, left_half_hash, parse_claims, parse_jws
from oidc_login.protocol.keys import Key, KeySet
from oidc_login.protocol.metadata import TenantRule

MAX_LEEWAY = 300  # seconds of clock skew that a site may allow
MAX_ISSUED_AGE = 600  # seconds; an ID token comes directly from the token endpoint
LATEST_TIME = 253_402_300_799  # the last second that calendars and databases support
SUBJECT = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
TOKEN_TYPES = (None, "JWT", "APPLICATION/JWT")

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected claims of a token; those that only ID tokens have are optional."""

    issuers: Collection[str]
    client_id: str
    now: float
    leeway: float
    algorithm: str
    key_issuer: str | None
    nonce: str | None = field(repr=False, default=None)
    access_token: str | None = field(repr=False, default=None)
    max_age: int | None = None
    tenants: TenantRule | None = None
    authorized_parties: Collection[str] = ()
    comes_alone: bool = False
    insecure_allow_missing_nonce: bool = False
    insecure_allow_further_audiences: bool = False

    def for_tenant(self, issuer: str, claims: Claims) -> str:
        """Return an issuer with the tenant of these claims filled in."""
        return issuer if self.tenants is None else self.tenants.fill(issuer, claims)

    def wrong_time(self, claim: str, seen: float, expected: str) -> InvalidIDToken:
        """Return the error for a claim with a wrong time."""
        return InvalidIDToken(claim, evidence=Evidence.of_time(expected=expected, now=self.now, seen=seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class IDToken:
    """A verified ID token: its claims, and the key that signed it."""

    claims: dict[str, Any] = field(repr=False)
    key: Key


def verify_id_token(
    raw: object,
    *,
    keys: KeySet,
    algorithms: Collection[str],
    issuers: Collection[str],
    client_id: str,
    nonce: str | None,
    access_token: str | None,
    now: float,
    leeway: float,
    max_age: int | None,
    tenants: TenantRule | None = None,
    authorized_parties: Collection[str] = (),
    comes_alone: bool = False,
    insecure_allow_missing_nonce: bool = False,
    insecure_allow_further_audiences: bool = False,
) -> IDToken:
    """Return the verified ID token, or raise `InvalidIDToken` with the first rule it violates (Core 3.1.3.7).

    Without `nonce`, the token's own nonce is ignored (a refreshed token, Core 12.2). Times are seconds. `azp` may also
    be one of `authorized_parties`. A token that `comes_alone` has no access token to compare `at_hash` with.
    """
    jws = parse_jws(raw)
    check_algorithm(jws, algorithms)
    check_type(jws)
    key = keys.verify(jws)
    claims = parse_claims(jws.payload)
    expected = Expected(
        issuers=issuers,
        client_id=client_id,
        nonce=nonce,
        access_token=access_token,
        now=now,
        leeway=leeway,
        max_age=max_age,
        algorithm=jws.algorithm,
        key_issuer=key.issuer,
        tenants=tenants,
        authorized_parties=authorized_parties,
        comes_alone=comes_alone,
        insecure_allow_missing_nonce=insecure_allow_missing_nonce,
        insecure_allow_further_audiences=insecure_allow_further_audiences,
    )
    for check in CHECKS:
        check(claims, expected)
    return IDToken(claims=claims, key=key)


def check_algorithm(jws: UnverifiedJWS, algorithms: Collection[str]) -> None:
    """The algorithm must be an agreed one; the header only names it (rules 7 and 8, RFC 8725 3.1)."""
    if jws.algorithm not in algorithms:
        raise InvalidIDToken("alg", evidence=Evidence.of(expected=algorithms, seen=jws.algorithm))


def check_type(jws: UnverifiedJWS) -> None:
    """Access tokens and logout tokens of the same provider are not ID tokens (RFC 8725 3.11)."""
    if jws.token_type is not None and jws.token_type.upper() not in TOKEN_TYPES:
        raise InvalidIDToken("typ", evidence=Evidence.of(expected="JWT or nothing", seen=jws.token_type))


def check_issuer(claims: Claims, expected: Expected) -> None:
    """The issuer must exactly match the issuer of the discovery document (rule 2)."""
    issuer = claims.get("iss")
    accepted = [expected.for_tenant(named, claims) for named in expected.issuers]
    if not issuer or issuer not in accepted:  # a template becomes "" for an invalid tenant
        raise InvalidIDToken("iss", evidence=Evidence.of(expected=accepted, seen=issuer))


def check_key_issuer(claims: Claims, expected: Expected) -> None:
    """A key that the provider binds to one issuer must not sign for another one.

    https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signing-key-issuer
    """
    if expected.key_issuer is None:
        return
    if expected.for_tenant(expected.key_issuer, claims) != claims["iss"]:
        raise InvalidIDToken("key_issuer")


def check_audience(claims: Claims, expected: Expected) -> None:
    """The audience must contain our client, and no untrusted audience (rule 3).

    If a provider's further audiences are trusted, the token must state that it was issued to us (rule 4).
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    issued_to_us = expected.insecure_allow_further_audiences and claims.get("azp") == expected.client_id
    if expected.client_id not in audiences or (len(audiences) > 1 and not issued_to_us):
        raise InvalidIDToken("aud", evidence=Evidence.of(expected=expected.client_id, seen=audience))


def check_authorized_party(claims: Claims, expected: Expected) -> None:
    """The authorized party must be our client (rules 4 and 5)."""
    if "azp" in claims and claims["azp"] not in (expected.client_id, *expected.authorized_parties):
        raise InvalidIDToken("azp")


def check_expiry(claims: Claims, expected: Expected) -> None:
    """The token must not have expired (rule 9)."""
    expires_at = _numeric_date(claims, "exp")
    if expires_at + expected.leeway <= expected.now:
        raise expected.wrong_time("exp", expires_at, "a time in the future")


def check_issued_at(claims: Claims, expected: Expected) -> None:
    """The token must have been issued recently, and not in the future (rule 10)."""
    issued_at = _numeric_date(claims, "iat")
    if issued_at - expected.leeway > expected.now:
        raise expected.wrong_time("iat", issued_at, "no time in the future")
    if issued_at + MAX_ISSUED_AGE + expected.leeway < expected.now:
        raise expected.wrong_time("iat", issued_at, f"at most {MAX_ISSUED_AGE} s ago")


def check_not_before(claims: Claims, expected: Expected) -> None:
    """The token must already be valid (RFC 7519 4.1.5)."""
    if "nbf" not in claims:
        return
    not_before = _numeric_date(claims, "nbf")
    if not_before - expected.leeway > expected.now:
        raise expected.wrong_time("nbf", not_before, "no time in the future")


def check_nonce(claims: Claims, expected: Expected) -> None:
    """The token must contain the nonce of the authorization request of this browser (rule 11, Core 15.5.2)."""
    if expected.nonce is None:
        return
    if "nonce" not in claims and expected.insecure_allow_missing_nonce:
        return
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not compare_digest(
        nonce.encode("utf-8", "surrogatepass"), expected.nonce.encode()
    ):
        raise InvalidIDToken("nonce")


def check_access_token_hash(claims: Claims, expected: Expected) -> None:
    """The access token must match the token's `at_hash`, if there is one (Core 3.1.3.8)."""
    if "at_hash" not in claims or expected.comes_alone:
        return
    if expected.access_token is None or claims["at_hash"] != left_half_hash(expected.access_token, expected.algorithm):
        raise InvalidIDToken("at_hash")


def check_subject(claims: Claims, expected: Expected) -> None:
    """The token must have a subject that can be stored (Core 2)."""
    if not is_subject(claims.get("sub")):
        raise InvalidIDToken("sub")


def check_authentication_time(claims: Claims, expected: Expected) -> None:
    """The person must have signed in recently, if the request asked for that (rule 13)."""
    if expected.max_age is None:
        return
    authenticated_at = _numeric_date(claims, "auth_time")
    if authenticated_at - expected.leeway > expected.now:
        raise expected.wrong_time("auth_time", authenticated_at, "no time in the future")
    if authenticated_at + expected.max_age + expected.leeway < expected.now:
        raise expected.wrong_time("auth_time", authenticated_at, f"at most {expected.max_age} s ago")


def check_no_events(claims: Claims, expected: Expected) -> None:
    """A security event token, such as a logout token, is not an ID token (Back-Channel Logout 2.4)."""
    if "events" in claims:
        raise InvalidIDToken("events")


CHECKS = (
    check_issuer,
    check_key_issuer,
    check_audience,
    check_authorized_party,
    check_expiry,
    check_issued_at,
    check_not_before,
    check_nonce,
    check_access_token_hash,
    check_subject,
    check_authentication_time,
    check_no_events,
)


def check_refreshed(
    claims: Claims, *, subject: str, nonce_hash: str, auth_time: int | None, had_azp: bool | None = None
) -> None:
    """A refreshed token must be about the same person and the same sign-in as the original one (Core 12.2).

    It need not contain the nonce or the time. `nonce_hash`, `auth_time` and `had_azp` belong to the original token; ""
    and `None` mean unknown. One provider sends zero for an unknown time. `azp` must be present in both or in neither;
    its value has already been checked.
    """
    if claims["sub"] != subject:
        raise InvalidIDToken("sub")
    if had_azp is not None and ("azp" in claims) is not had_azp:
        raise InvalidIDToken("azp")
    if auth_time and claims.get("auth_time") is not None and auth_time_of(claims) not in (0, auth_time):
        raise InvalidIDToken("auth_time")
    if "nonce" not in claims:
        return
    nonce = claims["nonce"]
    if nonce is None or nonce == "":
        raise InvalidIDToken("nonce")
    if not nonce_hash:
        return
    if not isinstance(nonce, str) or not compare_digest(hash_of_nonce(nonce), nonce_hash):
        raise InvalidIDToken("nonce")


def hash_of_nonce(nonce: str) -> str:
    """Return the hash that is stored to recognize a nonce in a refreshed token."""
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()


def auth_time_of(claims: Claims) -> int | None:
    """Return when the person authenticated, in whole seconds, or `None` if the token does not say (Core 2)."""
    told: Any = claims.get("auth_time")
    is_number = isinstance(told, (int, float)) and not isinstance(told, bool)
    return int(told) if is_number and 0 <= told <= LATEST_TIME else None


def is_subject(value: object) -> bool:
    """Whether a value can identify a person: text of 1 to 255 printable characters (Core 2)."""
    return isinstance(value, str) and SUBJECT.fullmatch(value) is not None


def _numeric_date(claims: Claims, name: str) -> float:
    """Return a NumericDate: a finite JSON number (RFC 7519 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidIDToken(name)
    try:
        seconds = float(value)
    except OverflowError as error:
        raise InvalidIDToken(name) from error
    if not math.isfinite(seconds):
        raise InvalidIDToken(name)
    return seconds
