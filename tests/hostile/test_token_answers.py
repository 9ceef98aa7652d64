"""The token endpoint's answers and the request that asks for them (RFC 6749 4.1.3, 5; Core 3.1.3)."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from oidc_login.testing.application import FORM
from tests.hostile import forging
from tests.hostile.rows import (
    ABSENT,
    TOKENS,
    UNAVAILABLE,
    Bends,
    Row,
    Seen,
    accepted,
    answers,
    body_of,
    json_of,
    refused,
    source,
)
from tests.hostile.stage import Stage
from tests.support.browser import Browser
from tests.support.served import CLIENT_SECRET, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CODE_REFUSED: Seen = (400, "code_refused")
CLIENT_REFUSED: Seen = (502, "client_refused")


def error(code: Any, status: int = 400) -> Bends:
    """An error answer that repeats what it was asked, as some do."""

    def change(answer: Answer) -> Answer:
        described = f"canary {CLIENT_SECRET} {json.dumps(answer.json)}"
        return Answer.of_json({"error": code, "error_description": described, "error_uri": "canary"}, status=status)

    return {"token": change}


def error_as(media_type: str, status: int) -> Bends:
    """A good error under another media type (Kanidm), or under none."""
    headers = {"Content-Type": media_type} if media_type else {}
    return answers("token", status=status, headers=headers, body=b'{"error": "invalid_grant"}')


def member(name: str, text: str) -> Bends:
    """Put a value where Python's writer would not."""

    def change(answer: Answer) -> Answer:
        answer.body = json.dumps({**answer.json, name: "HERE"}).replace('"HERE"', text).encode()
        return answer

    return {"token": change}


def redirect(status: int) -> Bends:
    return answers("token", status=status, headers={"Location": "https://evil.example/token"})


ERRORS = [
    refused("the code is refused", "RFC 6749 5.2", error("invalid_grant"), CODE_REFUSED),
    refused("the code is refused, with status 200", "RFC 6749 5.2", error("invalid_grant", 200), CODE_REFUSED),
    refused("GitHub's word for it", "RFC 6749 5.2", error("bad_verification_code", 200), CODE_REFUSED),
    refused("the client is refused", "RFC 6749 5.2", error("invalid_client", 401), CLIENT_REFUSED),
    refused("the client may not", "RFC 6749 5.2", error("unauthorized_client"), CLIENT_REFUSED),
    refused("invalid_request", "RFC 6749 5.2", error("invalid_request"), TOKENS),
    refused("unsupported_grant_type", "RFC 6749 5.2", error("unsupported_grant_type"), TOKENS),
    refused("an error that nobody knows", "RFC 6749 5.2", error("h3llo"), TOKENS),
    refused("an error with a line break", "CWE-117", error("invalid_grant\nERROR canary"), TOKENS),
    refused("an error that is an object", "RFC 6749 5.2", error({"code": "canary"}), TOKENS),
    refused("for the moment", "RFC 6749 4.1.2.1", error("temporarily_unavailable"), UNAVAILABLE),
    refused("an error beside tokens", "RFC 6749 5.2", json_of("token", error="canary canary"), TOKENS),
]
ERRORS += [
    refused(f"an error as {media_type or 'nothing'}", "RFC 6749 5.2", error_as(media_type, status), CODE_REFUSED)
    for media_type, status in (("text/plain; charset=utf-8", 400), (FORM, 200))
]

BODIES = [
    refused("HTML", "RFC 6749 5.1", answers("token", body=b"<html>canary"), TOKENS),
    refused("two documents", "RFC 8259 2", body_of("token", lambda body: body + body), TOKENS),
    refused(
        "access_token twice", "RFC 8259 4", body_of("token", lambda body: b'{"access_token": "x",' + body[1:]), TOKENS
    ),
    refused("300 kB", "RFC 6749 5.1", json_of("token", padding="x" * 300_000), TOKENS),
    refused("a size of 64 MB", "RFC 9110 8.6", answers("token", headers={"Content-Length": str(64 * 2**20)}), TOKENS),
    refused(
        "a gzip bomb",
        "RFC 9110 8.4",
        answers("token", body=gzip.compress(b"{" + b" " * 5_000_000), headers={"Content-Encoding": "gzip"}),
        TOKENS,
    ),
    refused("zstd", "RFC 9110 8.4", answers("token", headers={"Content-Encoding": "zstd"}), TOKENS),
]

TYPES = [
    refused(
        f"as {media_type or 'nothing'}", "RFC 6749 5.1", answers("token", headers={"Content-Type": media_type}), TOKENS
    )
    for media_type in ("text/html", "")
] + [
    refused(
        "as a form",
        "RFC 6749 5.1",
        answers("token", headers={"Content-Type": FORM}),
        TOKENS,
    ),
]

