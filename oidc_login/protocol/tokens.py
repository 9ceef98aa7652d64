"""Token endpoint requests, and the validation of their responses (RFC 6749 4.1.3, 5 and 6; Core 3.1.3)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

from oidc_login.protocol.client_auth import ClientAuthentication
from oidc_login.protocol.errors import (
    Evidence,
    ProviderUnavailable,
    ResponseInvalid,
    TokenErrorResponse,
    TokenResponseInvalid,
)
from oidc_login.protocol.http.client import Request, Response, Transport, retry_after
from oidc_login.protocol.http.messages import stated

FORM_TYPES = ("application/x-www-form-urlencoded", "text/plain")  # some providers send errors with the latter
MAX_TOKEN_ANSWER = 256 * 1024
MAX_TOKEN_LENGTH = 64 * 1024
MAX_LIFETIME = 10 * 365 * 24 * 3600  # seconds; longer lifetimes are cut to this
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_ERROR = re.compile(r"[a-z0-9_.-]{1,64}")

# Translates a response into the form of RFC 6749 5 if a provider uses another one.
Translation = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A successful token response (RFC 6749 5.1, Core 3.1.3.3). Times have a time zone; `None` means unknown."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    scope: str | None = None
    access_token_expires_at: datetime | None = None
    refresh_token_expires_at: datetime | None = None
    members: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, document: object, *, now: float) -> TokenResponse:
        """Read the members of a successful response, or raise `TokenResponseInvalid` with the name of one."""
        if not isinstance(document, dict):
            raise TokenResponseInvalid("document")
        token_type = document.get("token_type", "Bearer")
        if not isinstance(token_type, str) or token_type.lower() != "bearer":
            raise TokenResponseInvalid("token_type")
        members = stated(document)
        access_token = read_token(members, "access_token")
        if not access_token:
            raise TokenResponseInvalid("access_token")
        return cls(
            access_token=access_token,
            refresh_token=read_token(members, "refresh_token"),
            id_token=read_token(members, "id_token"),
            scope=read_scope(members.get("scope")),
            access_token_expires_at=read_lifetime(members.get("expires_in"), now=now),
            refresh_token_expires_at=read_lifetime(
                members.get("refresh_token_expires_in", members.get("refresh_expires_in")), now=now
            ),
            members=document,
        )


def token_request(
    endpoint: str,
    parameters: Mapping[str, str],
    *,
    authentication: ClientAuthentication,
    headers: Mapping[str, str] | None = None,
    as_json: bool = False,
) -> Request:
    """Return the form-encoded POST of RFC 6749 4.1.3 with one method of client authentication."""
    sent = {**parameters, **authentication.parameters}
    return Request(
        method="POST",
        url=endpoint,
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json" if as_json else "application/x-www-form-urlencoded",
            **authentication.headers,
            **(headers or {}),
        },
        body=(json.dumps(sent) if as_json else urlencode(sent)).encode("ascii"),
        max_bytes=MAX_TOKEN_ANSWER,
    )


def exchange_request(url: str) -> Request:
    """Return the GET that exchanges tokens at a Graph API, with all parameters in the query."""
    return Request(method="GET", url=url, headers={"Accept": "application/json"}, max_bytes=MAX_TOKEN_ANSWER)


def revocation_request(
    endpoint: str,
    token: str,
    *,
    token_type_hint: str,
    authentication: ClientAuthentication,
    headers: Mapping[str, str] | None = None,
    as_json: bool = False,
) -> Request:
    """Return the POST that revokes a token (RFC 7009 2.1)."""
    parameters = {"token": token, "token_type_hint": token_type_hint}
    return token_request(endpoint, parameters, authentication=authentication, headers=headers, as_json=as_json)


def self_revocation_request(method: str, url: str, token: str, *, headers: Mapping[str, str]) -> Request:
    """Return the request by which an access token revokes itself at a REST API without RFC 7009."""
    return Request(
        method=method,
        url=url,
        headers={"Accept": "application/json", "Authorization": f"Bearer {token}", **headers},
    )


def read_revocation_response(response: Response, *, now: float) -> None:
    """Status 200 means that the token is not valid any more (RFC 7009 2.2); some providers send 204."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("revocation_endpoint", retry_after=retry_after(response, now))
    if response.status not in (200, 204):
        raise TokenResponseInvalid("revocation")


