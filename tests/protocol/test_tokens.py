"""The token endpoint's answer: what is taken from it, and what it is instead (RFC 6749 5)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_login.protocol.client_auth import client_secret_basic, public_client
from oidc_login.protocol.errors import (
    ProtocolError,
    ProviderUnavailable,
    ResponseInvalid,
    TokenErrorResponse,
    TokenResponseInvalid,
)
from oidc_login.protocol.http.bounds import CircuitBreaker
from oidc_login.protocol.http.client import Response, Transport
from oidc_login.protocol.tokens import (
    MAX_LIFETIME,
    MAX_TOKEN_ANSWER,
    MAX_TOKEN_LENGTH,
    TokenResponse,
    deletion_request,
    read_deletion_response,
    read_lifetime,
    read_revocation_response,
    read_token_response,
    request_tokens,
    revocation_request,
    self_revocation_request,
    token_request,
)
from tests.support.servers import answer, answering, serve
from tests.support.signing import ABSENT, ids, without_absent

NOW = 1_800_000_000.0
FORM = "application/x-www-form-urlencoded"
GOOD = {"access_token": "CANARY-access", "token_type": "Bearer", "expires_in": 3600}


def respond(
    body: Any, *, status: int = 200, content_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, content_type=content_type, headers=headers or {}, body=raw)


def read(body: Any, *, allow_form_answer: bool = False, **response: Any) -> TokenResponse:
    return read_token_response(respond(body, **response), now=NOW, allow_form_answer=allow_form_answer)


def good(**members: Any) -> dict[str, Any]:
    return without_absent({**GOOD, **members})


def refusal(body: Any, **response: Any) -> ProtocolError:
    """What a bad answer raises; never with anything of the answer in it."""
    with pytest.raises(ProtocolError) as caught:
        read(body, **response)
    assert "CANARY" not in f"{caught.value!r} {caught.value}"
    return caught.value


def in_seconds(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW, tz=timezone.utc) + timedelta(seconds=seconds)


# The request


def test_the_request_is_a_form_with_the_grant() -> None:
    request = token_request(
        "https://op.example/token",
        {"grant_type": "authorization_code", "code": "a&b=c ü", "redirect_uri": "https://site.example/?x=y"},
        authentication=public_client("client"),
    )
    assert (request.method, request.headers["Content-Type"], request.headers["Accept"]) == (
        "POST",
        FORM,
        "application/json",
    )
    assert request.body == (
        b"grant_type=authorization_code&code=a%26b%3Dc+%C3%BC&redirect_uri=https%3A%2F%2Fsite.example%2F%3Fx%3Dy"
        b"&client_id=client"
    )
    assert "code" not in repr(request)
    assert request.max_bytes == MAX_TOKEN_ANSWER


# A good answer


def test_reads_every_member() -> None:
    document = good(refresh_token="r", id_token="a.b.c", scope="openid email", refresh_expires_in=60, extra={"a": 1})
    tokens = read(document)
    assert (tokens.access_token, tokens.refresh_token, tokens.id_token) == ("CANARY-access", "r", "a.b.c")
    assert tokens.scope == "openid email"
    assert tokens.access_token_expires_at == in_seconds(3600)
    assert tokens.refresh_token_expires_at == in_seconds(60)
    assert tokens.members["extra"] == {"a": 1}


def test_optional_members_may_be_absent() -> None:
    tokens = read({"access_token": "a", "token_type": "Bearer"})
    assert (tokens.refresh_token, tokens.id_token, tokens.scope) == ("", "", None)
    assert tokens.access_token_expires_at is tokens.refresh_token_expires_at is None


def test_optional_members_may_be_null_or_empty() -> None:
    tokens = read(good(refresh_token=None, id_token="", scope=None, expires_in=None))
    assert (tokens.refresh_token, tokens.id_token, tokens.scope) == ("", "", None)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_lifetime_of_nothing_leaves_the_other_name_for_it(nothing: str | None) -> None:
    tokens = read(good(refresh_token_expires_in=nothing, refresh_expires_in=60))
    assert tokens.refresh_token_expires_at == in_seconds(60)


def test_tokens_are_not_shown() -> None:
    shown = repr(read(good(refresh_token="CANARY", id_token="CANARY", scope="openid")))
    assert "CANARY" not in shown
    assert "openid" in shown


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", "bEARER", ABSENT])
def test_the_type_is_compared_without_case(token_type: object) -> None:
    """RFC 6749 5.1."""
    assert read(good(token_type=token_type)).access_token == "CANARY-access"


@pytest.mark.parametrize("token_type", ["mac", "DPoP", "N_A", "", None, 1, ["Bearer"], "bearer "])
def test_a_token_of_another_type_is_refused(token_type: object) -> None:
    assert refusal(good(token_type=token_type)).reason == "token_type"


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "id_token"])
def test_long_tokens_are_kept_whole(name: str) -> None:
    for length in (16_384, MAX_TOKEN_LENGTH):
        assert getattr(read(good(**{name: "t" * length})), name) == "t" * length
    assert refusal(good(**{name: "t" * (MAX_TOKEN_LENGTH + 1)})).reason == name


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "id_token"])
@pytest.mark.parametrize("value", [1, True, ["CANARY"], {"CANARY": 1}, "a\0b", "a\nb", "ü", "\x7f", "\ud800"])
def test_a_token_is_visible_ascii(name: str, value: object) -> None:
    """RFC 6749, appendix A.12."""
    assert refusal(good(**{name: value})).reason == name


@pytest.mark.parametrize("value", [ABSENT, None, ""])
def test_without_an_access_token_there_is_no_success(value: object) -> None:
    assert refusal(good(access_token=value)).reason == "access_token"


LIFETIMES: list[tuple[str, Any, float | None]] = [
    ("number", 3600, 3600),
    ("float", 3600.5, 3600.5),
    ("digits", "3600", 3600),
    ("zero", 0, 0),
    ("zero as text", "0", 0),
    ("ten years", MAX_LIFETIME, MAX_LIFETIME),
    ("more", MAX_LIFETIME + 1, MAX_LIFETIME),
    ("far more", 10**20, MAX_LIFETIME),
    ("far more as text", "9" * 30, MAX_LIFETIME),
    ("as many digits as are read", "9" * 32, MAX_LIFETIME),
    ("one more", "9" * 33, None),
    ("large float", 1e300, MAX_LIFETIME),
    ("null", None, None),
    ("absent", ABSENT, None),
    ("negative", -1, None),
    ("negative as text", "-1", None),
    ("true", True, None),
    ("word", "abc", None),
    ("empty", "", None),
    ("float as text", "3600.0", None),
    ("other digits", "٣٦٠٠", None),
    ("superscript", "²", None),
    ("endless digits", "9" * 5000, None),
    ("list", [3600], None),
    ("object", {}, None),
]


@pytest.mark.parametrize(("value", "seconds"), [row[1:] for row in LIFETIMES], ids=ids(LIFETIMES))
@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("expires_in", "access_token_expires_at"),
        ("refresh_token_expires_in", "refresh_token_expires_at"),
        ("refresh_expires_in", "refresh_token_expires_at"),
    ],
)
def test_a_lifetime_is_known_or_unknown_and_never_an_error(
    name: str, attribute: str, value: Any, seconds: float | None
) -> None:
    found = getattr(read(good(**{name: value})), attribute)
    assert found == (None if seconds is None else in_seconds(seconds))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_lifetime_without_end_is_unknown(value: float) -> None:
    """However the answer was read: a site's own class may have read it."""
    assert read_lifetime(value, now=NOW) is None


