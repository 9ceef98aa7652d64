"""Key sets: which keys verify, what spoils nothing, rotation, and what an unknown key may cause (RFC 7517, Core 10)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.protocol.keys import COOL_DOWN, EMPTY_COOL_DOWN
from oidc_login.testing import Answer, SigningKey, UnsignedToken, generate_key
from oidc_login.testing.signing import base64url
from tests.hostile import forging
from tests.hostile.rows import (
    ABSENT,
    ID_TOKEN,
    METADATA,
    UNAVAILABLE,
    Bends,
    Row,
    accepted,
    answers,
    body_of,
    changed,
    header,
    json_of,
    keys,
    refused,
    source,
)
from tests.hostile.stage import Stage
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Jwk = dict[str, Any]
MAC_SECRET = b"a symmetric key that somebody published"


def each(**changes: Any) -> Bends:
    """Change every published key alike."""
    return keys(lambda published: [changed(jwk, changes) for jwk in published])


def signed_with(key: SigningKey, alg: str, entry: Jwk, **claims_header: Any) -> Bends:
    """Publish one more key and sign with it."""
    return {**forging.signed_as(alg, key, kid=entry.get("kid"), **claims_header), **keys(lambda known: [*known, entry])}


def of_type(published: list[Jwk], kty: str) -> list[Jwk]:
    return [jwk for jwk in published if jwk["kty"] == kty]


def unnamed(published: list[Jwk]) -> list[Jwk]:
    return [changed(jwk, {"kid": ABSENT}) for jwk in published]


def encryption_keys() -> list[Jwk]:
    return [
        {**forging.stranger("RSA").public_jwk(), "use": "enc"},
        {**forging.stranger("P-256").public_jwk(), "use": "enc"},
    ]


BROKEN: list[Any] = [
    7,
    None,
    {},
    {"kty": "RSA"},
    {"kty": ["RSA"]},
    {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "tiny"},
    {"kty": "RSA", "n": 7, "e": "AQAB"},
    {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "not on the curve"},
    {"kty": "OKP", "crv": "Ed448", "x": "AAAA"},
    {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
    {"kty": "oct", "k": "AAAA"},
    {"kty": "PQC", "pub": "AAAA"},
    {"kty": "EC", "crv": {"name": "P-256"}, "x": [], "y": None},
]


# What must work: header without kid, and every odd key set that spoils nothing.

GOOD = [
    accepted(
        "no kid at all, one key of each type",
        "Core 10.1; oidcc-client-test-kid-absent-single-jwks",
        {
            **header(kid=ABSENT),
            **keys(lambda known: [*unnamed(known), changed(forging.public_jwk_of_secp256k1(), {"kid": ABSENT})]),
        },
    ),
    accepted(
        "no kid at all, three keys of a type",
        "Core 10.1; oidcc-client-test-kid-absent-multiple-jwks",
        {
            **header(kid=ABSENT),
            **keys(lambda known: unnamed([*encryption_keys(), *more_rsa_keys(), *known])),
        },
    ),
    accepted("no kid in the header, named keys", "Core 10.1", header(kid=ABSENT)),
    accepted("a kid in the header, unnamed keys", "RFC 7517 4.5", keys(unnamed)),
    accepted("neither alg nor use", "RFC 7517 4.2, 4.4", each(alg=ABSENT, use=ABSENT)),
    accepted("key_ops with verify", "RFC 7517 4.3", each(key_ops=["verify"], use=ABSENT)),
    *(
        accepted(f"{name} {value!r}", "RFC 7517 4", each(**{name: value}))
        for name in ("use", "key_ops", "alg", "kid", "issuer")
        for value in (None, "")
    ),
    accepted("members that nobody knows", "RFC 7517 4", each(x5c=["MIIB"], issuer=7, ext=True)),
    accepted("broken and unknown entries beside the good ones", "RFC 7517 5", keys(lambda known: [*BROKEN, *known])),
    accepted(
        "keys for encryption, and a curve that is none here",
        "RFC 7517 4.2",
        keys(lambda known: [*encryption_keys(), forging.public_jwk_of_secp256k1(), *known]),
    ),
    accepted("keys of two types under one name", "RFC 7517 4.5", {**each(kid="same"), **header(kid="same")}),
    accepted(
        "two keys of one type under one name",
        "RFC 7517 4.5; fapi1-advanced-final-client-test-allow-multiple-kid",
        {
            **keys(lambda known: [*({**jwk, "kid": "same"} for jwk in [*more_rsa_keys(), *known])]),
            **header(kid="same"),
        },
    ),
    accepted(
        "a key for encryption first, under the name of the signing one",
        "RFC 7517 4.2, 4.5",
        keys(lambda known: [{**encryption_keys()[0], "kid": of_type(known, "RSA")[0]["kid"]}, *known]),
    ),
    accepted(
        "private members beside the public ones",
        "RFC 7517 9.2",
        keys(lambda known: [{**j, "d": "AAAA"} for j in known]),
    ),
    accepted("a hundred keys", "RFC 7517 5", keys(lambda known: [*([{}] * (100 - len(known))), *known])),
    accepted(
        "another media type", "RFC 7517 8.5.2", answers("jwks", headers={"Content-Type": "application/jwk-set+json"})
    ),
    accepted("text/plain", "Core 10.1.1", answers("jwks", headers={"Content-Type": "text/plain"})),
]


def more_rsa_keys() -> list[Jwk]:
    return [forging.stranger("RSA").public_jwk()] * 2


@pytest.mark.parametrize("row", GOOD, ids=str)
def test_good_key_set(stage: Stage, row: Row) -> None:
    stage.accept(row)


# What must not verify.

NOT_FOR_THIS = [
    refused("a key for encryption", "RFC 7517 4.2; RFC 8725 3.1", each(use="enc"), ID_TOKEN),
    refused("use is a number", "RFC 7517 4.2", each(use=7), ID_TOKEN),
    refused("key_ops without verify", "RFC 7517 4.3", each(key_ops=["encrypt"]), ID_TOKEN),
    refused("key_ops is text", "RFC 7517 4.3", each(key_ops="verify"), ID_TOKEN),
    refused("the key says another algorithm", "RFC 7517 4.4; CVE-2026-48523", each(alg="PS256"), ID_TOKEN),
    refused("the key says an algorithm for encryption", "RFC 7517 4.4", each(alg="RSA-OAEP"), ID_TOKEN),
    refused("the key's algorithm is a list", "RFC 7517 4.4", each(alg=["RS256"]), ID_TOKEN),
    refused("the key's name is a number", "RFC 7517 4.5", each(kid=7), ID_TOKEN),
    refused(
        "a weak key",
        "RFC 7518 3.3",
        signed_with(forging.weak_key(), "RS256", forging.weak_key().public_jwk()),
        ID_TOKEN,
    ),
    refused(
        "a public exponent of one",
        "RFC 8017 3.1",
        {**keys(lambda known: [{**jwk, "e": "AQ"} for jwk in of_type(known, "RSA")])},
        ID_TOKEN,
    ),
    refused(
        "ES256K",
        "RFC 8812 3.2",
        signed_with(forging.secp256k1_key(), "ES256K", forging.public_jwk_of_secp256k1()),
        ID_TOKEN,
    ),
    refused(
        "ES256 with a key of P-384",
        "RFC 7518 3.4",
        {
            "id_token": lambda token: _es256_by_p384(token),
            **keys(lambda known: [changed(jwk, {"alg": ABSENT}) for jwk in known]),
        },
        ID_TOKEN,
    ),
    refused(
        "a symmetric key in the published set",
        "RFC 8725 2.1",
        {
            **forging.signed_as("HS256", MAC_SECRET, kid="mac"),
            **keys(lambda known: [*known, {"kty": "oct", "k": base64url(MAC_SECRET), "kid": "mac"}]),
        },
        ID_TOKEN,
    ),
    refused(
        "a symmetric key in the published set, MACs allowed",
        "RFC 8725 2.1",
        {
            **forging.signed_as("HS256", MAC_SECRET, kid="mac"),
            **keys(lambda known: [*known, {"kty": "oct", "k": base64url(MAC_SECRET), "kid": "mac"}]),
        },
        ID_TOKEN,
        site={"id_token_signing_algs": ["RS256", "HS256"]},
    ),
    refused("keys of other types alone", "Core 10.1", keys(lambda known: of_type(known, "EC")), ID_TOKEN),
    refused("no keys", "RFC 7517 5", keys(lambda _: []), ID_TOKEN),
]


def _es256_by_p384(token: UnsignedToken) -> UnsignedToken:
    key = forging.stranger("P-384")
    token.alg, token.key = "ES384", key
    token.header |= {"alg": "ES256"}
    return token


NO_KEY_SET = [
    refused("a list", "RFC 7517 5", answers("jwks", json=[]), METADATA),
    refused("null", "RFC 7517 5", answers("jwks", json=None), METADATA),
    refused("an empty object", "RFC 7517 5", answers("jwks", json={}), METADATA),
    refused("keys is an object", "RFC 7517 5", answers("jwks", json={"keys": {}}), METADATA),
    refused("HTML", "RFC 7517 5", answers("jwks", body=b"<html>"), METADATA),
    refused("empty", "RFC 7517 5", answers("jwks", body=b""), METADATA),
    refused("cut off", "RFC 8259 2", body_of("jwks", lambda body: body[:-9]), METADATA),
    refused("not UTF-8", "RFC 8259 8.1", body_of("jwks", lambda body: body[:-1] + b', "x": "\xff"}'), METADATA),
    refused("keys twice", "RFC 8259 4", body_of("jwks", lambda body: b'{"keys": [],' + body[1:]), METADATA),
    refused("10,000 deep", "RFC 8259 9", answers("jwks", body=b'{"keys":' + b"[" * 10_000), METADATA),
    refused("a hundred and one keys", "RFC 7517 5", keys(lambda known: [{}] * 101), METADATA),
    refused("600 kB", "RFC 7517 5", answers("jwks", body=b'{"keys": [], "x": "' + b"x" * 600_000 + b'"}'), METADATA),
    refused("a size of 64 MB", "RFC 9110 8.6", answers("jwks", headers={"Content-Length": str(64 * 2**20)}), METADATA),
    refused("compressed", "RFC 9110 8.4", answers("jwks", headers={"Content-Encoding": "gzip"}), METADATA),
    refused("not found", "RFC 9110 15.5.5", answers("jwks", status=404), METADATA),
    refused(
        "a redirect to somebody else's keys",
        "RFC 9700 4.11",
        answers("jwks", status=302, headers={"Location": "https://evil.example/jwks"}),
        METADATA,
    ),
    refused("the provider's own trouble", "RFC 9110 15.6", answers("jwks", status=500), UNAVAILABLE),
    refused("too many requests", "RFC 6585 4", answers("jwks", status=429), UNAVAILABLE),
]


@pytest.mark.parametrize("row", [*NOT_FOR_THIS, *NO_KEY_SET], ids=str)
def test_bad_key_set(stage: Stage, row: Row) -> None:
    stage.refuse(row)


# Rotation.


def new_keys(op: RecordingOpenIDProvider, *, keep_old: bool = False) -> None:
    """Keys of other names; generated once, since RSA keys take their time."""
    old = op.published_keys if keep_old else []
    ring = {key_type: forging.stranger(key_type) for key_type in op.signing_keys}
    op.signing_keys = ring
    op.published_keys = [*ring.values(), *old]


def sign_in(op: RecordingOpenIDProvider, *, user: str = "alice") -> Browser:
    browser = Browser()
    assert browser.sign_in(op, user=user).status_code == 302
    assert browser.user is not None
    return browser


@source("Core 10.1.1; oidcc-client-test-signing-key-rotation")
def test_keys_rotated_between_two_sign_ins(stage: Stage) -> None:
    sign_in(stage.op)
    new_keys(stage.op)
    stage.op.clear()

    sign_in(stage.op)

    assert stage.op.asked() == ["token", "jwks", "userinfo"]


@source("Core 10.1.1; oidcc-client-test-signing-key-rotation-just-before-signing")
@pytest.mark.parametrize("cold", [True, False])
def test_keys_rotated_just_before_signing(stage: Stage, cold: bool) -> None:
    if not cold:
        sign_in(stage.op)

    def rotate_first(token: UnsignedToken) -> UnsignedToken:
        new_keys(stage.op)
        return stage.op.unsigned_token(token.claims)

    stage.op.bend("id_token", rotate_first)
    stage.op.clear()

    sign_in(stage.op)

    assert stage.op.asked().count("jwks") == 1


@source("Core 10.1.1")
def test_keys_rotated_just_after_the_fetch(stage: Stage) -> None:
    """The set that was fetched a moment ago is old already: that fetch was an ordinary one, so one more is made."""
    published: list[Any] = []

    def rotate_after_first(answer: Answer) -> Answer:
        if not published:
            published.append(answer.json)
            new_keys(stage.op)
        return answer

    stage.op.bend("jwks", rotate_after_first)
    # Signed with the new keys, verified with the old set first.
    stage.op.bend("id_token", lambda token: stage.op.unsigned_token(token.claims))
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())
    first = stage.op.signing_keys

    def sign_with_new(token: UnsignedToken) -> UnsignedToken:
        key = forging.stranger("RSA")
        token.key, token.header["kid"] = key, key.kid
        return token

    stage.op.bend("id_token", sign_with_new)
    assert browser.end(answer).status_code == 302
    assert stage.op.asked().count("jwks") == 2
    assert stage.op.signing_keys is not first


@source("Core 10.1.1")
def test_withdrawn_key_is_distrusted_once_the_copy_is_old(
    stage: Stage, later: Callable[[float], None], assert_nothing_changed: NothingChanged
) -> None:
    stage.op.max_age = 600
    sign_in(stage.op, user="bob")
    old = stage.op.signing_keys["RSA"]
    new_keys(stage.op)
    later(601)
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())
    stage.op.bend("id_token", forging.signed_by(old, kid=old.kid)["id_token"])

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == ID_TOKEN


@source("Core 10.1.1")
def test_withdrawn_key_is_distrusted_as_soon_as_a_new_one_is_seen(
    stage: Stage, assert_nothing_changed: NothingChanged
) -> None:
    sign_in(stage.op, user="bob")
    old = stage.op.signing_keys["RSA"]
    new_keys(stage.op)
    sign_in(stage.op, user="carol")
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())
    stage.op.bend("id_token", forging.signed_by(old, kid=old.kid)["id_token"])

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == ID_TOKEN


# What unknown keys may cause.


def many_names(op: RecordingOpenIDProvider) -> None:
    counter = iter(range(10_000))

    def change(token: UnsignedToken) -> UnsignedToken:
        token.header["kid"] = f"made up {next(counter)}"
        return token

    op.bend("id_token", change)


@source("Core 10.1.1; CVE-2026-48524")
def test_flood_of_unknown_keys_causes_one_fetch_in_a_cool_down(stage: Stage, later: Callable[[float], None]) -> None:
    sign_in(stage.op)
    many_names(stage.op)
    stage.op.clear()

    for _ in range(6):
        assert Browser().sign_in(stage.op).status_code == 502
    assert stage.op.asked().count("jwks") == 1

    later(COOL_DOWN + 1)
    for _ in range(6):
        assert Browser().sign_in(stage.op).status_code == 502
    assert stage.op.asked().count("jwks") == 2

    stage.op.mend()
    sign_in(stage.op)


@source("Core 10.1.1")
def test_set_that_came_empty_beside_a_new_key_is_asked_for_again_soon(
    stage: Stage, later: Callable[[float], None]
) -> None:
    sign_in(stage.op)
    new_keys(stage.op)
    with stage.op.bend("jwks", lambda _: Answer.of_json({"keys": []})):
        assert Browser().sign_in(stage.op).status_code == 502

    later(EMPTY_COOL_DOWN)
    sign_in(stage.op)


@source("Core 10.1.1")
@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_unknown_keys_cause_one_fetch(stage: Stage, settings: Settings) -> None:
    settings.OIDC_LOGIN_MAX_EXCHANGES = settings.OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER = 20
    sign_in(stage.op)
    many_names(stage.op)
    stage.op.bend("jwks", lambda answer: Answer(**{**_parts(answer), "delay": 0.1}))
    browsers = [Browser() for _ in range(12)]
    coming = [browser.authorize(stage.op, browser.begin()) for browser in browsers]
    stage.op.clear()
    statuses: list[int] = []

    def end(browser: Browser, answer: Any) -> None:
        from django.db import connections

        statuses.append(browser.end(answer).status_code)
        connections.close_all()

    threads = [threading.Thread(target=end, args=pair) for pair in zip(browsers, coming, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [502] * 12
    assert stage.op.asked().count("jwks") == 1


def _parts(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in Answer.__slots__}


@source("Core 10.1.1; CVE-2026-48524")
def test_keys_are_kept_while_the_key_set_is_down(stage: Stage) -> None:
    """Also after a token with an unknown kid, whose fetch fails."""
    sign_in(stage.op)
    stage.op.bend("jwks", lambda _: Answer(status=500, body=b""))
    with stage.op.bend("id_token", header(kid="made up")["id_token"]):
        assert Browser().sign_in(stage.op).status_code == 502

    sign_in(stage.op)
    stage.pass_time(2 * stage.op.max_age)
    sign_in(stage.op)


@pytest.mark.parametrize(
    "poison",
    [b"<html>captive portal", b'{"keys": {}}', b"[]", json.dumps({"keys": [{}] * 101}).encode()],
    ids=["HTML", "no list", "a list", "too many"],
)
@source("Core 10.1.1; RFC 7517 5")
def test_bad_key_set_does_not_replace_a_good_one(stage: Stage, poison: bytes) -> None:
    sign_in(stage.op)
    stage.op.bend("jwks", lambda _: Answer(status=200, headers={"Content-Type": "application/json"}, body=poison))
    with stage.op.bend("id_token", header(kid="made up")["id_token"]):
        assert Browser().sign_in(stage.op).status_code == 502
    sign_in(stage.op)

    stage.pass_time(2 * stage.op.max_age)
    sign_in(stage.op)


@source("Discovery 3, 4; oidcc-client-test-discovery-jwks-uri-keys")
def test_keys_are_fetched_before_userinfo_from_where_the_document_says(
    op: RecordingOpenIDProvider, settings: Settings
) -> None:
    configure(settings, "op", userinfo="always")
    sign_in(op)

    assert op.asked() == ["discovery", "token", "jwks", "userinfo"]


@source("Discovery 3")
def test_key_set_that_moved_is_found_after_the_document_is_old(stage: Stage) -> None:
    sign_in(stage.op)
    with stage.op.bend("discovery", json_of("discovery", jwks_uri=lambda url: url + "?new=1")["discovery"]):
        stage.pass_time(2 * stage.op.max_age)
        sign_in(stage.op)

    assert [request.query for request in stage.op.requests if request.endpoint == "jwks"][-1] == "new=1"


def test_generated_keys_have_names_of_their_own() -> None:
    """The tables rely on it: a stranger's key is not published under the provider's name."""
    assert generate_key("Ed25519").kid != generate_key("Ed25519").kid
