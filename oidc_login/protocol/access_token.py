"""Access tokens that clients send: JWTs, and introspection responses about opaque tokens (RFC 9068, RFC 7662)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from oidc_login.protocol.client_auth import ClientAuthentication
from oidc_login.protocol.errors import (
    InvalidAccessToken,
    InvalidIDToken,
    ProviderUnavailable,
    ResponseInvalid,
    UnknownKey,
)
from oidc_login.protocol.http.client import Request, Response, retry_after
from oidc_login.protocol.http.messages import stated
from oidc_login.protocol.id_token import (
    Expected,
    check_algorithm,
    check_expiry,
    check_key_issuer,
    check_not_before,
    check_subject,
)
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, UnverifiedJWS, parse_claims, parse_jws
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import TenantRule
from oidc_login.protocol.token_profiles import TokenProfile
from oidc_login.protocol.tokens import token_request

# Where an introspection response states the type of a token: RFC 7662, then the members of Ory Hydra and Keycloak.
INTROSPECTION_TYPE_MEMBERS = ("token_type", "token_use", "typ")
INTROSPECTION_TOKEN_TYPES = ("bearer", "access_token")

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedAccessToken:
    """The claims that select the provider that verifies a JWT. They are not verified yet."""

    token_type: str | None
    issuer: str
    claims: Claims = field(repr=False)

    @classmethod
    def parse(cls, raw: str) -> UnverifiedAccessToken | None:
        """Return the JWT if it names an issuer, `None` for any other token."""
        try:
            jws = parse_jws(raw)
            claims = parse_claims(jws.payload)
        except InvalidIDToken as error:
            if error.reason == "crit":
                raise InvalidAccessToken("crit") from error
            return None
        issuer = claims.get("iss")
        return cls(token_type=type_of(jws), issuer=issuer, claims=claims) if isinstance(issuer, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAccessToken:
    """The claims of an access token, and its issuer as stored with identities."""

    claims: dict[str, Any] = field(repr=False)
    issuer: str


def verify_access_token(
    raw: str,
    *,
    keys: KeySet,
    algorithms: Collection[str],
    issuers: Collection[str],
    audiences: Collection[str],
    own_clients: Collection[str],
    profile: TokenProfile,
    tenants: TenantRule | None,
    now: float,
    leeway: float,
) -> VerifiedAccessToken:
    """Return a JWT access token, or raise `InvalidAccessToken` with what is wrong (RFC 9068 4).

    `own_clients` are the client IDs of this site. `now` and `leeway` are seconds. `UnknownKey` means that newer keys
    might verify the token.
    """
    try:
        jws = parse_jws(raw)
        check_type(jws, profile)
        check_algorithm(jws, [name for name in algorithms if name in ASYMMETRIC_ALGORITHMS])
        key = keys.verify(jws)
        claims = parse_claims(jws.payload)
        issuer = check_issuer(claims, issuers, profile=profile, tenants=tenants)
        check_claims(claims, issuer=issuer, key_issuer=key.issuer, tenants=tenants, now=now, leeway=leeway)
    except UnknownKey:
        raise
    except InvalidIDToken as error:
        raise InvalidAccessToken(error.reason) from error
    check_audience(claims, audiences, profile=profile, own_clients=own_clients)
    profile.check(claims)
    return VerifiedAccessToken(claims=claims, issuer=issuer)


def type_of(jws: UnverifiedJWS) -> str | None:
    return None if jws.token_type is None else jws.token_type.upper()


def check_type(jws: UnverifiedJWS, profile: TokenProfile) -> None:
    """The profile must allow the type, which excludes logout tokens and most ID tokens (RFC 8725 3.11)."""
    if type_of(jws) not in profile.types:
        raise InvalidAccessToken("typ")


def check_issuer(claims: Claims, issuers: Collection[str], *, profile: TokenProfile, tenants: TenantRule | None) -> str:
    """Return the issuer, which must exactly match one of the provider's issuers (RFC 9068 4)."""
    for issuer in issuers:
        for form in (issuer, *profile.further_issuers(issuer)):
            if claims.get("iss") and claims["iss"] == filled(form, claims, tenants):
                return filled(issuer, claims, tenants)
    raise InvalidAccessToken("iss")


def filled(issuer: str, claims: Claims, tenants: TenantRule | None) -> str:
    """Return an issuer with the tenant of these claims filled in."""
    return issuer if tenants is None else tenants.fill(issuer, claims)


def check_audience(
    claims: Claims, audiences: Collection[str], *, profile: TokenProfile, own_clients: Collection[str]
) -> None:
    """The audience must contain this API, and may contain others (RFC 9068 4).

    If ID tokens of the service look the same, client IDs do not count as audiences.
    """
    values = audiences_of(claims, profile)
    accepted = [value for value in audiences if value in values]
    if profile.excludes_clients:
        clients = {*own_clients, *(claims.get(name) for name in profile.client_claims)}
        accepted = [value for value in accepted if value not in clients]
    if not accepted:
        raise InvalidAccessToken("aud")


