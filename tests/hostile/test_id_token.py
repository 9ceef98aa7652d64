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
    refused("iss of another provider", "Core 3.1.3.7 rule 2", claims(iss="https://evil.example"), ID_TOKEN),
    refused("iss with a closing slash", "Core 3.1.3.7 rule 2", claims(iss=lambda iss: iss + "/"), ID_TOKEN),
    refused("iss in capitals", "Core 3.1.3.7 rule 2", claims(iss=str.upper), ID_TOKEN),
    refused("iss is a part of the issuer", "CVE-2024-53861", claims(iss=lambda iss: iss[:-1]), ID_TOKEN),
    refused("iss empty", "Core 2", claims(iss=""), ID_TOKEN),
    refused("iss null", "Core 2", claims(iss=None), ID_TOKEN),
    refused("iss as a list", "Core 2", claims(iss=lambda iss: [iss]), ID_TOKEN),
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
    refused("aud null", "Core 2", claims(aud=None), ID_TOKEN),
    refused("aud is an empty list", "Core 2", claims(aud=[]), ID_TOKEN),
    refused("aud is an object", "Core 2", claims(aud={"client": True}), ID_TOKEN),
    refused("aud is a list in a list", "Core 2", claims(aud=[["client"]]), ID_TOKEN),
    refused("aud has our name in it", "Core 3.1.3.7 rule 3", claims(aud="xclientx"), ID_TOKEN),
    refused("aud of another client, azp ours", "Core 3.1.3.7 rule 3", claims(aud="other", azp="client"), ID_TOKEN),
    refused(
        "one more audience",
        "Core 3.1.3.7 rule 3; fapi2-security-profile-final-client-test-invalid-secondary-aud",
        claims(aud=["client", "client1"]),
        ID_TOKEN,
    ),
    refused(
        "one more audience, azp ours", "Core 3.1.3.7 rule 3", claims(aud=["other", "client"], azp="client"), ID_TOKEN
    ),
    refused("azp of another client", "Core 3.1.3.7 rule 5", claims(azp="other"), ID_TOKEN),
    refused("azp of another client, aud a list", "Core 3.1.3.7 rule 5", claims(aud=["client"], azp="other"), ID_TOKEN),
    refused("azp null", "Core 2", claims(azp=None), ID_TOKEN),
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
    refused("exp negative", "RFC 7519 2", claims(exp=-1), ID_TOKEN),
    refused("exp as text", "RFC 7519 2", claims(exp=str), ID_TOKEN),
    refused("exp true", "RFC 7519 2", claims(exp=True), ID_TOKEN),
    refused("exp null", "RFC 7519 2", claims(exp=None), ID_TOKEN),
    refused("exp is a list", "RFC 7519 2", claims(exp=lambda exp: [exp]), ID_TOKEN),
    refused("exp infinite", "RFC 7519 2, RFC 8259 6", number("exp", "1e400"), ID_TOKEN),
    refused("exp not a number", "RFC 8259 6", number("exp", "NaN"), ID_TOKEN),
    refused("exp of 5,000 digits", "RFC 8259 6", number("exp", "9" * 5000), ID_TOKEN),
    refused("iat missing", "Core 2; oidcc-client-test-missing-iat", claims(iat=ABSENT), ID_TOKEN),
    refused("iat as text", "RFC 7519 2", claims(iat=str), ID_TOKEN),
    refused("iat true", "RFC 7519 2", claims(iat=True), ID_TOKEN),
    refused(
        "iat a week ago",
        "Core 3.1.3.7 rule 10; fapi1-advanced-final-client-test-iat-is-week-in-past",
        claims(iat=seconds(-7 * 86_400)),
        ID_TOKEN,
    ),
    refused("iat in five minutes", "Core 3.1.3.7 rule 10", claims(iat=seconds(300)), ID_TOKEN),
    refused("nbf in five minutes", "RFC 7519 4.1.5", claims(nbf=lambda _: NOW() + 300), ID_TOKEN),
    refused("nbf as text", "RFC 7519 4.1.5", claims(nbf="now"), ID_TOKEN),
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
    refused("nonce empty", "Core 15.5.2", claims(nonce=""), ID_TOKEN),
    refused("nonce a number", "Core 15.5.2", claims(nonce=1), ID_TOKEN),
    refused("nonce in a list", "Core 15.5.2", claims(nonce=lambda nonce: [nonce]), ID_TOKEN),
    refused("nonce half a surrogate pair", "RFC 8259 8.2", claims(nonce="\ud800"), ID_TOKEN),
    refused(
        "token that says nonces do not count",
        "Core 3.1.3.7 rule 11",
        claims(nonce=ABSENT, nonce_supported=False),
        ID_TOKEN,
    ),
    # The hash of the access token.
    refused("at_hash of another token", "Core 3.1.3.8; CVE-2026-28498", claims(at_hash="77QmUPtjPfzWtF2A"), ID_TOKEN),
    refused("at_hash null", "Core 3.1.3.8", claims(at_hash=None), ID_TOKEN),
    refused("at_hash padded", "Core 3.1.3.6", claims(at_hash=lambda value: value + "=="), ID_TOKEN),
    refused(
        "access token exchanged for another", "Core 3.1.3.8", json_of("token", access_token="another one"), ID_TOKEN
    ),
    # The subject.
    refused("sub missing", "Core 2; oidcc-client-test-missing-sub", claims(sub=ABSENT), ID_TOKEN),
    refused("sub null", "Core 2", claims(sub=None), ID_TOKEN),
    refused("sub empty", "Core 2", claims(sub=""), ID_TOKEN),
    refused("sub a number", "Core 2", claims(sub=42), ID_TOKEN),
    refused("sub true", "Core 2", claims(sub=True), ID_TOKEN),
    refused("sub a list", "Core 2", claims(sub=lambda sub: [sub]), ID_TOKEN),
    refused("sub of 256 characters", "Core 2", claims(sub="s" * 256), ID_TOKEN),
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
    refused(
        "max_age, auth_time in an hour",
        "Core 3.1.3.7 rule 13",
        claims(auth_time=seconds(3600)),
        ID_TOKEN,
        site={"max_age": 300},
    ),
    refused("max_age, auth_time as text", "RFC 7519 2", claims(auth_time=str), ID_TOKEN, site={"max_age": 300}),
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
    refused("payload is text", "RFC 7519 7.2", payload(lambda _: b"hello"), ID_TOKEN),
    refused("payload is a list", "RFC 7519 7.2", payload(lambda _: b"[1]"), ID_TOKEN),
    refused("payload is null", "RFC 7519 7.2", payload(lambda _: b"null"), ID_TOKEN),
    refused("payload is empty", "RFC 7519 7.2", payload(lambda _: b""), ID_TOKEN),
    refused("payload is not UTF-8", "RFC 7519 7.2", payload(lambda _: b'{"sub": "\xff"}'), ID_TOKEN),
    refused(
        "payload 10,000 deep",
        "RFC 8259 9",
        payload(lambda _: b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
        ID_TOKEN,
    ),
    refused("sub twice", "RFC 7519 4", repeated("sub", "somebody-else"), ID_TOKEN),
    refused("nonce twice", "RFC 7519 4", repeated("nonce", "another"), ID_TOKEN),
]


