"""Access tokens that others send: JWTs (RFC 9068), and what introspection says of opaque ones (RFC 7662)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from oidc_login.protocol.client_auth import ClientAuthentication
from oidc_login.protocol.errors import (
    InvalidAccessToken,
    InvalidIDToken,
    ProviderUnavailable,
    ResponseInvalid,
    UnknownKey,
)
from oidc_login.protocol.http.client import Request, Response, retry_after
from oidc_login.protocol.http.strict_json import stated
from oidc_login.protocol.id_token import (
    Expected,
    check_algorithm,
    check_expiry,
    check_issuer,
    check_key_issuer,
    check_not_before,
    check_subject,
)
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, UnverifiedJWS, parse_claims, parse_jws
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.tokens import token_request

TOKEN_TYPES = ("AT+JWT", "APPLICATION/AT+JWT")
# Where an introspection answer says what the token is: RFC 7662, and in words of their own Ory Hydra and Keycloak.
INTROSPECTION_TYPE_MEMBERS = ("token_type", "token_use", "typ")
INTROSPECTION_TOKEN_TYPES = ("bearer", "access_token")
# Where a token names the client that it was issued to: RFC 9068, Core, and in words of their own Okta and Entra.
CLIENT_CLAIMS = ("client_id", "azp", "cid", "appid")

Claims = Mapping[str, Any]


def unverified_issuer(raw: str) -> str | None:
    """Return who a JWT access token says has made it, to ask for the keys; `None` for any other token.

    An ID token is none either: its type says so (RFC 9068 4, RFC 8725 3.11).
    """
    try:
        jws = parse_jws(raw)
        check_type(jws)
        issuer = parse_claims(jws.payload).get("iss")
    except (InvalidIDToken, InvalidAccessToken):
        return None
    return issuer if isinstance(issuer, str) else None


def verify_access_token(
    raw: str,
    *,
    keys: KeySet,
    algorithms: Collection[str],
    issuers: Collection[str],
    audiences: Collection[str],
    now: float,
    leeway: float,
) -> dict[str, Any]:
    """Return the claims of a JWT access token, or raise `InvalidAccessToken` naming what is wrong (RFC 9068 4).

    `now` and `leeway` are seconds. `UnknownKey` says that newer keys might verify it.
    """
    try:
        jws = parse_jws(raw)
        check_type(jws)
        check_algorithm(jws, [name for name in algorithms if name in ASYMMETRIC_ALGORITHMS])
        key = keys.verify(jws)
        claims = parse_claims(jws.payload)
        run_checks(claims, issuers=issuers, key_issuer=key.issuer, now=now, leeway=leeway)
    except UnknownKey:
        raise
    except InvalidIDToken as error:
        raise InvalidAccessToken(error.reason) from error
    check_audience(claims, audiences)
    return claims


def check_type(jws: UnverifiedJWS) -> None:
    """The type keeps ID tokens and logout tokens of the same provider out (RFC 9068 2.1, RFC 8725 3.11)."""
    if jws.token_type is None or jws.token_type.upper() not in TOKEN_TYPES:
        raise InvalidAccessToken("typ")


def check_audience(claims: Claims, audiences: Collection[str]) -> None:
    """The token must be for this API, whoever else it is for (RFC 9068 4)."""
    named = claims.get("aud")
    values = named if isinstance(named, list) else [named]
    if not any(isinstance(value, str) and value in audiences for value in values):
        raise InvalidAccessToken("aud")


def check_person(claims: Claims, expected: Expected) -> None:
    """The subject must be a person: an application that acts for itself is named as the client too (RFC 9068 2.2).

    Whoever registers a client may choose its name, that of a person's subject too (RFC 9068 5).
    """
    if claims["sub"] in [claims.get(name) for name in CLIENT_CLAIMS]:
        raise InvalidAccessToken("client")
    if claims.get("gty") == "client-credentials" or claims.get("idtyp") == "app":  # Auth0, Entra
        raise InvalidAccessToken("client")


CHECKS = (check_issuer, check_key_issuer, check_expiry, check_not_before, check_subject, check_person)


def run_checks(claims: Claims, *, issuers: Collection[str], key_issuer: str | None, now: float, leeway: float) -> None:
    """Run the rules that access tokens share with ID tokens."""
    expected = Expected(issuers=issuers, client_id="", now=now, leeway=leeway, algorithm="", key_issuer=key_issuer)
    for check in CHECKS:
        check(claims, expected)


# Introspection.


def introspection_request(endpoint: str, token: str, *, authentication: ClientAuthentication) -> Request:
    """Return the POST that asks what a token is worth (RFC 7662 2.1)."""
    parameters = {"token": token, "token_type_hint": "access_token"}
    return token_request(endpoint, parameters, authentication=authentication)


def read_introspection(response: Response, *, now: float) -> dict[str, Any]:
    """Return what the provider says of a token (RFC 7662 2.2); a token that is not active is an answer too."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("introspection_endpoint", retry_after=retry_after(response, now))
    if response.status != 200:
        raise ResponseInvalid("introspection")
    document = response.json()
    if not isinstance(document, dict):
        raise ResponseInvalid("introspection")
    return document


def check_introspected(
    claims: Claims, *, issuer: str, client_id: str, audiences: Collection[str], now: float, leeway: float
) -> None:
    """Raise `InvalidAccessToken` unless the token is active, of this issuer and for this API (RFC 7662 4).

    Many providers name no audience for an opaque token. Then it must have been issued to this very client: a
    token that another client got for itself is not for us.
    """
    if claims.get("active") is not True:
        raise InvalidAccessToken("active")
    members = stated(claims)
    check_introspected_type(members)
    try:
        # What an answer may leave out, since "active" covers it.
        complete = {"iss": issuer, "exp": now + 1, **members}
        run_checks(complete, issuers=[issuer], key_issuer=None, now=now, leeway=leeway)
    except InvalidIDToken as error:
        raise InvalidAccessToken(error.reason) from error
    if "aud" in members:
        check_audience(members, audiences)
    elif members.get("client_id") != client_id:
        raise InvalidAccessToken("aud")


def check_introspected_type(claims: Claims) -> None:
    """The answer must say that the token is an access token: of a refresh token many providers say no type at all.

    A refresh token lives for months and is for the provider alone; who shows one here has stolen it or mixed it up.
    """
    types = [claims[name] for name in INTROSPECTION_TYPE_MEMBERS if name in claims]
    if not types or not all(isinstance(name, str) and name.lower() in INTROSPECTION_TOKEN_TYPES for name in types):
        raise InvalidAccessToken("token_type")


def scopes_of(claims: Claims) -> str:
    """Return the scope of a token as one text (RFC 9068 2.2.3, RFC 7662 2.2); some providers send a list."""
    scope = claims.get("scope")
    if isinstance(scope, list):
        return " ".join(item for item in scope if isinstance(item, str))
    return scope if isinstance(scope, str) else ""
