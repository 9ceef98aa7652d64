"""The ID token: what is accepted, and each rule of OpenID Connect Core 3.1.3.7 broken alone."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from oidc_login.protocol.errors import InvalidIDToken, UnknownKey
from oidc_login.protocol.id_token import (
    CHECKS,
    MAX_ISSUED_AGE,
    Expected,
    IDToken,
    check_authentication_time,
    check_expiry,
    check_issued_at,
    check_not_before,
    is_subject,
    verify_id_token,
)
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import TenantRule
from oidc_login.testing.signing import base64url
from tests.support.signing import ABSENT, ALGORITHMS, ids, jwk, key, key_for, provider_keys, token

NOW = 1_800_000_000
LEEWAY = 30
ISSUER = "https://op.example"
CLIENT = "client"
NONCE = "the nonce of this browser"
ACCESS_TOKEN = "the access token"
SECRET = "a client secret of more than thirty-two bytes"
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": CLIENT,
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": NONCE,
}


def verify(raw: object, **changes: Any) -> IDToken:
    expected: dict[str, Any] = {
        "keys": provider_keys(),
        "algorithms": tuple(ALGORITHMS),
        "issuers": (ISSUER,),
        "client_id": CLIENT,
        "nonce": NONCE,
        "access_token": ACCESS_TOKEN,
        "now": NOW,
        "leeway": LEEWAY,
        "max_age": None,
    }
    return verify_id_token(raw, **{**expected, **changes})


def good(**claims: Any) -> dict[str, Any]:
    return {**GOOD, **claims}


def refusal(raw: object, **changes: Any) -> str:
    """The reason for which a token is refused; the test fails when it is accepted."""
    with pytest.raises(InvalidIDToken) as caught:
        verify(raw, **changes)
    return caught.value.reason


# What must work


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_accepts_a_good_token_of_each_algorithm(alg: str) -> None:
    found = verify(token(GOOD, alg=alg))
    assert found.claims == GOOD
    assert found.key.kid == key_for(alg).kid


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("aud as a list of one", {"aud": [CLIENT]}),
    ("azp that is the client", {"azp": CLIENT}),
    ("aud as a list of one, with azp", {"aud": [CLIENT], "azp": CLIENT}),
    ("times as finite floats", {"exp": NOW + 300.5, "iat": NOW - 0.25, "nbf": NOW - 0.5}),
    ("auth_time that nobody asked for, as a float", {"auth_time": 1795217363.26}),
    ("auth_time that nobody asked for, unknown", {"auth_time": 0}),
    ("without at_hash", {"at_hash": ABSENT}),
    ("claims that nobody knows", {"nested": {"a": [1, {"b": None}]}, "nonce_supported": False}),
    ("sub of one character", {"sub": "x"}),
    ("sub of 255 characters", {"sub": "s" * 255}),
    ("sub with spaces, slashes and quotes", {"sub": " a/b'c\"=|"}),
]


@pytest.mark.parametrize("claims", [row[1] for row in ACCEPTED], ids=ids(ACCEPTED))
def test_accepts_claims_that_providers_really_send(claims: dict[str, Any]) -> None:
    assert verify(token(good(**claims))).claims["iss"] == ISSUER


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", ABSENT])
def test_accepts_the_types_of_an_ordinary_jwt(typ: object) -> None:
    assert verify(token(GOOD, header={"typ": typ})).claims == GOOD


# The issuer (rule 2)

ISSUERS: list[tuple[str, object]] = [
    ("another", "https://evil.example"),
    ("longer by a character", ISSUER + "1"),
    ("closing slash", ISSUER + "/"),
    ("other case", "https://OP.example"),
    ("a part of ours", "https://op"),
    ("missing", ABSENT),
    ("null", None),
    ("a list", [ISSUER]),
    ("an object", {ISSUER: ISSUER}),
    ("a number", 1),
]


@pytest.mark.parametrize("iss", [row[1] for row in ISSUERS], ids=ids(ISSUERS))
def test_rejects_a_token_of_another_issuer(iss: object) -> None:
    assert refusal(token(good(iss=iss))) == "iss"


def test_accepts_each_spelling_of_the_issuer_that_the_caller_names() -> None:
    names = (ISSUER, "op.example")
    assert verify(token(good(iss="op.example")), issuers=names).claims["iss"] == "op.example"
    assert refusal(token(good(iss="https://op.example/")), issuers=names) == "iss"


def test_the_issuers_may_be_any_collection() -> None:
    for issuers in ([ISSUER], {ISSUER}, {ISSUER: "its settings"}):
        assert verify(token(GOOD), issuers=issuers).claims == GOOD
        assert refusal(token(good(iss=[ISSUER])), issuers=issuers) == "iss"


# The audience and the authorized party (rules 3 to 5)

AUDIENCES: list[tuple[str, object]] = [
    ("another client", CLIENT + "1"),
    ("contains our client_id", f"x{CLIENT}x"),
    ("missing", ABSENT),
    ("null", None),
    ("an empty list", []),
    ("a list of another", ["other"]),
    ("a list with one that is not trusted", [CLIENT, "other"]),
    ("a list with us at its end", ["other", CLIENT]),
    ("a list in a list", [[CLIENT]]),
    ("an object", {CLIENT: True}),
    ("true", True),
    ("other case", CLIENT.upper()),
]


@pytest.mark.parametrize("aud", [row[1] for row in AUDIENCES], ids=ids(AUDIENCES))
def test_rejects_a_token_for_another_client(aud: object) -> None:
    assert refusal(token(good(aud=aud))) == "aud"


def test_an_authorized_party_does_not_make_other_audiences_trusted() -> None:
    assert refusal(token(good(aud=[CLIENT, "other"], azp=CLIENT))) == "aud"


FURTHER_AUDIENCES: list[tuple[str, dict[str, Any], str]] = [
    ("issued to us", {"aud": [CLIENT, "other", "project"], "azp": CLIENT}, ""),
    ("issued to us, named last", {"aud": ["other", CLIENT], "azp": CLIENT}, ""),
    ("one audience needs no party", {"aud": CLIENT}, ""),
    ("issued to another of them", {"aud": [CLIENT, "other"], "azp": "other"}, "aud"),
    ("issued to nobody", {"aud": [CLIENT, "other"]}, "aud"),
    ("not for us", {"aud": ["other", "project"], "azp": CLIENT}, "aud"),
    ("for another one alone", {"aud": "other", "azp": CLIENT}, "aud"),
    ("one for us, issued to another", {"aud": CLIENT, "azp": "other"}, "azp"),
]


@pytest.mark.parametrize(("claims", "reason"), [row[1:] for row in FURTHER_AUDIENCES], ids=ids(FURTHER_AUDIENCES))
def test_further_audiences_are_for_the_party_that_the_token_was_issued_to(claims: dict[str, Any], reason: str) -> None:
    raw = token(good(**claims))
    if reason:
        assert refusal(raw, insecure_allow_further_audiences=True) == reason
        return
    assert verify(raw, insecure_allow_further_audiences=True).claims["sub"] == "alice"


# An issuer for each tenant

TEMPLATE = "https://op.example/{tenant}/v2"
TENANTS = TenantRule(placeholder="{tenant}", claim="tid", pattern=re.compile("[a-z]{3}"))

TENANT_ISSUERS: list[tuple[str, dict[str, Any], bool]] = [
    ("its own", {"iss": "https://op.example/abc/v2", "tid": "abc"}, True),
    ("another tenant's", {"iss": "https://op.example/abc/v2", "tid": "xyz"}, False),
    ("no tenant", {"iss": "https://op.example/abc/v2"}, False),
    ("the template itself", {"iss": TEMPLATE, "tid": "{tenant}"}, False),
    ("the template without a tenant", {"iss": TEMPLATE}, False),
    ("an empty tenant", {"iss": "https://op.example//v2", "tid": ""}, False),
    ("nobody's", {"iss": "", "tid": 5}, False),
    ("a path for a tenant", {"iss": "https://op.example/abc/x/v2", "tid": "abc/x"}, False),
    ("a line after the tenant", {"iss": "https://op.example/abc\n/v2", "tid": "abc\n"}, False),
    ("a list", {"iss": "https://op.example/abc/v2", "tid": ["abc"]}, False),
    ("another host", {"iss": "https://evil.example/abc/v2", "tid": "abc"}, False),
]


@pytest.mark.parametrize(("claims", "accepted"), [row[1:] for row in TENANT_ISSUERS], ids=ids(TENANT_ISSUERS))
def test_a_template_is_filled_by_the_tenant_of_the_token(claims: dict[str, Any], accepted: bool) -> None:
    options: dict[str, Any] = {"issuers": (TEMPLATE,), "tenants": TENANTS}
    if accepted:
        assert verify(token(good(**claims)), **options).claims["iss"] == claims["iss"]
        return
    assert refusal(token(good(**claims)), **options) == "iss"


def test_a_template_without_a_rule_is_nobodys_issuer() -> None:
    assert refusal(token(good(iss="https://op.example/abc/v2", tid="abc")), issuers=(TEMPLATE,)) == "iss"


# A key of one issuer

KEY_ISSUERS: list[tuple[str, str | None, bool]] = [
    ("none", None, True),
    ("its own", "https://op.example/abc/v2", True),
    ("another tenant's", "https://op.example/xyz/v2", False),
    ("every tenant's", TEMPLATE, True),
    ("another host's", "https://evil.example/{tenant}/v2", False),
    ("empty", "", False),
]


@pytest.mark.parametrize(("key_issuer", "accepted"), [row[1:] for row in KEY_ISSUERS], ids=ids(KEY_ISSUERS))
def test_a_key_signs_for_its_issuer_alone(key_issuer: str | None, accepted: bool) -> None:
    raw = token(good(iss="https://op.example/abc/v2", tid="abc"))
    keys = KeySet(tuple(replace(known, issuer=key_issuer) for known in provider_keys().keys))
    options: dict[str, Any] = {"issuers": (TEMPLATE,), "tenants": TENANTS, "keys": keys}
    if accepted:
        assert verify(raw, **options).key.issuer == key_issuer
        return
    assert refusal(raw, **options) == "key_issuer"


@pytest.mark.parametrize(
    ("key_issuer", "accepted"), [(ISSUER, True), ("https://other.example", False), (TEMPLATE, False)]
)
def test_a_keys_issuer_counts_at_every_provider(key_issuer: str, accepted: bool) -> None:
    keys = KeySet(tuple(replace(known, issuer=key_issuer) for known in provider_keys().keys))
    if accepted:
        assert verify(token(GOOD), keys=keys).claims == GOOD
        return
    assert refusal(token(GOOD), keys=keys) == "key_issuer"


@pytest.mark.parametrize("azp", ["other", CLIENT + "1", "", None, [CLIENT], 1])
def test_rejects_a_token_that_was_issued_to_another_party(azp: object) -> None:
    assert refusal(token(good(azp=azp))) == "azp"
    assert refusal(token(good(aud=[CLIENT], azp=azp))) == "azp"


# Times (rules 9 and 10, RFC 7519 4.1.5); the edges are exact

EDGES: list[tuple[str, dict[str, Any], bool]] = [
    ("exp within the leeway", {"exp": NOW - LEEWAY + 1}, True),
    ("exp at the end of the leeway", {"exp": NOW - LEEWAY}, False),
    ("exp long past", {"exp": NOW - 360}, False),
    ("exp negative", {"exp": -1}, False),
    ("exp far away", {"exp": 10**30}, True),
    ("exp missing", {"exp": ABSENT}, False),
    ("iat ahead by the leeway", {"iat": NOW + LEEWAY}, True),
    ("iat ahead by more", {"iat": NOW + LEEWAY + 1}, False),
    ("iat ten minutes old, and the leeway", {"iat": NOW - MAX_ISSUED_AGE - LEEWAY}, True),
    ("iat older than that", {"iat": NOW - MAX_ISSUED_AGE - LEEWAY - 1}, False),
    ("iat a week old", {"iat": NOW - 7 * 86_400}, False),
    ("iat missing", {"iat": ABSENT}, False),
    ("nbf ahead by the leeway", {"nbf": NOW + LEEWAY}, True),
    ("nbf ahead by more", {"nbf": NOW + LEEWAY + 1}, False),
    ("nbf past", {"nbf": NOW - 1}, True),
]


@pytest.mark.parametrize(("claims", "accepted"), [row[1:] for row in EDGES], ids=ids(EDGES))
def test_times_are_compared_with_the_leeway(claims: dict[str, Any], accepted: bool) -> None:
    raw = token(good(**claims))
    if accepted:
        assert verify(raw).claims["sub"] == "alice"
        return
    assert refusal(raw) == next(iter(claims))


def test_without_leeway_the_clocks_must_agree() -> None:
    assert verify(token(good(exp=NOW + 1, iat=NOW)), leeway=0).claims["iat"] == NOW
    assert refusal(token(good(exp=NOW)), leeway=0) == "exp"
    assert refusal(token(good(iat=NOW + 1)), leeway=0) == "iat"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize("value", [str(NOW), "", "now", True, False, None, [NOW], {"now": NOW}])
def test_a_date_is_a_json_number(name: str, value: object) -> None:
    assert refusal(token(good(auth_time=NOW) | {name: value}), max_age=60) == name


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1" + "0" * 400])
def test_a_number_that_is_none_spoils_the_payload(number: str) -> None:
    payload = json.dumps(good(exp="EXP")).replace('"EXP"', number).encode()
    assert refusal(token(payload)) == "payload"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_no_rule_about_times_is_passed_by_a_number_that_is_none(number: float) -> None:
    """However the claims were read: nothing is greater than NaN, and nothing less."""
    expected = Expected(
        issuers=(ISSUER,),
        client_id=CLIENT,
        nonce=None,
        access_token=None,
        now=NOW,
        leeway=LEEWAY,
        max_age=60,
        algorithm="RS256",
        key_issuer=None,
        tenants=None,
        insecure_allow_missing_nonce=False,
        insecure_allow_further_audiences=False,
    )
    for name, check in (
        ("exp", check_expiry),
        ("iat", check_issued_at),
        ("nbf", check_not_before),
        ("auth_time", check_authentication_time),
    ):
        with pytest.raises(InvalidIDToken, match=name):
            check({name: number}, expected)


# The nonce (rule 11, Core 15.5.2)

NONCES: list[tuple[str, object]] = [
    ("of another browser", "the nonce of another browser"),
    ("longer by a character", NONCE + "1"),
    ("missing", ABSENT),
    ("null", None),
    ("empty", ""),
    ("a number", 1),
    ("a list", [NONCE]),
    ("true", True),
    ("half a surrogate pair", "\ud800"),
]


@pytest.mark.parametrize("nonce", [row[1] for row in NONCES], ids=ids(NONCES))
def test_rejects_a_nonce_of_another_flow(nonce: object) -> None:
    assert refusal(token(good(nonce=nonce))) == "nonce"


def test_a_token_cannot_opt_out_of_the_nonce() -> None:
    assert refusal(token(good(nonce=ABSENT, nonce_supported=False))) == "nonce"


def test_a_provider_class_may_go_without_the_nonce_but_not_with_a_wrong_one() -> None:
    assert verify(token(good(nonce=ABSENT)), insecure_allow_missing_nonce=True).claims["sub"] == "alice"
    assert refusal(token(good(nonce="another")), insecure_allow_missing_nonce=True) == "nonce"
    for nothing in (None, ""):
        assert refusal(token(good(nonce=nothing)), insecure_allow_missing_nonce=True) == "nonce"


def test_a_refreshed_token_needs_no_nonce() -> None:
    assert verify(token(good(nonce=ABSENT)), nonce=None).claims["sub"] == "alice"


# The hash of the access token (Core 3.1.3.6, 3.1.3.8)


def at_hash(alg: str, value: str = ACCESS_TOKEN) -> str:
    """Written anew: half of the hash that goes with the algorithm, SHA-512 for Ed25519."""
    name = "sha512" if alg in ("EdDSA", "Ed25519") else f"sha{alg[2:]}"
    digest = hashlib.new(name, value.encode()).digest()
    return base64url(digest[: len(digest) // 2])


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_hash_is_that_of_the_signing_algorithm(alg: str) -> None:
    assert verify(token(good(at_hash=at_hash(alg)), alg=alg)).claims["sub"] == "alice"
    assert refusal(token(good(at_hash=at_hash(alg, "another token")), alg=alg)) == "at_hash"


def test_the_hash_of_a_specification_example_is_known() -> None:
    """Core, appendix A.3: the hash of an access token under RS256."""
    raw = token(good(at_hash="77QmUPtjPfzWtF2AnpK9RQ"))
    assert verify(raw, access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y").claims["sub"] == "alice"


@pytest.mark.parametrize("value", [at_hash("RS512"), at_hash("RS256") + "=", "", None, 1, [at_hash("RS256")], True])
def test_rejects_a_hash_that_is_not_of_the_access_token(value: object) -> None:
    assert refusal(token(good(at_hash=value))) == "at_hash"


def test_rejects_a_hash_where_no_access_token_came() -> None:
    assert refusal(token(good(at_hash=at_hash("RS256"))), access_token=None) == "at_hash"


# The subject (Core 2)

SUBJECTS: list[tuple[str, object]] = [
    ("missing", ABSENT),
    ("null", None),
    ("empty", ""),
    ("of 256 characters", "s" * 256),
    ("a number", 42),
    ("true", True),
    ("a list", ["alice"]),
    ("an object", {"id": "alice"}),
    ("with NUL", "ali\0ce"),
    ("with a line feed", "alice\n"),
    ("with DEL", "alice\x7f"),
    ("half a surrogate pair", "\ud83d"),
]


@pytest.mark.parametrize("sub", [row[1] for row in SUBJECTS], ids=ids(SUBJECTS))
def test_rejects_a_subject_that_identifies_nobody(sub: object) -> None:
    assert refusal(token(good(sub=sub))) == "sub"
    assert not is_subject(None if sub is ABSENT else sub)


# max_age (rule 13)

AUTH_TIMES: list[tuple[str, object, bool]] = [
    ("just now", NOW, True),
    ("at the edge", NOW - 60 - LEEWAY, True),
    ("older", NOW - 60 - LEEWAY - 1, False),
    ("ahead by the leeway", NOW + LEEWAY, True),
    ("ahead by more", NOW + LEEWAY + 1, False),
    ("missing", ABSENT, False),
    ("unknown", 0, False),
]


@pytest.mark.parametrize(("auth_time", "accepted"), [row[1:] for row in AUTH_TIMES], ids=ids(AUTH_TIMES))
def test_max_age_asks_for_a_recent_authentication(auth_time: object, accepted: bool) -> None:
    raw = token(good(auth_time=auth_time))
    assert verify(raw, max_age=None).claims["sub"] == "alice"
    if accepted:
        assert verify(raw, max_age=60).claims["sub"] == "alice"
        return
    assert refusal(raw, max_age=60) == "auth_time"


def test_max_age_of_zero_is_a_limit_too() -> None:
    assert verify(token(good(auth_time=NOW - LEEWAY)), max_age=0).claims["sub"] == "alice"
    assert refusal(token(good(auth_time=NOW - LEEWAY - 1)), max_age=0) == "auth_time"


# Other tokens of the same provider


def test_rejects_a_logout_token() -> None:
    """Back-Channel Logout 2.4: it has `events`, whatever the value."""
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert refusal(token(good(events=events))) == "events"
    assert refusal(token(good(events=None))) == "events"


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "", None, 1, ["JWT"]])
def test_rejects_a_token_of_another_type(typ: object) -> None:
    assert refusal(token(GOOD, header={"typ": typ})) == "typ"


# The signature (rule 6)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_rejects_a_changed_signature(alg: str) -> None:
    signing_input, _, made = token(GOOD, alg=alg).rpartition(".")
    raw = base64.urlsafe_b64decode(made + "==")
    for changed in (bytes(byte ^ 0x5A for byte in raw), raw[:-1], raw + b"\0", b"\0" * len(raw), b"\0"):
        assert refusal(f"{signing_input}.{base64url(changed)}") == "signature"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_rejects_a_signature_by_another_key_with_the_same_kid(alg: str) -> None:
    foreign = key(ALGORITHMS[alg], name="attacker")
    assert refusal(token(GOOD, alg=alg, signed_with=foreign, header={"kid": key_for(alg).kid})) == "signature"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_rejects_claims_under_the_signature_of_another_token(alg: str) -> None:
    mine, theirs = token(GOOD, alg=alg).split("."), token(good(sub="bob"), alg=alg).split(".")
    assert refusal(".".join([mine[0], theirs[1], mine[2]])) == "signature"


def test_a_signature_that_no_key_verifies_asks_for_newer_keys() -> None:
    with pytest.raises(UnknownKey):
        verify(token(GOOD), keys=KeySet())


def test_rejects_an_es256_signature_in_der() -> None:
    """RFC 7518 3.4: R and S side by side, 32 bytes each."""
    signing_input = token(GOOD, alg="ES256").rpartition(".")[0]
    der = key("P-256").private_key.sign(signing_input.encode(), ECDSA(SHA256()))
    assert refusal(f"{signing_input}.{base64url(der)}") == "signature"


@pytest.mark.parametrize(
    ("alg", "wrong"), [("ES256", "P-384"), ("ES256", "P-521"), ("ES384", "P-256"), ("ES512", "P-384")]
)
def test_rejects_a_curve_that_is_not_that_of_the_algorithm(alg: str, wrong: Any) -> None:
    assert refusal(token(GOOD, alg=alg, signed_with=key(wrong))) == "signature"


# The algorithm (rules 7 and 8, RFC 8725 3.1)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "none "])
@pytest.mark.parametrize("end", ["", "AA"], ids=["no signature", "some signature"])
@pytest.mark.parametrize("kid", ["provider-RSA", ABSENT], ids=["kid", "no kid"])
def test_rejects_a_token_that_nobody_signed(alg: str, end: str, kid: object) -> None:
    unsigned = token(GOOD, header={"alg": alg, "kid": kid}).rpartition(".")[0]
    reason = "alg" if end else "format"
    assert refusal(f"{unsigned}.{end}") == reason
    # Not even where somebody put it on the list.
    assert refusal(f"{unsigned}.{end}", algorithms=(alg, "RS256")) == ("signature" if end else "format")


def public_forms() -> list[tuple[str, bytes]]:
    """The provider's RSA key in every form in which a careless library takes it for a secret."""
    public = key().private_key.public_key()
    return [
        ("PEM", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("PKCS1 PEM", public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)),
        ("DER", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        ("JWK", json.dumps(key().public_jwk()).encode()),
        ("modulus", key().public_jwk()["n"].encode()),
        ("empty", b""),
    ]


@pytest.mark.parametrize("secret", [row[1] for row in public_forms()], ids=ids(public_forms()))
def test_rejects_a_mac_made_with_the_public_key(secret: bytes) -> None:
    raw = token(GOOD, alg="HS256", signed_with=secret, header={"kid": key().kid})
    assert refusal(raw) == "alg"
    # Where a MAC is allowed, the client secret alone makes one.
    keys = provider_keys() + KeySet.of_secret(SECRET)
    assert refusal(raw, keys=keys, algorithms=("RS256", "HS256")) == "signature"


def test_accepts_a_mac_with_the_client_secret_where_the_caller_allows_it() -> None:
    raw = token(GOOD, alg="HS256", signed_with=SECRET.encode())
    secret = KeySet.of_secret(SECRET)
    assert verify(raw, keys=secret, algorithms=("HS256",)).claims == GOOD
    assert refusal(raw, keys=secret, algorithms=("RS256",)) == "alg"
    assert refusal(token(GOOD, alg="HS256", signed_with=b"guessed"), keys=secret, algorithms=("HS256",)) == "signature"


def test_rejects_an_algorithm_that_was_not_agreed_on() -> None:
    """A good signature by a published key is not enough."""
    assert verify(token(GOOD, alg="RS512"), algorithms=("RS512",)).claims == GOOD
    for alg in ("RS512", "ES256", "PS256"):
        assert refusal(token(GOOD, alg=alg), algorithms=("RS256",)) == "alg"


@pytest.mark.parametrize("alg", ["ES256K", "RS1", "RSA-OAEP", "dir", "rs256", "HS1", "../RS256"])
def test_an_algorithm_that_is_none_here_verifies_nothing_even_on_the_list(alg: str) -> None:
    raw = token(GOOD, header={"alg": alg})
    assert refusal(raw) == "alg"
    assert refusal(raw, algorithms=(alg,)) == "signature"


@pytest.mark.parametrize(("declared", "really"), [("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS512")])
def test_the_header_must_name_the_algorithm_that_was_used(declared: str, really: str) -> None:
    assert refusal(token(GOOD, alg=declared, signed_as=really)) == "signature"


# The header (RFC 7515 4.1, RFC 8725 3.10)


def attackers_header(member: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "jwk": jwk(key(name="attacker")),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/chain",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
    }
    return {member: values[member]}


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "x5t"])
def test_a_key_in_the_header_is_no_key(member: str) -> None:
    header = attackers_header(member)
    assert verify(token(GOOD, header=header)).claims == GOOD
    for kid in (key().kid, "attacker-RSA", ABSENT):
        forged = token(GOOD, signed_with=key(name="attacker"), header={**header, "kid": kid})
        assert refusal(forged) == "signature"