HEADERS = [
    refused("header without alg", "RFC 7515 4.1.1", header(alg=ABSENT), ID_TOKEN),
    refused("alg is a list", "RFC 7515 4.1.1", header(alg=lambda alg: [alg]), ID_TOKEN),
    refused("alg null", "RFC 7515 4.1.1", header(alg=None), ID_TOKEN),
    refused("alg empty", "RFC 7515 4.1.1", header(alg=""), ID_TOKEN),
    refused("alg in small letters", "RFC 7515 4.1.1", header(alg=str.lower), ID_TOKEN),
    refused("kid is a number", "RFC 7515 4.1.4", header(kid=7), ID_TOKEN),
    refused("crit with an unknown name", "RFC 7515 4.1.11; CVE-2025-59420", header(crit=["x"], x=1), ID_TOKEN),
    refused("crit empty", "RFC 7515 4.1.11; CVE-2026-32597", header(crit=[]), ID_TOKEN),
    refused("crit names what is not there", "RFC 7515 4.1.11", header(crit=["absent"]), ID_TOKEN),
    refused("payload not encoded", "RFC 7797 6", header(crit=["b64"], b64=False), ID_TOKEN),
    refused("b64 without crit", "RFC 7797 6", header(b64=False), ID_TOKEN),
    refused("an access token's type", "RFC 8725 3.11, RFC 9068 2.1", header(typ="at+jwt"), ID_TOKEN),
    refused("a logout token's type", "RFC 8725 3.11, Back-Channel Logout 2.4", header(typ="logout+jwt"), ID_TOKEN),
    refused("typ is a number", "RFC 7515 4.1.9", header(typ=7), ID_TOKEN),
    refused("kid that the set does not have", "Core 10.1", header(kid="nobody's"), ID_TOKEN),
]