def test_a_lifetime_too_long_for_a_float_is_the_longest() -> None:
    assert read_lifetime(10**400, now=NOW) == in_seconds(MAX_LIFETIME)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_a_number_that_is_none_spoils_the_answer(number: str) -> None:
    body = json.dumps(good(expires_in="X")).replace('"X"', number).encode()
    error = refusal(body)
    assert isinstance(error, TokenResponseInvalid)
    assert error.reason == "json"


SCOPES: list[tuple[str, Any, str | None]] = [
    ("text", "openid email", "openid email"),
    ("empty", "", None),
    ("list", ["openid", "email"], "openid email"),
    ("absent", ABSENT, None),
    ("null", None, None),
    ("number", 1, None),
    ("mixed list", ["openid", 1], None),
]


@pytest.mark.parametrize(("value", "scope"), [row[1:] for row in SCOPES], ids=ids(SCOPES))
def test_a_scope_that_is_not_said_is_unknown(value: Any, scope: str | None) -> None:
    """RFC 6749 5.1: then it is what was asked for, which the caller knows."""
    assert read(good(scope=value)).scope == scope


# An answer that is none

BODIES: list[tuple[str, Any, str]] = [
    ("empty", b"", "json"),
    ("HTML under a JSON type", b"<html>CANARY</html>", "json"),
    ("cut off", b'{"access_token": "CANARY', "json"),
    ("two documents", json.dumps(GOOD).encode() * 2, "json"),
    ("name twice", b'{"access_token": "CANARY", "access_token": "b", "token_type": "Bearer"}', "json"),
    ("not UTF-8", b'{"access_token": "\xff"}', "json"),
    ("deep", b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "json"),
    ("null", b"null", "document"),
    ("a list", [GOOD], "document"),
    ("a string", "CANARY", "document"),
    ("a number", 1, "document"),
    ("nothing in it", {}, "access_token"),
]


