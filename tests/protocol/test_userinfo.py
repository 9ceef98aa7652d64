"""Userinfo: about the very person of the ID token, and what it may add (Core 5.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from oidc_login.protocol.errors import ProtocolError, ProviderUnavailable, UnknownKey, UserInfoInvalid
from oidc_login.protocol.http.bounds import CircuitBreaker
from oidc_login.protocol.http.client import Response, Transport
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.userinfo import (
    IDENTITY_CLAIMS,
    check_subject,
    fetch_userinfo,
    merge_claims,
    read_userinfo_document,
    userinfo_request,
    verify_userinfo_jwt,
)
from oidc_login.testing import Answer, OpenIDProvider, User, serve
from tests.support.servers import Server, answering
from tests.support.servers import answer as http_answer
from tests.support.servers import serve as serve_bytes
from tests.support.signing import ABSENT, ALGORITHMS, ids, key, provider_keys, token, without_absent

NOW = 1_800_000_000.0
ISSUER = "https://op.example"
CLIENT = "client"


def not_signed(raw: str) -> dict[str, Any]:
    raise AssertionError("a JSON answer is not verified as a JWT")


def fetch(
    body: Any,
    *headers: str,
    status: str = "200 OK",
    verify_jwt: Callable[[str], dict[str, Any]] = not_signed,
) -> tuple[dict[str, Any], Server]:
    """Userinfo as a server on loopback answers it, and what that server was asked."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with serve_bytes(answering(http_answer(raw, *headers, status=status))) as server:
        claims = fetch_userinfo(
            Transport(timeout=5, breaker=CircuitBreaker()),
            server.url("/userinfo"),
            access_token="CANARY",
            subject="alice",
            verify_jwt=verify_jwt,
            now=NOW,
        )
        return claims, server