CRITICAL: list[tuple[str, dict[str, Any]]] = [
    ("unknown", {"crit": ["x"], "x": 1}),
    ("empty", {"crit": []}),
    ("missing member", {"crit": ["absent"]}),
    ("null", {"crit": None}),
    ("not a list", {"crit": "exp"}),
    ("unencoded payload", {"crit": ["b64"], "b64": False}),
    ("unencoded payload, not critical", {"b64": False}),
    ("b64 is null", {"b64": None}),
    ("b64 is empty", {"b64": ""}),
    ("crit is an empty text", {"crit": ""}),
    ("encoded payload said aloud", {"b64": True}),
]


@pytest.mark.parametrize("header", [row[1] for row in CRITICAL], ids=ids(CRITICAL))
def test_rejects_critical_extensions(header: dict[str, Any]) -> None:
    assert refusal(token(GOOD, header=header)) == "crit"


HEADERS: list[tuple[str, bytes, str]] = [
    ("a list", b'["RS256"]', "header"),
    ("a string", b'"RS256"', "header"),
    ("nothing", b"{}", "alg"),
    ("not JSON", b"{alg}", "header"),
    ("not UTF-8", b'{"alg":"\xff"}', "header"),
    ("alg twice", b'{"alg":"none","alg":"RS256"}', "header"),
    ("alg is a number", b'{"alg":256}', "alg"),
    ("alg is a list", b'{"alg":["RS256"]}', "alg"),
    ("kid is a number", b'{"alg":"RS256","kid":1}', "kid"),
    ("alg is null", b'{"alg":null}', "alg"),
    ("alg is empty", b'{"alg":""}', "alg"),
    ("kid is null", b'{"alg":"RS256","kid":null}', "kid"),
    ("typ is null", b'{"alg":"RS256","typ":null}', "typ"),
    ("typ is empty", b'{"alg":"RS256","typ":""}', "typ"),
    ("deep", b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}", "header"),
]