@pytest.mark.parametrize(("body", "reason"), [row[1:] for row in BODIES], ids=ids(BODIES))
def test_a_body_that_is_no_token_response_is_refused(body: Any, reason: str) -> None:
    error = refusal(body)
    assert isinstance(error, TokenResponseInvalid)
    assert error.reason == reason


@pytest.mark.parametrize("content_type", ["application/json", "application/x+json", "application/vnd.api+json"])
def test_json_is_read_under_a_json_type(content_type: str) -> None:
    assert read(GOOD, content_type=content_type).access_token == "CANARY-access"


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "", FORM, "application/jwt", "text/json"])
def test_json_under_another_type_is_not_guessed(content_type: str) -> None:
    assert refusal(GOOD, content_type=content_type).reason == "content_type"


def test_a_form_is_read_only_where_the_provider_class_says_so() -> None:
    body = urlencode(
        {"access_token": "a+b", "token_type": "bearer", "scope": "user,email", "expires_in": "60"}
    ).encode()
    tokens = read(body, content_type=FORM, allow_form_answer=True)
    assert (tokens.access_token, tokens.scope) == ("a+b", "user,email")
    assert tokens.access_token_expires_at == in_seconds(60)
    assert refusal(body, content_type=FORM).reason == "content_type"
    assert read(GOOD, allow_form_answer=True).access_token == "CANARY-access"
    assert refusal(b"error=bad_verification_code", content_type=FORM, allow_form_answer=True).reason == (
        "bad_verification_code"
    )


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"CANARY", b"access_token=%00", b"access_token=a\xff"])
def test_a_form_without_a_good_token_is_refused(body: bytes) -> None:
    assert refusal(body, content_type=FORM, allow_form_answer=True).reason == "access_token"


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 401, 403, 404, 418])
def test_tokens_come_with_status_200_alone(status: int) -> None:
    error = refusal(GOOD, status=status)
    assert isinstance(error, TokenResponseInvalid)
    assert error.reason == "status"


