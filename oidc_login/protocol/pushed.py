"""Pushed authorization requests: the parameters go directly to the provider, not through the browser (RFC 9126)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oidc_login.protocol.client_auth import ClientAuthentication
from oidc_login.protocol.errors import TokenResponseInvalid
from oidc_login.protocol.http.client import Request, Response, Transport
from oidc_login.protocol.tokens import read_answer, token_request

ENDPOINT = "pushed_authorization_request_endpoint"
_REQUEST_URI = re.compile(r"[!-~]{1,2048}")


def pushed_request(
    endpoint: str,
    parameters: Mapping[str, Any],
    *,
    authentication: ClientAuthentication,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Return the POST with all parameters of an authorization request and the client's authentication (2.1)."""
    given = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    return token_request(endpoint, given, authentication=authentication, headers=headers)


def push(transport: Transport, request: Request, *, now: float) -> str:
    """Send the request once and return the `request_uri` for it."""
    return read_pushed_response(transport.send(request), now=now)


def read_pushed_response(response: Response, *, now: float) -> str:
    """Return the `request_uri`, or raise the error of the response (2.2 and 2.3)."""
    document = read_answer(response, now=now, endpoint=ENDPOINT)
    if response.status not in (200, 201):
        raise TokenResponseInvalid("status")
    request_uri = document.get("request_uri") if isinstance(document, dict) else None
    if not isinstance(request_uri, str) or not _REQUEST_URI.fullmatch(request_uri):
        raise TokenResponseInvalid("request_uri")
    return request_uri
