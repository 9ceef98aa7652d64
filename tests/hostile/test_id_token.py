"""The ID token, wrong in exactly one way at a time (OpenID Connect Core 3.1.3.7, RFC 7515, RFC 7519, RFC 8725)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from oidc_login.testing import UnsignedToken
from oidc_login.testing.signing import base64url
from tests.hostile import forging
from tests.hostile.rows import (
    ABSENT,
    ID_TOKEN,
    TOKENS,
    Bends,
    Row,
    accepted,
    changed,
    claims,
    compact,
    header,
    json_of,
    keys,
    payload,
    refused,
    signature,
    source,
)
from tests.hostile.stage import Stage
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import RecordingOpenIDProvider

pytestmark = pytest.mark.django_db

NOW = time.time
LOGOUT_EVENT: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}


def seconds(offset: float) -> Any:
    """A date so many seconds from what the good token says."""
    return lambda date: date + offset


def number(name: str, text: str) -> Bends:
    """Write a number that Python's own writer would not."""

    def change(token: UnsignedToken) -> bytes:
        marked = json.dumps({**token.claims, name: "HERE"})
        return marked.replace('"HERE"', text).encode()

    return payload(change)


def repeated(name: str, value: str) -> Bends:
    """One member twice: the good one last."""
    return payload(lambda token: json.dumps(token.claims).replace("{", f'{{"{name}": "{value}", ', 1).encode())


CLAIMS = [
    # The issuer.
    refused(
        "iss longer by a character",
        "Core 3.1.3.7 rule 2; oidcc-client-test-invalid-iss",
        claims(iss=lambda iss: iss + "1"),
        ID_TOKEN,
    ),
    refused(
        "iss missing",
        "Core 2; fapi2-security-profile-final-client-test-invalid-missing-iss",
        claims(iss=ABSENT),
        ID_TOKEN,
    ),
    # The audience and the authorized party.
    refused(
        "aud longer by a character",
        "Core 3.1.3.7 rule 3; oidcc-client-test-invalid-aud",
        claims(aud=lambda aud: aud + "1"),
        ID_TOKEN,
    ),
    refused("aud missing", "Core 2; oidcc-client-test-missing-aud", claims(aud=ABSENT), ID_TOKEN),
    refused("aud of another client, azp ours", "Core 3.1.3.7 rule 3", claims(aud="other", azp="client"), ID_TOKEN),
    refused(
        "one more audience",
        "Core 3.1.3.7 rule 3; fapi2-security-profile-final-client-test-invalid-secondary-aud",
        claims(aud=["client", "client1"]),
        ID_TOKEN,
    ),
    refused("azp of another client", "Core 3.1.3.7 rule 5", claims(azp="other"), ID_TOKEN),
    # Times.
    refused(
        "exp missing",
        "Core 2; fapi2-security-profile-final-client-test-invalid-missing-exp",
        claims(exp=ABSENT),
        ID_TOKEN,
    ),
    refused(
        "exp six minutes ago",
        "Core 3.1.3.7 rule 9; fapi2-security-profile-final-client-test-invalid-expired-exp",
        claims(exp=seconds(-300 - 360)),
        ID_TOKEN,
    ),
    refused("exp of 5,000 digits", "RFC 8259 6", number("exp", "9" * 5000), ID_TOKEN),
    refused("iat missing", "Core 2; oidcc-client-test-missing-iat", claims(iat=ABSENT), ID_TOKEN),
    refused(
        "iat a week ago",
        "Core 3.1.3.7 rule 10; fapi1-advanced-final-client-test-iat-is-week-in-past",
        claims(iat=seconds(-7 * 86_400)),
        ID_TOKEN,
    ),
    refused("iat in five minutes", "Core 3.1.3.7 rule 10", claims(iat=seconds(300)), ID_TOKEN),
    refused("nbf in five minutes", "RFC 7519 4.1.5", claims(nbf=lambda _: NOW() + 300), ID_TOKEN),
    refused(
        "without leeway, exp a second ago",
        "Core 3.1.3.7 rule 9",
        claims(exp=lambda _: NOW() - 1),
        ID_TOKEN,
        site={"leeway": 0},
    ),
    # The nonce.
    refused(
        "nonce longer by a character",
        "Core 3.1.3.7 rule 11; oidcc-client-test-nonce-invalid",
        claims(nonce=lambda nonce: nonce + "1"),
        ID_TOKEN,
    ),
    refused(
        "nonce missing",
        "Core 3.1.3.7 rule 11; fapi2-security-profile-final-client-test-invalid-missing-nonce",
        claims(nonce=ABSENT),
        ID_TOKEN,
    ),
    refused(
        "token that says nonces do not count",
        "Core 3.1.3.7 rule 11",
        claims(nonce=ABSENT, nonce_supported=False),
        ID_TOKEN,
    ),
    # The hash of the access token.
    refused("at_hash of another token", "Core 3.1.3.8; CVE-2026-28498", claims(at_hash="77QmUPtjPfzWtF2A"), ID_TOKEN),
    refused(
        "access token exchanged for another", "Core 3.1.3.8", json_of("token", access_token="another one"), ID_TOKEN
    ),
    # The subject.
    refused("sub missing", "Core 2; oidcc-client-test-missing-sub", claims(sub=ABSENT), ID_TOKEN),
    refused("sub with NUL", "Core 2", claims(sub="ali\0ce"), ID_TOKEN),
    # What was asked for.
    refused(
        "max_age, auth_time missing",
        "Core 3.1.3.7 rule 13",
        claims(auth_time=ABSENT),
        ID_TOKEN,
        site={"max_age": 300},
    ),
    refused(
        "max_age, auth_time too long ago",
        "Core 3.1.3.7 rule 13",
        claims(auth_time=seconds(-3600)),
        ID_TOKEN,
        site={"max_age": 300},
    ),
    *(
        refused(
            f"essential acr {what}",
            "Core 5.5.1.1",
            claims(acr=value),
            (403, "refused_by_site"),
            site={"claims": {"id_token": {"acr": {"essential": True, "values": ["2", "3"]}}}},
        )
        for what, value in (("missing", ABSENT), ("weaker", "1"), ("null", None), ("in a list", ["2"]), ("a number", 2))
    ),
    # Other things than an ID token.
    refused("claims of a logout token", "Back-Channel Logout 2.4", claims(events=LOGOUT_EVENT), ID_TOKEN),
]