# An error response (RFC 6749 5.2)


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "bad_verification_code", "x.y-z_9"])
def test_an_error_is_one_whatever_the_status(status: int, error: str) -> None:
    body = {"error": error, "error_description": "CANARY", "access_token": "CANARY", "token_type": "Bearer"}
    found = refusal(body, status=status)
    assert isinstance(found, TokenErrorResponse)
    assert found.reason == error


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "", FORM, "application/octet-stream"])
@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("allow_form_answer", [True, False])
def test_an_error_is_read_whatever_its_type(content_type: str, status: int, allow_form_answer: bool) -> None:
    """It lets nobody in, and it says what to do."""
    body = {"error": "invalid_grant", "access_token": "CANARY", "token_type": "Bearer"}
    found = refusal(body, status=status, content_type=content_type, allow_form_answer=allow_form_answer)
    assert isinstance(found, TokenErrorResponse)
    assert found.reason == "invalid_grant"


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", [GOOD, [GOOD], "CANARY", None, {}, {"error": ""}, b"", b"<html>CANARY</html>"])
def test_what_is_no_error_needs_its_type(status: int, body: Any) -> None:
    for allow_form_answer in (True, False):
        found = refusal(body, status=status, content_type="text/plain", allow_form_answer=allow_form_answer)
        assert isinstance(found, TokenResponseInvalid)
        assert found.reason == "content_type"
    assert isinstance(refusal(body, status=status, content_type=FORM, allow_form_answer=True), TokenResponseInvalid)


def test_an_error_in_the_providers_own_words_is_translated_whatever_its_type() -> None:
    def translate(document: Any) -> Any:
        return {"error": document["fault"]} if "fault" in document else {"access_token": document["token"]}

    with pytest.raises(TokenErrorResponse, match="invalid_grant"):
        response = respond({"fault": "invalid_grant"}, status=400, content_type="text/plain")
        read_token_response(response, now=NOW, translate=translate)
    with pytest.raises(TokenResponseInvalid, match="content_type"):
        read_token_response(respond({"token": "CANARY"}, content_type="text/plain"), now=NOW, translate=translate)


@pytest.mark.parametrize("error", ["CANARY<b>", "a b", "e" * 65, "ü", {"code": "CANARY"}, ["CANARY"], 7, True])
def test_an_error_that_is_no_code_is_not_repeated(error: object) -> None:
    found = refusal({**GOOD, "error": error})
    assert isinstance(found, TokenErrorResponse)
    assert found.reason == "unprintable"


@pytest.mark.parametrize("error", [None, ""])
def test_an_error_of_nothing_is_none(error: object) -> None:
    assert read(good(error=error)).access_token == "CANARY-access"


# No answer


RETRIES: list[tuple[str, str | None, int | None]] = [
    ("seconds", "7", 7),
    ("nothing", None, None),
    ("nonsense", "CANARY", None),
]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(("header", "seconds"), [row[1:] for row in RETRIES], ids=ids(RETRIES))
def test_a_provider_in_trouble_is_unavailable(status: int, header: str | None, seconds: int | None) -> None:
    """Whatever the body says: an error code of a broken server is not believed."""
    headers = {} if header is None else {"retry-after": header}
    error = refusal({"error": "invalid_grant"}, status=status, headers=headers)
    assert isinstance(error, ProviderUnavailable)
    # RFC 9110 10.2.3 and RFC 6585 4 give the header a meaning with these two.
    assert error.retry_after == (seconds if status in (429, 503) else None)


# What providers write in ways of their own


def test_a_request_may_be_json() -> None:
    request = token_request(
        "https://op.example/token", {"code": "ü&="}, authentication=public_client("c"), as_json=True
    )
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body or b"") == {"code": "ü&=", "client_id": "c"}


def test_an_answer_is_judged_after_its_translation() -> None:
    def translate(document: Any) -> Any:
        if "fault" in document:
            return {"error": document["fault"]}
        return {"access_token": document["token"]}

    assert read_token_response(respond({"token": "t"}), now=NOW, translate=translate).access_token == "t"
    for status in (200, 400):
        with pytest.raises(TokenErrorResponse, match="invalid_grant"):
            read_token_response(respond({"fault": "invalid_grant"}, status=status), now=NOW, translate=translate)


def test_what_is_no_object_is_not_translated() -> None:
    documents: list[Any] = [[], "text", None, 5]
    for document in documents:
        with pytest.raises(TokenResponseInvalid):
            read_token_response(respond(document), now=NOW, translate=lambda document: document["token"])


# Taking tokens back (RFC 7009)