STATUSES = [
    refused("created", "RFC 6749 5.1", answers("token", status=201), TOKENS),
    refused("tokens with status 400", "RFC 6749 5.2", answers("token", status=400), TOKENS),
    *(refused(f"a redirect {status}", "RFC 9700 4.12", redirect(status), TOKENS) for status in (302, 307)),
    *(
        refused(f"status {status}", "RFC 9110 15.6", answers("token", status=status), UNAVAILABLE)
        for status in (500, 502, 503, 429)
    ),
]

MEMBERS = [
    *(
        refused(f"access_token {what}", text, json_of("token", access_token=value), TOKENS)
        for what, text, value in (
            ("missing", "RFC 6749 5.1", ABSENT),
            ("with NUL", "RFC 6749 A.12", "a\0b"),
        )
    ),
    *(
        refused(f"token_type {what}", "RFC 6749 7.1, RFC 6750", json_of("token", token_type=value), TOKENS)
        for what, value in (("mac", "mac"),)
    ),
    refused("expires_in not a number", "RFC 8259 6", member("expires_in", "NaN"), TOKENS),
]


@pytest.mark.parametrize("row", [*ERRORS, *BODIES, *TYPES, *STATUSES, *MEMBERS], ids=str)
def test_bad_token_answer(stage: Stage, row: Row) -> None:
    stage.refuse(row)


# What must work.

GOOD = [
    *(
        accepted(
            f"token_type {word}",
            "RFC 6749 5.1; fapi2-security-profile-final-client-test-token-type-case-insensitivity",
            json_of("token", token_type=word),
        )
        for word in ("bearer", "BEARER")
    ),
    accepted(
        "no expires_in",
        "RFC 6749 5.1; fapi2-security-profile-final-client-test-token-endpoint-response-without-expires-in",
        json_of("token", expires_in=ABSENT),
    ),
    accepted(
        "no scope",
        "RFC 6749 5.1; fapi1-advanced-final-client-test-no-scope-in-token-endpoint-response",
        json_of("token", scope=ABSENT),
    ),
    accepted("a narrower scope", "RFC 6749 3.3", json_of("token", scope="openid email")),
    accepted("refresh_token null", "RFC 6749 5.1", json_of("token", refresh_token=None)),
    accepted("members that nobody knows", "RFC 6749 5.1", json_of("token", x={"y": [1]}, not_before_policy=0)),
    accepted(
        "a charset", "RFC 6749 5.1", answers("token", headers={"Content-Type": "application/json; charset=UTF-8"})
    ),
    accepted("error null", "RFC 6749 5.2", json_of("token", error=None)),
]


@pytest.mark.parametrize("row", GOOD, ids=str)
def test_good_token_answer(stage: Stage, row: Row) -> None:
    if row.name == "refresh_token null":
        stage.op.always_refresh_token = True
    stage.accept(row)


LIFETIMES: list[tuple[str, Any, float | None]] = [
    ("digits", "3600", 3600),
    ("huge", 10**20, 10 * 365 * 86_400),
]


@pytest.mark.parametrize(("value", "seconds"), [row[1:] for row in LIFETIMES], ids=[row[0] for row in LIFETIMES])
@source("RFC 6749 5.1")
def test_lifetime_of_any_kind_is_no_trouble(stage: Stage, value: Any, seconds: float | None) -> None:
    stage.accept(accepted("", "", json_of("token", expires_in=value)))

    connection = OAuthConnection.objects.get()
    assert connection.last_login_at is not None
    expires_at = connection.access_token_expires_at
    assert (expires_at is None) is (seconds is None)
    if expires_at is not None and seconds is not None:
        assert abs((expires_at - connection.last_login_at).total_seconds() - seconds) < 30


@source("RFC 6749 A.12")
def test_long_tokens_are_stored_whole(stage: Stage) -> None:
    """A signed access token with many groups."""
    token = "x" * 16_000
    stage.op.always_refresh_token = True
    stage.configure(userinfo="never")
    stage.accept(accepted("", "", _long_tokens(token)))

    connection = OAuthConnection.objects.get()
    assert connection.access_token == connection.refresh_token == token


def _long_tokens(token: str) -> Bends:
    return {
        **json_of("token", access_token=token, refresh_token=token),
        "id_token": lambda unsigned: _without_hash(unsigned),
    }


def _without_hash(unsigned: Any) -> Any:
    unsigned.claims.pop("at_hash")
    return unsigned


# The request.


