"""The logout token: what is accepted, and each rule of Back-Channel Logout 1.0, 2.6 broken alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from oidc_login.protocol.errors import InvalidIDToken, UnknownKey
from oidc_login.protocol.id_token import MAX_ISSUED_AGE, verify_id_token
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.logout_token import CHECKS, EVENT, LONGEST_LIFE, LogoutToken, verify_logout_token
from tests.support.signing import ABSENT, ALGORITHMS, ids, key, provider_keys, token

NOW = 1_800_000_000
LEEWAY = 30
ISSUER = "https://op.example"
CLIENT = "client"
SECRET = "a client secret of more than thirty-two bytes"
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": CLIENT,
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "once",
    "sid": "session",
    "events": {EVENT: {}},
}


def verify(raw: object, **changes: Any) -> LogoutToken:
    expected: dict[str, Any] = {
        "keys": provider_keys(),
        "algorithms": tuple(ALGORITHMS),
        "issuers": (ISSUER,),
        "client_id": CLIENT,
        "now": NOW,
        "leeway": LEEWAY,
    }
    return verify_logout_token(raw, **{**expected, **changes})


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
    assert (found.subject, found.sid, found.jti) == ("alice", "session", "once")
    assert found.claims == GOOD


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("without sid", {"sid": ABSENT}),
    ("without sub", {"sub": ABSENT}),
    ("aud as a list of one", {"aud": [CLIENT]}),
    ("claims that nobody knows", {"ignored_claim": "x", "trace": {"a": [1]}}),
    ("an event with parameters", {"events": {EVENT: {"reason": "admin"}}}),
    ("another event beside it", {"events": {EVENT: {}, "revoke_offline_access": True}}),
    ("times as finite floats", {"exp": NOW + 120.5, "iat": NOW - 0.25}),
    ("expired within the leeway", {"exp": NOW - LEEWAY + 1}),
    ("issued by a clock that is fast", {"iat": NOW + LEEWAY}),
    ("issued ten minutes ago", {"iat": NOW - MAX_ISSUED_AGE - LEEWAY}),
]


@pytest.mark.parametrize("claims", [row[1] for row in ACCEPTED], ids=ids(ACCEPTED))
def test_accepts_claims_that_providers_really_send(claims: dict[str, Any]) -> None:
    assert verify(token(good(**claims))).jti == "once"


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT", "application/jwt", ABSENT]
)
def test_accepts_the_types_that_providers_really_send(typ: object) -> None:
    assert verify(token(GOOD, header={"typ": typ})).jti == "once"


def test_leaves_out_what_the_token_does_not_name() -> None:
    assert verify(token(good(sid=ABSENT))).sid == ""
    assert verify(token(good(sub=ABSENT))).subject == ""


def test_shows_nothing_of_the_person() -> None:
    text = repr(verify(token(GOOD)))
    assert not [secret for secret in ("alice", "session", "once") if secret in text]


# The claims

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("iss of another", {"iss": "https://evil.example"}, "iss"),
    ("iss longer by a word", {"iss": ISSUER + "INVALID"}, "iss"),
    ("iss missing", {"iss": ABSENT}, "iss"),
    ("iss as a list", {"iss": [ISSUER]}, "iss"),
    ("aud of another", {"aud": CLIENT + "INVALID"}, "aud"),
    ("aud missing", {"aud": ABSENT}, "aud"),
    ("aud as a list without us", {"aud": ["other"]}, "aud"),
    ("aud as a list with somebody else", {"aud": [CLIENT, "other"]}, "aud"),
    ("aud empty", {"aud": []}, "aud"),
    ("exp past", {"exp": NOW - LEEWAY}, "exp"),
    ("exp missing", {"exp": ABSENT}, "exp"),
    ("exp as text", {"exp": str(NOW + 120)}, "exp"),
    ("exp as a boolean", {"exp": True}, "exp"),
    ("iat missing", {"iat": ABSENT}, "iat"),
    ("iat in the future", {"iat": NOW + LEEWAY + 1}, "iat"),
    ("iat long ago", {"iat": NOW - MAX_ISSUED_AGE - LEEWAY - 1, "exp": NOW + 10**6}, "iat"),
    ("nbf in the future", {"nbf": NOW + LEEWAY + 1}, "nbf"),
    ("jti missing", {"jti": ABSENT}, "jti"),
    ("jti empty", {"jti": ""}, "jti"),
    ("jti as a number", {"jti": 1}, "jti"),
    ("jti null", {"jti": None}, "jti"),
    ("neither sub nor sid", {"sub": ABSENT, "sid": ABSENT}, "sub"),
    ("sub null", {"sub": None}, "sub"),
    ("sub empty", {"sub": ""}, "sub"),
    ("sub as a number", {"sub": 1}, "sub"),
    ("sub of 256 characters", {"sub": "s" * 256}, "sub"),
    ("sub with a NUL", {"sub": "a\0"}, "sub"),
    ("sid null, though sub is there", {"sid": None}, "sid"),
    ("sid empty", {"sid": "", "sub": ABSENT}, "sid"),
    ("sid as a list", {"sid": ["session"]}, "sid"),
    ("sid of 256 characters", {"sid": "s" * 256}, "sid"),
    ("sid with a NUL", {"sid": "a\0"}, "sid"),
    ("no events", {"events": ABSENT}, "events"),
    ("another event", {"events": {"http://schemas.openid.net/event/foobar": {}}}, "events"),
    ("event spelled otherwise", {"events": {EVENT + "/": {}}}, "events"),
    ("event true", {"events": {EVENT: True}}, "events"),
    ("event null", {"events": {EVENT: None}}, "events"),
    ("event as a list", {"events": {EVENT: []}}, "events"),
    ("event as text", {"events": {EVENT: "{}"}}, "events"),
    ("events as a list", {"events": [EVENT]}, "events"),
    ("events as text", {"events": EVENT}, "events"),
    ("events empty", {"events": {}}, "events"),
    ("nonce", {"nonce": "of the sign-in"}, "nonce"),
    ("nonce null", {"nonce": None}, "nonce"),
]


@pytest.mark.parametrize(("claims", "reason"), [row[1:] for row in REFUSED], ids=ids(REFUSED))
def test_refuses_claims(claims: dict[str, Any], reason: str) -> None:
    assert refusal(token(good(**claims))) == reason


def test_every_rule_is_in_the_table() -> None:
    held = {reason for _, _, reason in REFUSED}
    assert held == {"iss", "aud", "exp", "iat", "nbf", "jti", "sub", "sid", "events", "nonce"}
    # A key of another issuer has a test of its own.
    assert len(CHECKS) == 10


def test_a_key_signs_for_its_issuer_alone() -> None:
    keys = KeySet(tuple(replace(known, issuer="https://other.example") for known in provider_keys().keys))
    assert refusal(token(GOOD), keys=keys) == "key_issuer"


# The signature and the header


@pytest.mark.parametrize("typ", ["at+jwt", "id_token+jwt", "secevent+jwt", "", "logout"])
def test_refuses_the_type_of_another_token(typ: str) -> None:
    assert refusal(token(GOOD, header={"typ": typ})) == "typ"


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", ""])
def test_refuses_a_token_without_a_signature(alg: str) -> None:
    head, _, rest = token(GOOD, header={"alg": alg}).partition(".")
    assert refusal(f"{head}.{rest.partition('.')[0]}.") == "format"
    assert refusal(f"{head}.{rest}") == "alg"


def test_refuses_an_algorithm_that_was_not_agreed_on_though_the_key_is_published() -> None:
    assert refusal(token(GOOD, alg="ES256"), algorithms=("RS256",)) == "alg"


def test_refuses_a_mac_with_the_client_secret_where_it_was_not_agreed_on() -> None:
    made = token(GOOD, alg="HS256", signed_with=SECRET.encode())
    assert refusal(made) == "alg"
    assert refusal(made, algorithms=("RS256", "HS256")) == "signature"
    assert verify(made, algorithms=("HS256",), keys=KeySet.of_secret(SECRET)).jti == "once"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_refuses_a_signature_by_somebody_else(alg: str) -> None:
    stranger = key(ALGORITHMS[alg], name="stranger")
    raw = token(GOOD, alg=alg, signed_with=stranger)
    with pytest.raises(UnknownKey):
        verify(raw)


def test_refuses_claims_that_were_changed_after_signing() -> None:
    head, _, last = token(GOOD).split(".")
    assert refusal(f"{head}.{token(good(sub='bob')).split('.')[1]}.{last}") == "signature"


@pytest.mark.parametrize("raw", [None, 1, "", "garbage", "a.b", "a.b.c", "a.b.c.d.e", "\udcff", "x" * 70_000], ids=repr)
def test_refuses_what_is_no_token(raw: object) -> None:
    assert refusal(raw) in ("format", "header", "base64")


def test_refuses_repeated_names_and_deep_nesting() -> None:
    assert refusal(token(b'{"sub":"a","sub":"b"}')) == "payload"
    assert refusal(token(b'{"sub":' + b"[" * 10_000 + b"]" * 10_000 + b"}")) == "payload"


# Other tokens


def id_token(**claims: Any) -> str:
    return token({"iss": ISSUER, "sub": "alice", "aud": CLIENT, "exp": NOW + 120, "iat": NOW, **claims})


def test_id_token_is_no_logout_token() -> None:
    assert refusal(id_token(nonce="n", jti="once")) in ("events", "nonce")


def test_logout_token_is_no_id_token() -> None:
    for made in (token(GOOD, header={"typ": "logout+jwt"}), token(GOOD)):
        with pytest.raises(InvalidIDToken) as caught:
            verify_id_token(
                made,
                keys=provider_keys(),
                algorithms=tuple(ALGORITHMS),
                issuers=(ISSUER,),
                client_id=CLIENT,
                nonce=None,
                access_token="access",
                now=NOW,
                leeway=LEEWAY,
                max_age=None,
            )
        assert caught.value.reason in ("typ", "events")


def test_no_token_is_good_for_longer_than_its_use_is_remembered() -> None:
    """The longest: issued by a clock that is fast, and never expiring by its own word."""
    leeway = 300
    longest = token(good(iat=NOW + leeway, exp=NOW + 10**9))
    assert verify(longest, leeway=leeway, now=NOW).jti == "once"
    assert refusal(longest, leeway=leeway, now=math.nextafter(NOW + LONGEST_LIFE, math.inf)) == "iat"
