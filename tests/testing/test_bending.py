"""One thing of a good answer can be made wrong, and only that one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
import requests

from oidc_login.testing import Answer, AuthorizationAnswer, OpenIDProvider, UnsignedToken, generate_key
from tests.testing.conftest import CALLBACK, Client, parameters_of


def jwks(op: OpenIDProvider) -> str:
    return op.url("/jwks")


def test_bends_until_mended(op: OpenIDProvider, client: Client) -> None:
    op.bend("jwks", lambda answer: Answer.of_json({"keys": []}))
    assert client.get(jwks(op)).json() == {"keys": []}
    assert client.get(op.discovery_url).json()["issuer"] == op.issuer
    op.mend()
    assert len(client.get(jwks(op)).json()["keys"]) == 5


def test_bends_for_a_with_block(op: OpenIDProvider, client: Client) -> None:
    with op.bend("jwks", lambda answer: replace(answer, status=500)):
        assert client.get(jwks(op)).status_code == 500
    assert client.get(jwks(op)).status_code == 200


def test_mends_one_of_several(op: OpenIDProvider, client: Client) -> None:
    op.bend("jwks", lambda answer: replace(answer, status=500))
    op.bend("discovery", lambda answer: replace(answer, status=501))
    op.mend("jwks")
    assert client.get(jwks(op)).status_code == 200
    assert client.get(op.discovery_url).status_code == 501


def test_unknown_name_is_an_error_that_lists_the_known_ones(op: OpenIDProvider) -> None:
    with pytest.raises(ValueError, match="'tokens'.*discovery.*id_token.*token"):
        op.bend("tokens", lambda answer: answer)


def test_bend_that_returns_nothing_is_an_error(op: OpenIDProvider, client: Client) -> None:
    def forgetful(answer: Answer) -> None:
        answer.json = {}

    op.bend("jwks", forgetful)
    assert client.get(jwks(op)).status_code == 500


def changed(answer: Answer, **changes: Any) -> Answer:
    return replace(answer, json=answer.json | changes)


def test_json_value_of_a_token_answer(op: OpenIDProvider, client: Client) -> None:
    op.bend("token", lambda answer: changed(answer, token_type="mac"))
    assert client.tokens()["token_type"] == "mac"


@pytest.mark.parametrize(
    ("bend", "seen"),
    [
        pytest.param(lambda a: replace(a, status=302, headers={"Location": CALLBACK}), (302, None), id="redirect"),
        pytest.param(lambda a: replace(a, status=999), (999, None), id="status"),
        pytest.param(lambda a: replace(a, body=b"<html>"), (200, 6), id="body"),
        pytest.param(lambda a: replace(a, body=b"x" * 5_000_000), (200, 5_000_000), id="size"),
    ],
)
def test_any_part_of_an_answer(
    op: OpenIDProvider, client: Client, bend: Callable[[Answer], Answer], seen: tuple[int, int | None]
) -> None:
    op.bend("jwks", bend)
    answer = client.get(jwks(op))
    assert answer.status_code == seen[0]
    assert seen[1] in (None, len(answer.content))


def test_delay(op: OpenIDProvider, client: Client) -> None:
    op.bend("jwks", lambda answer: replace(answer, delay=0.3))
    began = time.perf_counter()
    client.get(jwks(op))
    assert time.perf_counter() - began >= 0.3


def test_raw_bytes_take_the_place_of_the_whole_answer(op: OpenIDProvider, client: Client) -> None:
    def duplicates(write: Callable[[bytes], None]) -> None:
        write(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n")
        write(b"X-A: 2\r\nContent-Length: 2\r\n\r\n{}")

    op.bend("jwks", lambda answer: replace(answer, raw=duplicates))
    answer = client.get(jwks(op))
    assert (answer.headers["X-A"], answer.content) == ("1, 2", b"{}")


def test_raw_bytes_may_stop_in_the_middle(op: OpenIDProvider, client: Client) -> None:
    op.bend(
        "jwks",
        lambda answer: replace(answer, raw=lambda write: write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")),
    )
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get(jwks(op))
    op.mend()
    assert client.get(jwks(op)).status_code == 200


def test_claims_and_header_of_the_id_token(op: OpenIDProvider, client: Client) -> None:
    def forged(token: UnsignedToken) -> UnsignedToken:
        return replace(token, header=token.header | {"kid": "x"}, claims=token.claims | {"aud": "other"})

    op.bend("id_token", forged)
    id_token = client.tokens()["id_token"]
    assert jwt.get_unverified_header(id_token)["kid"] == "x"
    key = op.signing_keys["RSA"].private_key.public_key()
    assert jwt.decode(id_token, key, algorithms=["RS256"], audience="other")["sub"] == "alice"


def test_id_token_signed_by_a_stranger_under_a_published_name(op: OpenIDProvider, client: Client) -> None:
    stranger = generate_key("RSA")
    op.bend("id_token", lambda token: replace(token, key=stranger))
    id_token = client.tokens()["id_token"]
    assert jwt.get_unverified_header(id_token)["kid"] == op.signing_keys["RSA"].kid
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(id_token, op.signing_keys["RSA"].private_key.public_key(), algorithms=["RS256"], audience="client")


def test_id_token_without_signature(op: OpenIDProvider, client: Client) -> None:
    def unsigned(token: UnsignedToken) -> UnsignedToken:
        return replace(token, header={"alg": "none"}, alg="none", key=None)

    op.bend("id_token", unsigned)
    assert client.tokens()["id_token"].endswith(".")


def test_id_token_signed_with_bytes_as_secret(op: OpenIDProvider, client: Client) -> None:
    secret = b"-----BEGIN PUBLIC KEY-----"
    op.bend("id_token", lambda token: replace(token, header={"alg": "HS256"}, alg="HS256", key=secret))
    header, payload, _ = client.tokens()["id_token"].split(".")
    assert jwt.decode(f"{header}.{payload}.", options={"verify_signature": False})["sub"] == "alice"


@pytest.mark.parametrize("value", ["garbage", {"a": 1}, 7], ids=["string", "object", "number"])
def test_id_token_of_another_kind(op: OpenIDProvider, client: Client, value: object) -> None:
    op.bend("id_token", lambda token: value)
    assert client.tokens()["id_token"] == value


def test_payload_that_is_no_json(op: OpenIDProvider, client: Client) -> None:
    op.bend("id_token", lambda token: replace(token, payload=b"not json"))
    with pytest.raises(jwt.DecodeError):
        jwt.decode(client.tokens()["id_token"], options={"verify_signature": False})


def test_parameters_of_the_authorization_answer(op: OpenIDProvider, client: Client) -> None:
    def mixed_up(answer: AuthorizationAnswer) -> AuthorizationAnswer:
        return answer.with_(iss="https://other.example").without("code").and_also("state", "second")

    op.bend("authorize", mixed_up)
    callback = op.authorize(client.authorization_url())
    assert callback.count("state=") == 2
    assert parameters_of(callback) == {"iss": "https://other.example", "state": "second"}
    assert "code" not in op.authorization_answer(client.authorization_url())


def test_requests_of_servers_are_recorded(op: OpenIDProvider, client: Client) -> None:
    client.tokens()
    client.get(f"{op.base_url}/elsewhere?x=1")
    token, elsewhere = op.requests
    assert (token.method, token.path, token.endpoint) == ("POST", "/token", "token")
    assert token.form["redirect_uri"] == CALLBACK
    assert token.headers["authorization"].startswith("Basic ")
    assert (elsewhere.endpoint, elsewhere.path, elsewhere.query) == ("unknown", "/elsewhere", "x=1")
    assert op.connections == 1
    op.clear()
    assert (op.requests, op.connections) == ([], 0)


def test_recorded_request_hides_its_secrets(op: OpenIDProvider, client: Client) -> None:
    client.tokens()
    assert "code_verifier" not in repr(op.requests)
    assert "Basic" not in repr(op.requests)