def audiences_of(claims: Claims, profile: TokenProfile) -> list[str]:
    """Return the audience of a token; one service names it by its client."""
    named = next((claims[name] for name in profile.audience_claims if name in claims), None)
    values = named if isinstance(named, list) else [named]
    return [value for value in values if isinstance(value, str)]


CHECKS: tuple[Callable[[Claims, Expected], None], ...] = (check_expiry, check_not_before, check_subject)


def check_claims(
    claims: Claims, *, issuer: str, key_issuer: str | None, tenants: TenantRule | None, now: float, leeway: float
) -> None:
    """Check the rules that access tokens share with ID tokens."""
    expected = Expected(
        issuers=[issuer], client_id="", now=now, leeway=leeway, algorithm="", key_issuer=key_issuer, tenants=tenants
    )
    check_key_issuer({**claims, "iss": issuer}, expected)
    for check in CHECKS:
        check(claims, expected)


# Introspection.


def introspection_request(endpoint: str, token: str, *, authentication: ClientAuthentication) -> Request:
    """Return the introspection request for a token (RFC 7662 2.1)."""
    parameters = {"token": token, "token_type_hint": "access_token"}
    return token_request(endpoint, parameters, authentication=authentication)


def read_introspection(response: Response, *, now: float) -> dict[str, Any]:
    """Return the claims of an introspection response (RFC 7662 2.2), also for a token that is not active."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("introspection_endpoint", retry_after=retry_after(response, now))
    if response.status != 200:
        raise ResponseInvalid("introspection")
    document = response.json()
    if not isinstance(document, dict):
        raise ResponseInvalid("introspection")
    return document


def check_introspected(
    claims: Claims,
    *,
    issuer: str,
    client_id: str,
    audiences: Collection[str],
    profile: TokenProfile,
    now: float,
    leeway: float,
) -> None:
    """Raise `InvalidAccessToken` unless the token is active, from this issuer and for this API (RFC 7662 4).

    Many providers name no audience for opaque tokens. Then the token must have been issued to this client, because
    a token that another client obtained for itself is not for us.
    """
    if claims.get("active") is not True:
        raise InvalidAccessToken("active")
    members = stated(claims)
    check_introspected_type(members)
    # Claims that a response may omit because "active" covers them.
    complete = {"iss": issuer, "exp": now + 1, **members}
    if issuer and complete["iss"] != issuer:
        raise InvalidAccessToken("iss")
    try:
        check_claims(complete, issuer=issuer, key_issuer=None, tenants=None, now=now, leeway=leeway)
    except InvalidIDToken as error:
        raise InvalidAccessToken(error.reason) from error
    if "aud" in members:
        check_audience(members, audiences, profile=profile, own_clients=())
    elif members.get("client_id") != client_id:
        raise InvalidAccessToken("aud")


def check_introspected_type(claims: Claims) -> None:
    """The response must state that the token is an access token; many providers state no type for refresh tokens.

    A refresh token lives for months and is only for the provider; a client that sends one here has stolen it or
    confused it.
    """
    types = [claims[name] for name in INTROSPECTION_TYPE_MEMBERS if name in claims]
    if not types or not all(isinstance(name, str) and name.lower() in INTROSPECTION_TOKEN_TYPES for name in types):
        raise InvalidAccessToken("token_type")


# Google's tokeninfo.


def tokeninfo_request(endpoint: str, token: str) -> Request:
    """Return the request to Google's tokeninfo endpoint; the token is in the body, because URLs end up in logs.

    https://developers.google.com/identity/protocols/oauth2/scopes#tokeninfo
    """
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    return Request(
        method="POST", url=endpoint, headers=headers, body=urlencode({"access_token": token}).encode("ascii")
    )


def read_tokeninfo(response: Response, *, now: float) -> dict[str, Any]:
    """Return Google's response in the terms of introspection; status 400 means that it is not an access token."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("tokeninfo_endpoint", retry_after=retry_after(response, now))
    if response.status == 400:
        return {"active": False}
    document = response.json() if response.status == 200 else None
    if not isinstance(document, dict):
        raise ResponseInvalid("tokeninfo")
    if document.get("iss") is not None or "scope" not in document:
        raise InvalidAccessToken("token_type")  # the response to an ID token also has this member
    exp = document.get("exp")
    expires_at = int(exp) if isinstance(exp, str) and exp.isdecimal() else exp
    return {**document, "exp": expires_at, "active": True, "token_type": "Bearer"}