SERIALIZATIONS = [
    refused("two parts", "RFC 7515 7.1", compact(lambda raw: raw.rpartition(".")[0]), ID_TOKEN),
    refused("four parts", "RFC 7515 7.1", compact(lambda raw: raw + ".AAAA"), ID_TOKEN),
    refused("a word", "RFC 7519 7.2", compact(lambda _: "garbage"), ID_TOKEN),
    refused("padded", "RFC 7515 2", compact(lambda raw: raw + "=="), ID_TOKEN),
    refused("a line break inside", "RFC 7515 2", compact(lambda raw: raw[:40] + "\n" + raw[40:]), TOKENS),
    refused("a space at the end", "RFC 7515 2", compact(lambda raw: raw + " "), ID_TOKEN),
    refused("letters outside of base64url", "RFC 7515 2", compact(lambda raw: raw[:-4] + "+/+/"), ID_TOKEN),
    refused("not ASCII", "RFC 7515 2", compact(lambda raw: raw[:-1] + "é"), TOKENS),
    refused("an object", "Core 3.1.3.3, RFC 7515 7.2", compact(forging.json_serialization), TOKENS),
    refused(
        "an object as text", "RFC 7515 7.2", compact(lambda raw: json.dumps(forging.json_serialization(raw))), ID_TOKEN
    ),
    refused("a number", "Core 3.1.3.3", compact(lambda _: 7), TOKENS),
    refused("null", "Core 3.1.3.3", json_of("token", id_token=None), ID_TOKEN),
    refused("empty", "Core 3.1.3.3", compact(lambda _: ""), ID_TOKEN),
    refused("missing", "Core 3.1.3.3", json_of("token", id_token=ABSENT), ID_TOKEN),
    refused("of 70 kB", "RFC 8725 3.11", claims(padding="x" * 50_000), TOKENS),
    refused("of 2 MB", "CVE-2025-61920", compact(lambda raw: raw + "A" * 2_000_000), TOKENS),
    refused(
        "base64 of a wrong length",
        "RFC 7515 2",
        compact(lambda raw: raw + "A" * ((2 + raw.rindex(".") - len(raw)) % 4)),
        ID_TOKEN,
    ),
]