def deletion_request(url: str, token: str, *, authentication: ClientAuthentication) -> Request:
    """Return the DELETE that revokes a token at a REST API without RFC 7009."""
    return Request(
        method="DELETE",
        url=url,
        headers={"Accept": "application/json", "Content-Type": "application/json", **authentication.headers},
        body=json.dumps({"access_token": token}).encode(),
    )


def read_deletion_response(response: Response, *, now: float) -> None:
    """Accept a deleted token (2xx) and one that no longer exists (404, 422)."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("revocation_endpoint", retry_after=retry_after(response, now))
    if not 200 <= response.status < 300 and response.status not in (404, 422):
        raise TokenResponseInvalid("revocation")


def request_tokens(
    transport: Transport,
    request: Request,
    *,
    now: float,
    allow_form_answer: bool = False,
    translate: Translation | None = None,
) -> TokenResponse:
    """Send a token request once and read the response (RFC 6749 5)."""
    response = transport.send(request)
    return read_token_response(response, now=now, allow_form_answer=allow_form_answer, translate=translate)


def read_token_response(
    response: Response, *, now: float, allow_form_answer: bool = False, translate: Translation | None = None
) -> TokenResponse:
    """Return the tokens, or raise the error of the response (RFC 6749 5.1 and 5.2)."""
    document = read_answer(response, now=now, allow_form_answer=allow_form_answer, translate=translate)
    if response.status != 200:
        raise TokenResponseInvalid("status")
    return TokenResponse.from_json(document, now=now)


def read_answer(
    response: Response,
    *,
    now: float,
    endpoint: str = "token_endpoint",
    allow_form_answer: bool = False,
    translate: Translation | None = None,
) -> object:
    """Return the JSON of a successful response, or raise its error (RFC 6749 5.2, which other endpoints follow)."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable(endpoint, retry_after=retry_after(response, now))
    document, is_trusted = _read_document(response, allow_form_answer=allow_form_answer)
    if translate is not None and isinstance(document, dict):
        document = translate(document)
    error = document.get("error") if isinstance(document, dict) else None
    if error:  # some providers send errors with status 200
        raise TokenErrorResponse(error if isinstance(error, str) and _ERROR.fullmatch(error) else "unprintable")
    if not is_trusted:
        evidence = Evidence.of(
            expected="HTTP 200, application/json", seen=f"HTTP {response.status}, {response.content_type}"
        )
        raise TokenResponseInvalid("content_type", evidence=evidence)
    return document


def _read_document(response: Response, *, allow_form_answer: bool) -> tuple[object, bool]:
    """Return the document, and whether its media type allows a successful response.

    Some providers send errors as text, so errors are read with any media type; they do not sign anybody in.
    """
    media_type = response.content_type
    is_json = media_type == "application/json" or media_type.endswith("+json")
    try:
        return response.json(), is_json
    except ResponseInvalid as error:
        if is_json:
            raise TokenResponseInvalid(error.reason) from error
    is_form = media_type in FORM_TYPES
    document = dict(parse_qsl(response.body.decode("ascii", "replace"))) if is_form else None
    return document, allow_form_answer and media_type == FORM_TYPES[0]


def read_token(document: Mapping[str, Any], name: str) -> str:
    """Return a token member, "" if absent or null: visible ASCII of limited length (RFC 6749 appendix A)."""
    value = document.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or len(value) > MAX_TOKEN_LENGTH or not _VISIBLE.fullmatch(value):
        raise TokenResponseInvalid(name)
    return value


def read_scope(value: object) -> str | None:
    """Return the granted scope, or `None` if the response does not contain one (RFC 6749 5.1)."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return value if isinstance(value, str) else None


def read_lifetime(value: object, *, now: float) -> datetime | None:
    """Return the expiry of something that lives `value` seconds, or `None` if it is unknown."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 32:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value < 0:
        return None
    return datetime.fromtimestamp(now, tz=timezone.utc) + timedelta(seconds=min(value, MAX_LIFETIME))