def refusal(*arguments: Any, **options: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        fetch(*arguments, **options)
    assert "CANARY" not in f"{caught.value!r}"
    return caught.value


# The request


def test_the_token_is_in_the_header_and_nowhere_else() -> None:
    """RFC 6750 2.1."""
    claims, server = fetch({"sub": "alice", "name": "Alice"})
    assert claims == {"sub": "alice", "name": "Alice"}
    received = server.requests[0]
    assert (received.method, received.target, received.body) == ("GET", "/userinfo", b"")
    assert received.headers["authorization"] == "Bearer CANARY"
    assert "CANARY" not in repr(userinfo_request("https://op.example/userinfo", "CANARY"))


def test_a_providers_own_headers_are_sent_beside_the_token() -> None:
    request = userinfo_request("https://op.example/user", "token", headers={"Accept": "application/vnd.op+json"})
    assert request.headers == {"Accept": "application/vnd.op+json", "Authorization": "Bearer token"}


def test_the_token_does_not_follow_a_redirect() -> None:
    with serve_bytes(answering(http_answer(b'{"sub": "alice"}'))) as other:
        error = refusal({"sub": "alice"}, f"Location: {other.url()}", status="302 Found")
        assert (type(error), error.reason) == (UserInfoInvalid, "status")
        assert other.requests == []


# The subject (Core 5.3.2, 16.11)

SUBJECTS: list[tuple[str, Any]] = [
    ("another", {"sub": "bob"}),
    ("longer", {"sub": "aliceinvalid"}),
    ("other case", {"sub": "Alice"}),
    ("missing", {"email": "alice@example.org"}),
    ("null", {"sub": None}),
    ("a list of the right one", {"sub": ["alice"]}),
    ("an object", {"sub": {"alice": 1}}),
    ("not an object", ["alice"]),
    ("a string", "alice"),
    ("null for all", None),
]


@pytest.mark.parametrize("document", [row[1] for row in SUBJECTS], ids=ids(SUBJECTS))
def test_an_answer_about_somebody_else_is_refused(document: Any) -> None:
    error = refusal(document)
    assert (type(error), error.reason) == (UserInfoInvalid, "sub")
    with pytest.raises(UserInfoInvalid, match="sub"):
        check_subject(document, subject="alice")


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("HTML", b"<html>CANARY</html>"),
    ("sub twice", b'{"sub": "bob", "sub": "alice"}'),
    ("cut off", b'{"sub": "alice"'),
    ("NaN", b'{"sub": "alice", "x": NaN}'),
    ("deep", b'{"sub": "alice", "x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("not UTF-8", b'{"sub": "alice", "name": "\xff"}'),
]


@pytest.mark.parametrize("body", [row[1] for row in BODIES], ids=ids(BODIES))
def test_a_body_that_is_no_clear_json_is_refused(body: bytes) -> None:
    error = refusal(body)
    assert (type(error), error.reason) == (UserInfoInvalid, "json")


@pytest.mark.parametrize("status", ["201 Created", "301 Moved", "400 Bad", "401 Unauthorized", "403 Forbidden"])
def test_only_200_describes_somebody(status: str) -> None:
    error = refusal({"sub": "alice"}, status=status)
    assert (type(error), error.reason) == (UserInfoInvalid, "status")


def test_only_200_carries_a_resource_of_oauth() -> None:
    for status, kind in ((404, UserInfoInvalid), (503, ProviderUnavailable)):
        response = Response(status=status, content_type="application/json", headers={}, body=b'{"id": 1}')
        with pytest.raises(kind):
            read_userinfo_document(response, now=NOW)


@pytest.mark.parametrize("status", ["429 Too Many", "500 Error", "503 Unavailable"])
def test_a_provider_in_trouble_is_unavailable(status: str) -> None:
    error = refusal({"sub": "alice"}, "Retry-After: 9", status=status)
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == (None if "500" in status else 9)


# What it may add

MERGES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("what is missing", {"sub": "a"}, {"sub": "a", "name": "A"}, {"sub": "a", "name": "A"}),
    ("the ID token wins", {"sub": "a", "name": "A"}, {"name": "B"}, {"sub": "a", "name": "A"}),
    (
        "the pair of the ID token",
        {"email": "a@x", "email_verified": True},
        {"email": "b@x", "email_verified": False},
        {"email": "a@x", "email_verified": True},
    ),
    (
        "the pair of userinfo",
        {"sub": "a"},
        {"email": "b@x", "email_verified": True},
        {"sub": "a", "email": "b@x", "email_verified": True},
    ),
    (
        "another address is not verified by the ID token",
        {"email": "a@x", "email_verified": True},
        {"email": "b@x"},
        {"email": "a@x", "email_verified": True},
    ),
    (
        "the ID token's address is not verified by userinfo",
        {"email": "a@x"},
        {"email": "b@x", "email_verified": True},
        {"email": "a@x"},
    ),
    (
        "not even where the address is the same",
        {"email": "a@x"},
        {"email": "a@x", "email_verified": True},
        {"email": "a@x"},
    ),
    (
        "a lone email_verified of the ID token says nothing about another address",
        {"email_verified": True},
        {"email": "b@x"},
        {"email": "b@x"},
    ),
    (
        "a lone email_verified with an empty address",
        {"email": "", "email_verified": True},
        {"email": "b@x", "email_verified": False},
        {"email": "b@x", "email_verified": False},
    ),
    ("a lone email_verified of userinfo", {"email": "a@x"}, {"email_verified": True}, {"email": "a@x"}),
    ("no address anywhere", {"email_verified": True}, {"name": "A"}, {"name": "A"}),
]


@pytest.mark.parametrize(("id_token", "userinfo", "merged"), [row[1:] for row in MERGES], ids=ids(MERGES))
def test_userinfo_completes_and_the_address_comes_from_one_source(
    id_token: dict[str, Any], userinfo: dict[str, Any], merged: dict[str, Any]
) -> None:
    before = dict(id_token), dict(userinfo)
    assert merge_claims(id_token, userinfo) == merged
    assert (id_token, userinfo) == before


def test_a_word_of_the_providers_own_about_the_address_goes_with_it() -> None:
    names = ("email", "email_verified", "owned")
    assert merge_claims({"email": "a@x"}, {"email": "b@x", "owned": True}, email_claims=names) == {"email": "a@x"}
    assert merge_claims({"owned": True}, {"email": "b@x"}, email_claims=names) == {"email": "b@x"}


@pytest.mark.parametrize("name", IDENTITY_CLAIMS)
def test_who_it_is_never_comes_from_userinfo(name: str) -> None:
    assert merge_claims({"email": "a@x"}, {name: "evil"}) == {"email": "a@x"}
    assert merge_claims({name: "good"}, {name: "evil", "email": "a@x"}) == {name: "good", "email": "a@x"}


def test_the_identity_claims_are_those_of_the_specification() -> None:
    assert {"iss", "sub", "aud", "azp", "exp", "iat", "nonce", "auth_time", "acr", "amr", "sid"} <= set(IDENTITY_CLAIMS)


# Signed userinfo (Core 5.3.2)