NO_SIGNATURE = [
    refused(
        "signed by nobody, and so it says",
        "RFC 8725 2.1, 3.1; CVE-2026-28802; oidcc-client-test-idtoken-sig-none",
        forging.unsigned("none"),
        ID_TOKEN,
    ),
    refused("alg None", "RFC 8725 2.1", forging.unsigned("None"), ID_TOKEN),
    refused("alg NONE", "RFC 8725 2.1", forging.unsigned("NONE"), ID_TOKEN),
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
    refused(
        "alg none where the metadata lists nothing else",
        "RFC 8725 3.1",
        {**forging.unsigned("none"), **json_of("discovery", id_token_signing_alg_values_supported=["none"])},
        ID_TOKEN,
    ),
    refused("alg none with some signature", "RFC 8725 2.1", {**header(alg="none")}, ID_TOKEN),
]


def _without_kid(token: UnsignedToken) -> UnsignedToken:
    token.header = changed(token.header, {"kid": ABSENT})
    return token


def signatures(alg: str) -> list[Row]:
    """What must not pass as a signature of this algorithm."""
    key_type: Any = {"RS256": "RSA", "ES256": "P-256", "EdDSA": "Ed25519"}[alg]
    module = {"RS256": "; oidcc-client-test-invalid-sig-rs256", "ES256": "; oidcc-client-test-invalid-sig-es256"}
    stranger = forging.stranger(key_type)
    rows = [
        refused(
            "every byte changed",
            "Core 3.1.3.7 rule 6" + module.get(alg, ""),
            signature(forging.xor_signature),
            ID_TOKEN,
        ),
        refused("one bit changed", "RFC 7515 5.2", signature(forging.flipped), ID_TOKEN),
        refused("cut off", "RFC 7515 5.2", signature(lambda last: last[:-8]), ID_TOKEN),
        refused("longer", "RFC 7515 5.2", signature(lambda last: last + "AAAA"), ID_TOKEN),
        refused("none at all", "RFC 7515 5.2", signature(lambda _: ""), ID_TOKEN),
        refused("of another payload", "RFC 7515 5.2", {"id_token": other_payload}, ID_TOKEN),
        refused("by a stranger under a published name", "RFC 7515 5.2", forging.signed_by(stranger), ID_TOKEN),
        refused("by a stranger without a name", "RFC 7515 5.2", {"id_token": unnamed_stranger(stranger)}, ID_TOKEN),
        refused(
            "by a stranger whose key is in the header",
            "RFC 7515 4.1.3; CVE-2026-27962",
            forging.signed_by(stranger, jwk=stranger.public_jwk(), kid=stranger.kid),
            ID_TOKEN,
        ),
        refused(
            "by a stranger whose keys the header points to",
            "RFC 7515 4.1.2; RFC 8725 3.10",
            forging.signed_by(stranger, jku="https://evil.example/jwks", kid=stranger.kid),
            ID_TOKEN,
        ),
        refused(
            "by a stranger whose certificate the header points to",
            "RFC 7515 4.1.5",
            forging.signed_by(stranger, x5u="https://evil.example/chain"),
            ID_TOKEN,
        ),
        refused(
            "by a stranger with a certificate", "RFC 7515 4.1.6", forging.signed_by(stranger, x5c=["MIIB"]), ID_TOKEN
        ),
        *(
            refused(
                f"a MAC with the public key as {form}",
                "RFC 8725 2.1; CVE-2022-29217",
                forging.mac_with_public_key(form),
                ID_TOKEN,
            )
            for form in forging.PUBLIC_FORMS
        ),
    ]
    if alg == "ES256":
        rows.append(refused("in DER", "RFC 7518 3.4", {"id_token": forging.der_signature}, ID_TOKEN))
    return [Row(**{**_fields(row), "name": f"{alg}: {row.name}", "provider": {"signing_alg": alg}}) for row in rows]


def _fields(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Row.__slots__}


def other_payload(token: UnsignedToken) -> str:
    """The signature of another token of the same provider."""
    head, _, last = token.signed().split(".")
    return f"{head}.{base64url(json.dumps({**token.claims, 'sub': 'somebody-else'}).encode())}.{last}"


