"""How the client proves itself: one way in each request (RFC 6749 2.3, Core 9, RFC 7523)."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import jwt
import pytest

from oidc_login.protocol.client_auth import (
    METHODS,
    ClientAuthentication,
    assertion_of_file,
    choose_method,
    client_secret_basic,
    client_secret_jwt,
    client_secret_post,
    private_key_jwt,
    public_client,
)
from oidc_login.protocol.errors import ClientMisconfigured
from oidc_login.protocol.jose import MAX_TOKEN_LENGTH
from oidc_login.protocol.private_key import PrivateKey
from oidc_login.protocol.tokens import token_request
from tests.support.signing import key

NOW = 1_800_000_000
ISSUER = "https://op.example"
SECRET = "CANARY of more than thirty-two bytes"
AWKWARD = [":", "%", "%41", "+", " ", "ü", "a:b%c+d ü&=/?", "\u20ac"]


def pem(key_type: Any = "P-256") -> PrivateKey:
    private = jwt.get_algorithm_by_name("ES256").to_jwk(key(key_type).private_key, as_dict=True)
    return PrivateKey({**private, "kid": "registered"})


def basic_pair(authentication: ClientAuthentication) -> list[str]:
    """What a server reads: decoded as HTTP says, cut at the colon, then decoded as a form."""
    scheme, _, encoded = authentication.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    return [unquote_plus(half) for half in b64decode(encoded, validate=True).decode("ascii").split(":")]


# The secret


@pytest.mark.parametrize("text", AWKWARD)
def test_both_halves_are_form_encoded_before_they_are_joined(text: str) -> None:
    """RFC 6749 2.3.1."""
    assert basic_pair(client_secret_basic(text, text * 2)) == [text, text * 2]


def test_the_encoding_is_that_of_forms() -> None:
    encoded = client_secret_basic("a b", "c:d%+ü").headers["Authorization"].partition(" ")[2]
    assert b64decode(encoded) == b"a+b:c%3Ad%25%2B%C3%BC"


@pytest.mark.parametrize("text", AWKWARD)
def test_a_posted_secret_arrives_as_it_is(text: str) -> None:
    request = token_request("https://op.example/token", {}, authentication=client_secret_post("client", text))
    assert request.body is not None
    assert dict(pair.split("=") for pair in request.body.decode().split("&"))["client_id"] == "client"
    assert unquote_plus(request.body.decode().split("client_secret=")[1]) == text


# One way only


def each_method() -> list[ClientAuthentication]:
    return [
        client_secret_basic("client", SECRET),
        client_secret_post("client", SECRET),
        client_secret_jwt("client", SECRET, audience=ISSUER, now=NOW),
        private_key_jwt("client", pem(), audience=ISSUER, now=NOW),
        public_client("client"),
    ]


@pytest.mark.parametrize("authentication", each_method(), ids=METHODS)
def test_a_request_carries_one_proof(authentication: ClientAuthentication) -> None:
    request = token_request("https://op.example/token", {"code": "c"}, authentication=authentication)
    assert request.body is not None
    body = request.body.decode()
    proofs = ["Authorization" in request.headers, "client_secret=" in body, "client_assertion=" in body]
    assert sum(proofs) == (0 if authentication == public_client("client") else 1)
    assert ("client_id=client" in body) is not proofs[0]


@pytest.mark.parametrize("authentication", each_method(), ids=METHODS)
def test_no_proof_is_shown(authentication: ClientAuthentication) -> None:
    assert "CANARY" not in repr(authentication)
    assert "ey" not in repr(authentication)


# Assertions (Core 9, RFC 7523 3)


def assertion_of(authentication: ClientAuthentication) -> str:
    parameters = authentication.parameters
    assert set(parameters) == {"client_id", "client_assertion_type", "client_assertion"}
    assert parameters["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return parameters["client_assertion"]


def claims_of(assertion: str, secret: Any, alg: str) -> dict[str, Any]:
    options: Any = {"verify_exp": False, "verify_iat": False}
    return dict(jwt.decode(assertion, secret, algorithms=[alg], audience=ISSUER, options=options))


def test_an_assertion_names_the_client_twice_and_its_one_audience() -> None:
    by_key = claims_of(
        assertion_of(private_key_jwt("client", pem(), audience=ISSUER, now=NOW)),
        key("P-256").private_key.public_key(),
        "ES256",
    )
    by_secret = claims_of(assertion_of(client_secret_jwt("client", SECRET, audience=ISSUER, now=NOW)), SECRET, "HS256")
    for claims in (by_key, by_secret):
        assert len(claims.pop("jti")) >= 22
        assert claims == {"iss": "client", "sub": "client", "aud": ISSUER, "iat": NOW, "exp": NOW + 60}


def test_an_assertion_is_used_once() -> None:
    made = {
        claims_of(assertion_of(client_secret_jwt("client", SECRET, audience=ISSUER, now=NOW)), SECRET, "HS256")["jti"]
        for _ in range(20)
    }
    assert len(made) == 20


def test_an_assertion_names_its_key() -> None:
    assertion = assertion_of(private_key_jwt("client", pem(), audience=ISSUER, now=NOW))
    assert jwt.get_unverified_header(assertion) == {"alg": "ES256", "kid": "registered", "typ": "JWT"}


def test_a_short_secret_makes_no_assertion() -> None:
    """RFC 7518 3.2."""
    with pytest.raises(ClientMisconfigured, match="client_secret_too_short"):
        client_secret_jwt("client", "short", audience=ISSUER, now=NOW)


# The choice (Discovery 3, Core 9)

BASIC, POST, BY_SECRET, BY_KEY, NONE = METHODS
CHOICES: list[tuple[tuple[str, ...], bool, bool, str]] = [
    ((), True, False, BASIC),
    ((BASIC,), True, False, BASIC),
    ((POST,), True, False, POST),
    ((POST, BASIC), True, False, BASIC),
    ((BY_SECRET, POST), True, False, POST),
    ((BY_SECRET,), True, False, BY_SECRET),
    ((BY_KEY, BY_SECRET, "tls_client_auth"), True, False, BY_SECRET),
    ((), False, True, BY_KEY),
    ((BASIC, BY_KEY), False, True, BY_KEY),
    ((BASIC, BY_KEY), True, True, BASIC),
    ((BY_KEY,), True, True, BY_KEY),
    ((), False, False, NONE),
    ((BASIC,), False, False, NONE),
    ((NONE,), False, False, NONE),
    ((NONE,), False, True, NONE),
]


@pytest.mark.parametrize(("supported", "has_secret", "has_key", "method"), CHOICES)
def test_the_method_is_one_that_both_sides_can(
    supported: tuple[str, ...], has_secret: bool, has_key: bool, method: str
) -> None:
    assert choose_method(supported=supported, has_secret=has_secret, has_key=has_key) == method


@pytest.mark.parametrize(
    ("supported", "has_secret", "has_key"),
    [
        ((BY_KEY,), True, False),
        ((NONE, "tls_client_auth"), True, False),
        (("tls_client_auth",), True, True),
        ((BASIC,), False, True),
        (("CLIENT_SECRET_BASIC",), True, False),
    ],
)
def test_without_a_common_method_it_says_so(supported: tuple[str, ...], has_secret: bool, has_key: bool) -> None:
    with pytest.raises(ClientMisconfigured, match="token_endpoint_auth_method$"):
        choose_method(supported=supported, has_secret=has_secret, has_key=has_key)


@pytest.mark.parametrize("has_key", [True, False])
def test_a_secret_for_a_client_that_is_public_there_is_the_setting_to_change(has_key: bool) -> None:
    with pytest.raises(ClientMisconfigured, match="client_secret_not_accepted"):
        choose_method(supported=(NONE,), has_secret=True, has_key=has_key)


# Somebody else's assertion


def test_an_assertion_is_sent_as_it_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "assertion"
    file.write_text("head.claims.signature\n")
    assert assertion_of(assertion_of_file("client", str(file))) == "head.claims.signature"
    longest = "a." + "b" * (MAX_TOKEN_LENGTH - 4) + ".c"
    file.write_text(longest + "\r\n")
    assert assertion_of(assertion_of_file("client", str(file))) == longest


@pytest.mark.parametrize(
    "content",
    [None, b"", b"\n", b"CANARY", b"CANARY.b", b"CANARY.b.c.d", b"CANARY.b.c d", b"CANARY.\xff.c", b"a.b.c\na.b.c"]
    + [b"CANARY." + b"b" * MAX_TOKEN_LENGTH + b".c"],
)
def test_a_file_without_an_assertion_is_the_setting_to_change(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "assertion"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ClientMisconfigured) as caught:
        assertion_of_file("client", str(file))
    assert caught.value.reason == "client_assertion_file"
    assert caught.value.__cause__ is None
    with pytest.raises(ClientMisconfigured):
        assertion_of_file("client", str(tmp_path))