@source("RFC 6749 4.1.3, RFC 7636 4.5")
def test_token_request_has_what_the_grant_needs_and_no_more(stage: Stage) -> None:
    browser = Browser()
    browser.sign_in(stage.op)

    (request,) = [request for request in stage.op.requests if request.endpoint == "token"]
    form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
    assert (request.method, request.query) == ("POST", "")
    assert request.headers["content-type"] == FORM
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert set(form) == {"grant_type", "code", "redirect_uri", "code_verifier"}
    assert form["redirect_uri"] == browser.begun[0]["redirect_uri"]
    assert 43 <= len(form["code_verifier"]) <= 128
    assert "cookie" not in request.headers


@pytest.mark.parametrize("text", ["a:b", "100%", "a+b c", "Grüße ☕", "ü" * 40, '"quoted"', "a&b=c"])
@source("RFC 6749 2.3.1")
def test_client_id_and_secret_of_any_letters(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, text: str
) -> None:
    op.client_id, op.client_secret = f"id {text}", f"secret {text} long enough"
    configure(settings, "op", client_id=op.client_id, client_secret=op.client_secret)

    assert browser.sign_in(op).status_code == 302


METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]


@pytest.mark.parametrize("method", METHODS)
@source("RFC 6749 2.3, Core 9, RFC 7523 2.2")
def test_one_method_of_client_authentication_in_a_request(
    op: RecordingOpenIDProvider, settings: Settings, method: str
) -> None:
    op.token_endpoint_auth_method = method
    op.client_jwks = {"keys": [json.loads(forging.client_key("P-256").export_public())]}
    if method == "none":
        op.client_secret = ""
    configure(
        settings,
        "op",
        client_secret="" if method in ("none", "private_key_jwt") else op.client_secret,
        client_key=forging.private_jwk("P-256") if method == "private_key_jwt" else None,
    )

    for _ in range(2):
        assert Browser().sign_in(op).status_code == 302

    requests = [request for request in op.requests if request.endpoint == "token"]
    for request in requests:
        used = ("authorization" in request.headers) + ("client_secret" in request.form)
        used += "client_assertion" in request.form
        assert used == (method != "none")
    assertions = [request.form["client_assertion"] for request in requests if "client_assertion" in request.form]
    assert len(set(assertions)) == len(assertions)


@source("Discovery 3, RFC 6749 2.3")
@pytest.mark.parametrize(
    ("offered", "setting"),
    [("tls_client_auth", "token_endpoint_auth_method"), ("none", "client_secret_not_accepted")],
)
def test_no_common_method_of_client_authentication_is_told(stage: Stage, offered: str, setting: str) -> None:
    """The setting that is wrong, not the document: that may well be as it should be."""
    row = refused("", "", json_of("discovery", token_endpoint_auth_methods_supported=[offered]), CLIENT_REFUSED)
    stage.prepare(row)
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())
    stage.op.clear()
    with stage.witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == row.seen
    assert stage.witness.errors[-1].reason == setting
    assert stage.op.asked() == []


@source("RFC 6749 3.2.1")
def test_next_secret_of_a_rotation_is_tried_and_then_first(op: RecordingOpenIDProvider, settings: Settings) -> None:
    """The only request that carries a code twice: the client is judged before the code."""
    configure(settings, "op", client_secret=["the old secret, gone already", CLIENT_SECRET])

    assert Browser().sign_in(op).status_code == 302
    assert op.asked().count("token") == 2
    op.clear()
    assert Browser().sign_in(op).status_code == 302
    assert op.asked().count("token") == 1


@source("RFC 6749 5.2")
def test_secrets_that_are_all_refused_are_each_tried_once(stage: Stage) -> None:
    stage.configure(client_secret=["one secret that is wrong", "another secret that is wrong"])
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())
    with stage.witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == CLIENT_REFUSED
    assert stage.op.asked().count("token") == 2


@source("RFC 7523 3")
def test_assertion_is_for_our_issuer_whatever_the_token_endpoint_is(
    op: RecordingOpenIDProvider, settings: Settings
) -> None:
    """An attacker's document that names the honest token endpoint gets no assertion that is good there."""
    import jwt

    op.token_endpoint_auth_method = "client_secret_jwt"
    op.bend("discovery", json_of("discovery", token_endpoint=lambda url: url + "?other=1")["discovery"])
    configure(settings, "op", label="anew")

    assert Browser().sign_in(op).status_code == 302

    (request,) = [request for request in op.requests if request.endpoint == "token"]
    claims = jwt.decode(request.form["client_assertion"], options={"verify_signature": False})
    assert claims["aud"] == op.issuer
    assert claims["exp"] - claims["iat"] <= 300