PAYLOADS = [
    refused("payload is a list", "RFC 7519 7.2", payload(lambda _: b"[1]"), ID_TOKEN),
    refused(
        "payload 10,000 deep",
        "RFC 8259 9",
        payload(lambda _: b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
        ID_TOKEN,
    ),
    refused("nonce twice", "RFC 7519 4", repeated("nonce", "another"), ID_TOKEN),
]


HEADERS = [
    refused("crit with an unknown name", "RFC 7515 4.1.11; CVE-2025-59420", header(crit=["x"], x=1), ID_TOKEN),
    refused("an access token's type", "RFC 8725 3.11, RFC 9068 2.1", header(typ="at+jwt"), ID_TOKEN),
    refused("kid that the set does not have", "Core 10.1", header(kid="nobody's"), ID_TOKEN),
]


SERIALIZATIONS = [
    refused("two parts", "RFC 7515 7.1", compact(lambda raw: raw.rpartition(".")[0]), ID_TOKEN),
    refused("a word", "RFC 7519 7.2", compact(lambda _: "garbage"), ID_TOKEN),
    refused("an object", "Core 3.1.3.3, RFC 7515 7.2", compact(forging.json_serialization), TOKENS),
    refused("null", "Core 3.1.3.3", json_of("token", id_token=None), ID_TOKEN),
    refused("empty", "Core 3.1.3.3", compact(lambda _: ""), ID_TOKEN),
    refused("missing", "Core 3.1.3.3", json_of("token", id_token=ABSENT), ID_TOKEN),
    refused("of 70 kB", "RFC 8725 3.11", claims(padding="x" * 50_000), TOKENS),
    refused("of 2 MB", "CVE-2025-61920", compact(lambda raw: raw + "A" * 2_000_000), TOKENS),
]


NO_SIGNATURE = [
    refused(
        "signed by nobody, and so it says",
        "RFC 8725 2.1, 3.1; CVE-2026-28802; oidcc-client-test-idtoken-sig-none",
        forging.unsigned("none"),
        ID_TOKEN,
    ),
    refused(
        "alg nOnE without kid",
        "RFC 8725 2.1; fapi2-security-profile-final-client-test-invalid-null-alg",
        {"id_token": lambda token: _without_kid(forging.unsigned("nOnE")["id_token"](token))},
        ID_TOKEN,
    ),
    refused(
        "alg none where the metadata lists it",
        "RFC 8725 3.1; CVE-2026-28802",
        {**forging.unsigned("none"), **json_of("discovery", id_token_signing_alg_values_supported=["none", "RS256"])},
        ID_TOKEN,
    ),
]


def _without_kid(token: UnsignedToken) -> UnsignedToken:
    token.header = changed(token.header, {"kid": ABSENT})
    return token


STRANGER = forging.stranger("RSA")

# Every other way to spoil a signature, for every algorithm: tests/protocol/test_id_token.py.
SIGNATURES = [
    *(
        refused(
            f"{alg}: every byte changed",
            f"Core 3.1.3.7 rule 6; oidcc-client-test-invalid-sig-{alg.lower()}",
            signature(forging.xor_signature),
            ID_TOKEN,
            provider={"signing_alg": alg},
        )
        for alg in ("RS256", "ES256")
    ),
    refused("of another payload", "RFC 7515 5.2", {"id_token": lambda token: _other_payload(token)}, ID_TOKEN),
    refused("by a stranger under a published name", "RFC 7515 5.2", forging.signed_by(STRANGER), ID_TOKEN),
    refused(
        "by a stranger whose key is in the header",
        "RFC 7515 4.1.3; CVE-2026-27962",
        forging.signed_by(STRANGER, jwk=STRANGER.public_jwk(), kid=STRANGER.kid),
        ID_TOKEN,
    ),
    refused(
        "by a stranger whose keys the header points to",
        "RFC 7515 4.1.2; RFC 8725 3.10",
        forging.signed_by(STRANGER, jku="https://evil.example/jwks", kid=STRANGER.kid),
        ID_TOKEN,
    ),
    refused(
        "a MAC with the public key",
        "RFC 8725 2.1; CVE-2022-29217",
        forging.mac_with_public_key("PEM"),
        ID_TOKEN,
    ),
]


def _other_payload(token: UnsignedToken) -> str:
    """The signature of another token of the same provider."""
    head, _, last = token.signed().split(".")
    return f"{head}.{base64url(json.dumps({**token.claims, 'sub': 'somebody-else'}).encode())}.{last}"


ENCRYPTED = [
    refused("encrypted, and no key for it", "RFC 7516 9", forging.encrypted_token(), ID_TOKEN),
    refused(
        "a billion rounds of PBES2, and no key",
        "CVE-2026-27932, CVE-2022-36083",
        forging.with_jwe_header(alg="PBES2-HS256+A128KW", p2c=2**31 - 1, p2s="AAAA"),
        ID_TOKEN,
    ),
    *(
        refused(name, source_, bends, ID_TOKEN, site={"client_key": forging.private_jwk()})
        for name, source_, bends in (
            ("claims that nobody signed", "Core 10.2", {"id_token": lambda t: forging.encrypted(json.dumps(t.claims))}),
            ("alg none inside", "Core 10.2", {"id_token": lambda t: forging.encrypted(_nobody_signed(t))}),
            ("encrypted twice", "Core 10.2", {"id_token": lambda t: forging.encrypted(forging.encrypted(t.signed()))}),
            (
                "compressed, 20 MB in 20 kB",
                "CVE-2024-28102, CVE-2026-39373",
                {"id_token": lambda t: forging.encrypted(b"A" * 20_000_000, zip="DEF")},
            ),
            (
                "RSA1_5",
                "CVE-2026-28490; fapi1-advanced-final-client-test-idtoken-encrypted-using-rsa15",
                forging.encrypted_token(alg="RSA1_5", enc="A128CBC-HS256"),
            ),
            ("PBES2", "CVE-2026-27932", forging.with_jwe_header(alg="PBES2-HS256+A128KW", p2c=2**31 - 1, p2s="AAAA")),
        )
    ),
]


def _nobody_signed(token: UnsignedToken) -> str:
    unsigned: UnsignedToken = forging.unsigned("none")["id_token"](token)
    return unsigned.signed()


ALLOWED_ALGORITHMS = [
    refused(
        "RS256 where the site allows ES256 alone",
        "RFC 8725 3.1; fapi2-security-profile-final-client-test-invalid-alternate-alg",
        {},
        ID_TOKEN,
        site={"id_token_signing_algs": ["ES256"]},
    ),
    refused(
        "RS512 where the provider advertises RS256 alone",
        "Core 3.1.3.7 rule 7",
        json_of("discovery", id_token_signing_alg_values_supported=["RS256"]),
        ID_TOKEN,
        provider={"signing_alg": "RS512"},
    ),
    refused(
        "ES256 where the provider advertises nothing",
        "Registration 2",
        json_of("discovery", id_token_signing_alg_values_supported=ABSENT),
        ID_TOKEN,
        provider={"signing_alg": "ES256"},
    ),
    refused(
        "a MAC that the site does not allow",
        "Core 3.1.3.7 rule 8",
        json_of("discovery", id_token_signing_alg_values_supported=["RS256", "HS256"]),
        ID_TOKEN,
        provider={"signing_alg": "HS256"},
    ),
    refused(
        "a wrong MAC where the site allows one",
        "Core 3.1.3.7 rule 8; oidcc-client-test-invalid-sig-hs256",
        signature(forging.xor_signature),
        ID_TOKEN,
        site={"id_token_signing_algs": ["HS256"]},
        provider={"signing_alg": "HS256"},
    ),
    refused(
        "a MAC with the public key where MACs are allowed",
        "RFC 8725 2.1; CVE-2022-29217",
        forging.mac_with_public_key("PEM"),
        ID_TOKEN,
        site={"id_token_signing_algs": ["RS256", "HS256"]},
    ),
    refused(
        "the header names another algorithm of the same key",
        "RFC 8725 3.1",
        {"id_token": lambda token: _really(token, "PS256")},
        ID_TOKEN,
    ),
]


def _really(token: UnsignedToken, alg: str) -> UnsignedToken:
    token.alg = alg
    return token


@pytest.mark.parametrize("row", [*CLAIMS, *PAYLOADS, *HEADERS, *SERIALIZATIONS, *NO_SIGNATURE], ids=str)
def test_bad_id_token(stage: Stage, row: Row) -> None:
    stage.refuse(row)


@pytest.mark.parametrize("row", SIGNATURES, ids=str)
def test_bad_signature(stage: Stage, row: Row) -> None:
    stage.refuse(row)


@pytest.mark.parametrize("row", ENCRYPTED, ids=str)
def test_bad_encryption(stage: Stage, row: Row) -> None:
    stage.refuse(row)


@pytest.mark.parametrize("row", ALLOWED_ALGORITHMS, ids=str)
def test_algorithm_that_was_not_agreed_on(stage: Stage, row: Row) -> None:
    stage.refuse(row)


# What must work.

SAID_OTHERWISE = [
    accepted("as it is", "Core 3.1.3.7; oidcc-client-test"),
    accepted(
        "aud as a list", "Core 2; fapi2-security-profile-final-client-test-valid-aud-as-array", claims(aud=["client"])
    ),
    accepted("without at_hash", "Core 3.1.3.6", claims(at_hash=ABSENT)),
    accepted("expired ten seconds ago", "RFC 7519 4.1.4", claims(exp=lambda _: NOW() - 10)),
    accepted(
        "expired a minute ago, leeway 120", "RFC 7519 4.1.4", claims(exp=lambda _: NOW() - 60), site={"leeway": 120}
    ),
    accepted("max_age and a fresh auth_time", "Core 3.1.3.7 rule 13", site={"max_age": 300}),
    accepted(
        "the essential acr",
        "Core 5.5.1.1",
        claims(acr="3"),
        site={"claims": {"id_token": {"acr": {"essential": True, "values": ["2", "3"]}}}},
    ),
    accepted("an acr that was a wish", "Core 3.1.2.1", claims(acr="1"), site={"acr_values": "2"}),
    accepted("without typ", "RFC 7519 5.1", header(typ=ABSENT)),
    accepted("a key in the header that nobody needs", "RFC 7515 4.1.2", header(jku="https://evil.example/jwks")),
    accepted("claims that nobody knows", "Core 5.1.2", claims(nested={"a": [1, {"b": None}]}, nonce_supported=False)),
]

# Every algorithm: tests/protocol/test_id_token.py.
ALGORITHMS = [
    accepted(
        "RS256",
        "Core 15.1, RFC 7518 3.1; oidcc-client-test-idtoken-sig-rs256",
        json_of("discovery", id_token_signing_alg_values_supported=["RS256"]),
    ),
    accepted(
        "ES256",
        "Core 15.1, RFC 7518 3.1",
        json_of("discovery", id_token_signing_alg_values_supported=["ES256"]),
        provider={"signing_alg": "ES256"},
    ),
    accepted(
        "Ed25519 by its newer name",
        "RFC 9864 2.2",
        {
            **header(alg="Ed25519"),
            **keys(lambda published: [{**key, "alg": "Ed25519"} for key in published if key["kty"] == "OKP"]),
            **json_of("discovery", id_token_signing_alg_values_supported=["Ed25519"]),
        },
        provider={"signing_alg": "EdDSA"},
    ),
    accepted(
        "HS256 where the site lists it",
        "Core 3.1.3.7 rule 8",
        provider={"signing_alg": "HS256"},
        site={"id_token_signing_algs": ["HS256"]},
    ),
    accepted("RS256 beside HS256", "Core 3.1.3.7", site={"id_token_signing_algs": ["RS256", "HS256"]}),
    accepted(
        "RS256 where nothing is advertised",
        "Registration 2",
        json_of("discovery", id_token_signing_alg_values_supported=ABSENT),
    ),
]

DECRYPTED = [
    accepted(
        f"{alg} with {enc}",
        "Core 10.2, RFC 7518 4 and 5",
        forging.encrypted_token(alg=alg, enc=enc, kind=kind),
        site={"client_key": forging.private_jwk(kind)},
    )
    for alg, enc, kind in (
        ("RSA-OAEP-256", "A256CBC-HS512", "RSA"),
        ("ECDH-ES+A128KW", "A128CBC-HS256", "P-256"),
    )
] + [accepted("not encrypted, though there is a key", "Core 10.2", site={"client_key": forging.private_jwk()})]


@pytest.mark.parametrize("row", [*SAID_OTHERWISE, *ALGORITHMS, *DECRYPTED], ids=str)
def test_good_id_token(stage: Stage, row: Row) -> None:
    stage.accept(row)
    assert stage.op.asked() == ["token", "userinfo"]


@source("Core 15.5.2, 3.1.3.7 rule 11")
def test_nonce_of_another_tab(
    op: RecordingOpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    other = browser.authorize(op, browser.begin())
    mine = browser.authorize(op, browser.begin())
    op.bend("id_token", claims(nonce=browser.begun[0]["nonce"])["id_token"])
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(mine)
    assert failure.seen == ID_TOKEN
    op.mend()
    assert browser.end(other).status_code == 302


@source("Core 2")
def test_subject_of_255_characters_is_somebody(stage: Stage) -> None:
    stage.op.users.change("alice", sub="s" * 255)
    stage.accept(accepted("sub of 255 characters", "Core 2"))


@source("RFC 7518 3.2, Core 16.19")
def test_short_client_secret_makes_no_key(stage: Stage) -> None:
    """A MAC with a secret that can be guessed proves nothing."""
    stage.op.client_secret = "short"
    site = {"id_token_signing_algs": ["HS256"], "client_secret": "short"}
    stage.prepare(Row(name="", source="", seen=ID_TOKEN, site=site, provider={"signing_alg": "HS256"}))
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())
    with stage.witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == ID_TOKEN