def test_a_revocation_names_the_token_and_its_kind() -> None:
    request = revocation_request(
        "https://op.example/revoke", "CANARY", token_type_hint="refresh_token", authentication=public_client("client")
    )
    assert request.body == b"token=CANARY&token_type_hint=refresh_token&client_id=client"
    assert "CANARY" not in repr(request)


@pytest.mark.parametrize("status", [200, 204])
def test_any_200_ends_a_token(status: int) -> None:
    """RFC 7009 2.2: also for one that was of no use before, and whatever the body. Some leave the body out."""
    read_revocation_response(respond(b"", content_type="", status=status), now=NOW)


def test_an_access_token_may_end_itself() -> None:
    request = self_revocation_request("DELETE", "https://api.example/me/permissions", "CANARY", headers={"Agent": "a"})
    assert (request.method, request.body) == ("DELETE", None)
    assert (request.headers["Authorization"], request.headers["Agent"]) == ("Bearer CANARY", "a")
    assert "CANARY" not in repr(request)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, TokenResponseInvalid), (401, TokenResponseInvalid), (302, TokenResponseInvalid)]
    + [(429, ProviderUnavailable), (500, ProviderUnavailable), (503, ProviderUnavailable)],
)
def test_anything_else_does_not(status: int, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        read_revocation_response(respond({"error": "CANARY"}, status=status), now=NOW)


# Where a REST API stands in for RFC 7009


def test_a_deletion_names_the_token_and_the_client() -> None:
    request = deletion_request(
        "https://api.example/applications/me/token", "CANARY", authentication=client_secret_basic("me", "secret")
    )

    assert (request.method, json.loads(request.body or b"")) == ("DELETE", {"access_token": "CANARY"})
    assert request.headers["Authorization"].startswith("Basic ")
    assert "CANARY" not in repr(request)


@pytest.mark.parametrize("status", [200, 204, 299, 404, 422])
def test_a_token_that_is_gone_is_deleted(status: int) -> None:
    read_deletion_response(respond(b"", content_type="", status=status), now=NOW)


@pytest.mark.parametrize(
    ("status", "error"),
    [(199, TokenResponseInvalid), (300, TokenResponseInvalid), (400, TokenResponseInvalid), (401, TokenResponseInvalid)]
    + [(429, ProviderUnavailable), (499, TokenResponseInvalid), (500, ProviderUnavailable), (503, ProviderUnavailable)],
)
def test_a_token_that_is_not_deleted_is_told(status: int, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        read_deletion_response(respond({"message": "CANARY"}, status=status), now=NOW)


# Over HTTP


def exchange(*answers: bytes) -> tuple[int, ProtocolError]:
    """How often the code was posted for one refused exchange, and the refusal."""
    with serve(answering(*answers)) as server:
        request = token_request(server.url(), {"code": "CANARY"}, authentication=public_client("client"))
        with pytest.raises(ProtocolError) as caught:
            request_tokens(Transport(timeout=5, breaker=CircuitBreaker()), request, now=NOW)
        assert "CANARY" not in f"{caught.value!r}"
        return len(server.requests), caught.value


def test_a_code_is_posted_once_whatever_happens() -> None:
    for made in (
        answer(b"{}", status="503 Service Unavailable"),
        answer(b'{"error": "invalid_client"}', status="401 Unauthorized"),
        answer(b"{}", "Location: /elsewhere", status="307 Temporary Redirect"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
    ):
        assert exchange(made)[0] == 1


def test_a_redirect_is_not_followed() -> None:
    with serve(answering(answer(json.dumps(GOOD).encode()))) as other:
        _, error = exchange(answer(b"{}", f"Location: {other.url()}", status="307 Temporary Redirect"))
        assert error.reason == "status"
        assert other.requests == []


def test_an_answer_of_more_than_256_kb_is_refused() -> None:
    _, error = exchange(answer(json.dumps(good(padding="x" * MAX_TOKEN_ANSWER)).encode()))
    assert isinstance(error, ResponseInvalid)