@pytest.mark.parametrize(("header", "reason"), [row[1:] for row in HEADERS], ids=ids(HEADERS))
def test_rejects_a_header_that_is_not_one(header: bytes, reason: str) -> None:
    assert refusal(token(GOOD, header=header)) == reason


# The form (RFC 7515 7.1, RFC 7519 7.2)


def in_form(change: str) -> object:
    raw = token(GOOD)
    header, payload, made = raw.split(".")
    return {
        "padding": f"{header}.{payload}.{made}=",
        "ordinary base64": f"{header}.{payload}+/.{made}",
        "two parts": f"{header}.{payload}",
        "four parts": f"{raw}.{made}",
        "five parts": f"{raw}.{made}.{made}",
        "no payload": f"{header}..{made}",
        "no header": f".{payload}.{made}",
        "leading space": f" {raw}",
        "closing line feed": f"{raw}\n",
        "line feed inside": f"{header}.{payload[:9]}\n{payload[9:]}.{made}",
        "not ASCII": f"{header}.{payload}ü.{made}",
        "empty": "",
        "JSON serialization": json.dumps({"protected": header, "payload": payload, "signature": made}),
        "null": None,
        "a number": 1,
        "bytes": raw.encode(),
        "a list": [raw],
        "a whole quantum short": f"{header}.{payload}.A",
        "over 64 kB": token(good(padding="x" * 50_000)),
    }[change]