def signed(alg: str = "RS256", header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    good = {"iss": ISSUER, "aud": CLIENT, "sub": "alice", "name": "Alice"}
    return token(without_absent({**good, **claims}), alg=alg, header=header)


def verify(raw: str, **changes: Any) -> dict[str, Any]:
    expected: dict[str, Any] = {"keys": provider_keys(), "algorithms": tuple(ALGORITHMS), "issuer": ISSUER}
    return verify_userinfo_jwt(raw, client_id=CLIENT, **{**expected, **changes})


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("aud", [CLIENT, [CLIENT], [CLIENT, "other"]])
def test_accepts_a_signed_answer_for_us(alg: str, aud: Any) -> None:
    assert verify(signed(alg, aud=aud))["name"] == "Alice"


SIGNED: list[tuple[str, Callable[[], str], str]] = [
    ("of nobody", lambda: signed(header={"alg": "none"}), "alg"),
    ("of nobody, without a signature", lambda: signed(header={"alg": "none"}).rpartition(".")[0] + ".", "format"),
    ("a MAC with the public key", lambda: token({"sub": "alice"}, alg="HS256", signed_with=b"public"), "alg"),
    ("another issuer", lambda: signed(iss=ISSUER + "1"), "iss"),
    ("no issuer", lambda: signed(iss=ABSENT), "iss"),
    ("issuer in a list", lambda: signed(iss=[ISSUER]), "iss"),
    ("another audience", lambda: signed(aud="other"), "aud"),
    ("other audiences", lambda: signed(aud=["other"]), "aud"),
    ("no audience", lambda: signed(aud=ABSENT), "aud"),
    ("audience in an object", lambda: signed(aud={CLIENT: 1}), "aud"),
    ("critical header", lambda: signed(header={"crit": ["x"]}), "crit"),
    ("name twice", lambda: token(b'{"sub": "bob", "sub": "alice"}'), "payload"),
    ("no JWT", lambda: '{"sub": "alice"}', "format"),
]


@pytest.mark.parametrize(("make", "reason"), [row[1:] for row in SIGNED], ids=ids(SIGNED))
def test_rejects_a_signed_answer_that_is_not_for_us(make: Callable[[], str], reason: str) -> None:
    with pytest.raises(UserInfoInvalid) as caught:
        verify(make())
    assert caught.value.reason == reason


def test_an_algorithm_that_was_not_agreed_on_is_refused() -> None:
    with pytest.raises(UserInfoInvalid, match="alg"):
        verify(signed("ES256"), algorithms=("RS256",))


def test_a_key_that_is_not_known_asks_for_newer_ones() -> None:
    with pytest.raises(UnknownKey):
        verify(signed(), keys=KeySet())
    with pytest.raises(UnknownKey):
        verify(token({"sub": "alice"}, signed_with=key(name="attacker"), header={"kid": key().kid}))


# Over HTTP, signed by a provider


def as_jwt(op: OpenIDProvider, **claims: Any) -> Callable[[Answer], Answer]:
    def change(good: Answer) -> Answer:
        raw = op.unsigned_token({"iss": op.issuer, "aud": op.client_id, "sub": "alice", **claims}).signed()
        return Answer(headers={"Content-Type": "application/jwt; charset=utf-8"}, body=raw.encode())

    return change


def from_provider(op: OpenIDProvider) -> dict[str, Any]:
    keys = KeySet.from_json(op.jwks())

    def verify_jwt(raw: str) -> dict[str, Any]:
        return verify_userinfo_jwt(raw, keys=keys, algorithms=("RS256",), issuer=op.issuer, client_id=op.client_id)

    return fetch_userinfo(
        Transport(timeout=5, breaker=CircuitBreaker()),
        op.url("/userinfo"),
        access_token="anything",
        subject="alice",
        verify_jwt=verify_jwt,
        now=NOW,
    )


def test_a_signed_answer_is_verified_and_its_subject_compared() -> None:
    op = OpenIDProvider(users=[User("alice")])
    with serve(op):
        op.bend("userinfo", as_jwt(op, name="Alice"))
        assert from_provider(op)["name"] == "Alice"
        for claims, reason in (({"sub": "bob"}, "sub"), ({"aud": "other"}, "aud"), ({"iss": "other"}, "iss")):
            op.bend("userinfo", as_jwt(op, **claims))
            with pytest.raises(UserInfoInvalid, match=reason):
                from_provider(op)


def test_a_signed_answer_comes_with_status_200_alone() -> None:
    op = OpenIDProvider(users=[User("alice")])
    with serve(op):
        good = as_jwt(op)
        op.bend("userinfo", lambda answer: replace(good(answer), status=401))
        with pytest.raises(UserInfoInvalid, match="status"):
            from_provider(op)
