"""The userinfo endpoint (Core 5.3): the request with the access token, and the validation of its response."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from oidc_login.protocol.errors import (
    InvalidIDToken,
    MetadataInvalid,
    ProviderUnavailable,
    ResponseInvalid,
    UnknownKey,
    UserInfoInvalid,
)
from oidc_login.protocol.http.client import Request, Response, Transport, retry_after
from oidc_login.protocol.id_token import check_algorithm, is_subject
from oidc_login.protocol.jose import parse_claims, parse_jws
from oidc_login.protocol.keys import KeySet

MAX_USERINFO = 1024 * 1024

# An address and its verification are one statement.
EMAIL_CLAIMS = ("email", "email_verified")

# Claims that identify people are never taken from userinfo (Core 5.3.2).
IDENTITY_CLAIMS = (
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nonce",
    "at_hash",
    "auth_time",
    "acr",
    "amr",
    "sid",
)


def userinfo_request(
    endpoint: str, access_token: str, *, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Request:
    """Return the request with the token only in the Authorization header (RFC 6750 2.1)."""
    return Request(
        method=method,
        url=endpoint,
        headers={"Accept": "application/json", "Authorization": f"Bearer {access_token}", **(headers or {})},
        max_bytes=MAX_USERINFO,
    )


def ask(transport: Transport, request: Request) -> Response:
    """Send the request once; a response that cannot be read describes nobody."""
    try:
        return transport.send(request)
    except MetadataInvalid:
        raise  # the URL itself was refused
    except ResponseInvalid as error:
        raise UserInfoInvalid(error.reason) from error


def read_userinfo_document(response: Response, *, now: float) -> Any:
    """Return the JSON of a resource that describes the person, or raise an error."""
    check_status(response, now=now)
    try:
        return response.json()
    except ResponseInvalid as error:
        raise UserInfoInvalid(error.reason) from error


def check_status(response: Response, *, now: float) -> None:
    """Only status 200 describes a person (Core 5.3.3)."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("userinfo_endpoint", retry_after=retry_after(response, now))
    if response.status != 200:
        raise UserInfoInvalid("status")


def fetch_userinfo(
    transport: Transport,
    endpoint: str,
    *,
    access_token: str,
    subject: str | None,
    verify_jwt: Callable[[str], dict[str, Any]],
    now: float,
) -> dict[str, Any]:
    """Return the claims about the subject of the ID token; `verify_jwt` verifies a signed response (Core 5.3.2).

    Without an ID token, `subject` is `None` and the response identifies the person.
    """
    response = ask(transport, userinfo_request(endpoint, access_token))
    check_status(response, now=now)
    if response.content_type == "application/jwt":
        claims: Any = verify_jwt(response.body.decode("ascii", "replace"))
    else:
        claims = read_userinfo_document(response, now=now)
    check_subject(claims, subject=subject)
    return dict(claims)


def check_subject(claims: object, *, subject: str | None) -> None:
    """The response must be about the person in the ID token (Core 5.3.2, 16.11)."""
    if not isinstance(claims, dict) or not is_subject(claims.get("sub")):
        raise UserInfoInvalid("sub")
    if subject is not None and claims["sub"] != subject:
        raise UserInfoInvalid("sub")


def merge_claims(
    id_token: Mapping[str, Any], userinfo: Mapping[str, Any], *, email_claims: Collection[str] = EMAIL_CLAIMS
) -> dict[str, Any]:
    """Complete the ID token's claims; the subject, and the email with its verification, come from one source."""
    if id_token.get("email"):
        return {**_without(userinfo, (*IDENTITY_CLAIMS, *email_claims)), **id_token}
    return {**_without(userinfo, IDENTITY_CLAIMS), **_without(id_token, email_claims)}


def _without(claims: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


def verify_userinfo_jwt(
    raw: str, *, keys: KeySet, algorithms: Collection[str], issuer: str, client_id: str
) -> dict[str, Any]:
    """Return the claims of a signed response from the issuer for us (Core 5.3.2)."""
    try:
        jws = parse_jws(raw)
        check_algorithm(jws, algorithms)
        keys.verify(jws)
        claims = parse_claims(jws.payload)
    except UnknownKey:
        raise
    except InvalidIDToken as error:
        raise UserInfoInvalid(error.reason) from error
    audience = claims.get("aud")
    if claims.get("iss") != issuer:
        raise UserInfoInvalid("iss")
    if audience != client_id and not (isinstance(audience, list) and client_id in audience):
        raise UserInfoInvalid("aud")
    return claims