FORMS = [
    *("padding", "ordinary base64", "two parts", "four parts", "five parts", "no payload", "no header"),
    *("leading space", "closing line feed", "line feed inside", "not ASCII", "empty", "JSON serialization"),
    *("null", "a number", "bytes", "a list", "over 64 kB"),
]


@pytest.mark.parametrize("change", FORMS)
def test_rejects_what_is_not_a_compact_jws(change: str) -> None:
    assert refusal(in_form(change)) == "format"


def test_rejects_base64_that_ends_in_the_middle() -> None:
    assert refusal(in_form("a whole quantum short")) == "base64"


PAYLOADS: list[tuple[str, bytes]] = [
    ("name twice", json.dumps(GOOD).encode()[:-1] + b', "sub": "bob"}'),
    ("name twice inside", json.dumps(GOOD).encode()[:-1] + b', "a": {"b": 1, "b": 1}}'),
    ("deep", json.dumps(GOOD).encode()[:-1] + b', "a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    ("a list", json.dumps([GOOD]).encode()),
    ("a string", json.dumps(json.dumps(GOOD)).encode()),
    ("null", b"null"),
    ("not JSON", b"{'iss': 1}"),
    ("cut off", json.dumps(GOOD).encode()[:-1]),
    ("not UTF-8", json.dumps(GOOD).encode("utf-16")),
    ("byte order mark", b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
]


@pytest.mark.parametrize("payload", [row[1] for row in PAYLOADS], ids=ids(PAYLOADS))
def test_rejects_a_payload_that_is_not_one_clear_object(payload: bytes) -> None:
    assert refusal(token(payload)) == "payload"


# What is told


def test_no_claim_and_no_secret_is_told() -> None:
    claims = good(sub="CANARY-sub", nonce="CANARY-nonce", email="CANARY@example.org")
    for raw in (token(claims), token({**claims, "nonce": NONCE, "at_hash": "CANARY-hash"})):
        with pytest.raises(InvalidIDToken) as caught:
            verify(raw, access_token="CANARY-token")
        assert "CANARY" not in f"{caught.value!r} {caught.value}"
    assert "alice" not in repr(verify(token(GOOD)))


def test_every_rule_is_asked() -> None:
    """The order is part of the promise: who made it and for whom come first."""
    names = [check.__name__ for check in CHECKS]
    assert names[:4] == ["check_issuer", "check_key_issuer", "check_audience", "check_authorized_party"]
    assert len(set(names)) == len(names) == 12