def unnamed_stranger(key: Any) -> Any:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.key = key
        return _without_kid(token)

    return change


SIGNATURES = [row for alg in ("RS256", "ES256", "EdDSA") for row in signatures(alg)]


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
            ("not text", "RFC 7516 5.2", {"id_token": lambda t: forging.encrypted(b"\xff\xfe" * 40)}),
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
            ("a shared key, used directly", "RFC 7518 4.5", forging.encrypted_token(alg="dir")),
            ("an encryption that nobody knows", "RFC 7516 4.1.2", forging.with_jwe_header(enc="A128")),
            ("a critical extension", "RFC 7516 4.1.13", forging.with_jwe_header(crit=["x"], x=1)),
            ("alg is a list", "RFC 7516 4.1.1", forging.with_jwe_header(alg=["RSA-OAEP"])),
            ("enc is an object", "RFC 7516 4.1.2", forging.with_jwe_header(enc={})),
            ("changed on its way", "RFC 7516 5.2", {"id_token": lambda t: forging.encrypted(t.signed())[:-4] + "AAAA"}),
            ("five empty parts", "RFC 7516 7.1", {"id_token": lambda t: "...."}),
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
    accepted("aud as a list, with azp", "Core 2", claims(aud=["client"], azp="client")),
    accepted("azp beside a single aud", "Core 2", claims(azp="client")),
    accepted("without at_hash", "Core 3.1.3.6", claims(at_hash=ABSENT)),
    accepted("clock ten seconds ahead", "RFC 7519 4.1.5", claims(iat=seconds(10), nbf=lambda _: NOW() + 10)),
    accepted("expired ten seconds ago", "RFC 7519 4.1.4", claims(exp=lambda _: NOW() - 10)),
    accepted(
        "expired a minute ago, leeway 120", "RFC 7519 4.1.4", claims(exp=lambda _: NOW() - 60), site={"leeway": 120}
    ),
    accepted(
        "times as floats", "RFC 7519 2", claims(exp=seconds(0.5), iat=seconds(-0.5), auth_time=lambda told: told + 0.26)
    ),
    accepted("auth_time zero that nobody asked for", "Core 2", claims(auth_time=0)),
    accepted("max_age and a fresh auth_time", "Core 3.1.3.7 rule 13", site={"max_age": 300}),
    accepted(
        "the essential acr",
        "Core 5.5.1.1",
        claims(acr="3"),
        site={"claims": {"id_token": {"acr": {"essential": True, "values": ["2", "3"]}}}},
    ),
    accepted("an acr that was a wish", "Core 3.1.2.1", claims(acr="1"), site={"acr_values": "2"}),
    accepted("without typ", "RFC 7519 5.1", header(typ=ABSENT)),
    accepted("typ in small letters", "RFC 7519 5.1", header(typ="jwt")),
    accepted("typ with its prefix", "RFC 7515 4.1.9", header(typ="application/jwt")),
    accepted("a key in the header that nobody needs", "RFC 7515 4.1.2", header(jku="https://evil.example/jwks")),
    accepted("claims that nobody knows", "Core 5.1.2", claims(nested={"a": [1, {"b": None}]}, nonce_supported=False)),
]

ALGORITHMS = [
    accepted(
        alg,
        "Core 15.1, RFC 7518 3.1, RFC 8037 3.1" + ("; oidcc-client-test-idtoken-sig-rs256" if alg == "RS256" else ""),
        json_of("discovery", id_token_signing_alg_values_supported=[alg]),
        provider={"signing_alg": alg},
    )
    for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
] + [
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
        ("RSA-OAEP", "A128GCM", "RSA"),
        ("RSA-OAEP-256", "A256CBC-HS512", "RSA"),
        ("ECDH-ES", "A256GCM", "P-256"),
        ("ECDH-ES+A128KW", "A128CBC-HS256", "P-256"),
        ("ECDH-ES+A256KW", "A128GCM", "P-256"),
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
