"""The pushed authorization request, and what its answer may be (RFC 9126 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest

from oidc_login.protocol.client_auth import client_secret_basic, client_secret_post
from oidc_login.protocol.errors import ProtocolError, ProviderUnavailable, TokenErrorResponse, TokenResponseInvalid
from oidc_login.protocol.http.client import Response
from oidc_login.protocol.pushed import pushed_request, read_pushed_response
from tests.support.signing import ids

NOW = 1_800_000_000.0
ENDPOINT = "https://op.example/par"
ASKED = {"client_id": "me", "scope": "openid email", "max_age": 0, "prompt": None, "ui_locales": "", "state": "ü"}
REQUEST_URI = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"


def test_all_that_is_asked_for_is_in_the_form() -> None:
    request = pushed_request(ENDPOINT, ASKED, authentication=client_secret_basic("me", "CANARY"), headers={"X-A": "b"})

    assert (request.method, request.url) == ("POST", ENDPOINT)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-A"] == "b"
    assert request.body is not None
    assert dict(parse_qsl(request.body.decode())) == {
        "client_id": "me",
        "scope": "openid email",
        "max_age": "0",
        "state": "ü",
    }
    assert "CANARY" not in repr(request)


def test_client_proves_itself_as_at_the_token_endpoint() -> None:
    request = pushed_request(ENDPOINT, ASKED, authentication=client_secret_post("me", "CANARY"))

    assert request.body is not None
    assert parse_qsl(request.body.decode()).count(("client_id", "me")) == 1
    assert ("client_secret", "CANARY") in parse_qsl(request.body.decode())


def respond(body: Any, *, status: int = 201, headers: Mapping[str, str] | None = None, **options: Any) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(**{"content_type": "application/json", **options}, status=status, headers=headers or {}, body=raw)


@pytest.mark.parametrize("status", [201, 200])
@pytest.mark.parametrize("request_uri", [REQUEST_URI, "https://op.example/r?a=b#c", "x" * 2048])
def test_request_uri_is_taken_as_it_is(status: int, request_uri: str) -> None:
    answer = respond({"request_uri": request_uri, "expires_in": 60}, status=status)

    assert read_pushed_response(answer, now=NOW) == request_uri


REFUSED: list[tuple[str, Response, type[ProtocolError], str]] = [
    ("refused client", respond({"error": "invalid_client"}, status=401), TokenErrorResponse, "invalid_client"),
    ("refused request", respond({"error": "invalid_request"}, status=400), TokenErrorResponse, "invalid_request"),
    ("an error with 201", respond({"error": "x", "request_uri": REQUEST_URI}), TokenErrorResponse, "x"),
    ("an error that is no code", respond({"error": ["CANARY"]}, status=400), TokenErrorResponse, "unprintable"),
    ("another status", respond({"request_uri": REQUEST_URI}, status=302), TokenResponseInvalid, "status"),
    ("405", respond({"request_uri": REQUEST_URI}, status=405), TokenResponseInvalid, "status"),
    ("a page", respond(b"<html>", content_type="text/html"), TokenResponseInvalid, "content_type"),
    ("no JSON", respond(b"{"), TokenResponseInvalid, "json"),
    ("a list", respond([REQUEST_URI]), TokenResponseInvalid, "request_uri"),
    ("nothing in it", respond({}), TokenResponseInvalid, "request_uri"),
    ("null", respond({"request_uri": None}), TokenResponseInvalid, "request_uri"),
    ("empty", respond({"request_uri": ""}), TokenResponseInvalid, "request_uri"),
    ("a list of them", respond({"request_uri": [REQUEST_URI]}), TokenResponseInvalid, "request_uri"),
    ("with a space", respond({"request_uri": "urn:a b"}), TokenResponseInvalid, "request_uri"),
    ("with a line break", respond({"request_uri": "urn:a\r\nSet-Cookie: b"}), TokenResponseInvalid, "request_uri"),
    ("not ASCII", respond({"request_uri": "urn:ü"}), TokenResponseInvalid, "request_uri"),
    ("too long", respond({"request_uri": "x" * 2049}), TokenResponseInvalid, "request_uri"),
    ("down", respond(b"", status=503), ProviderUnavailable, "pushed_authorization_request_endpoint"),
    ("a gateway's page", respond(b"<html>", status=502), ProviderUnavailable, "pushed_authorization_request_endpoint"),
]


@pytest.mark.parametrize(("response", "kind", "reason"), [row[1:] for row in REFUSED], ids=ids(REFUSED))
def test_any_other_answer_is_refused(response: Response, kind: type[ProtocolError], reason: str) -> None:
    with pytest.raises(kind) as caught:
        read_pushed_response(response, now=NOW)

    assert caught.value.reason == reason


def test_provider_that_has_enough_says_until_when() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        read_pushed_response(respond(b"", status=429, headers={"retry-after": "7"}), now=NOW)

    assert caught.value.retry_after == 7
