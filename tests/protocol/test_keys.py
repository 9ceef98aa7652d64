"""Key sets: which entries are used, which are skipped and why, and which key is asked (RFC 7517, Core 10.1)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwcrypto.jwk import JWK

from oidc_login.protocol.errors import MetadataInvalid, UnknownKey
from oidc_login.protocol.jose import parse_jws
from oidc_login.protocol.keys import MAX_CANDIDATES, MAX_KEYS, KeySet
from oidc_login.testing.signing import KEY_TYPES, SigningKey, base64url
from tests.support.signing import ABSENT, ALGORITHMS, ids, jwk, key, key_for, key_set, provider_keys, token


def signer(keys: KeySet, *, alg: str = "RS256", **changes: Any) -> str | None:
    """The kid of the key that is found to have signed a token."""
    return keys.verify(parse_jws(token({"sub": "alice"}, alg=alg, **changes))).kid


def finds_none(keys: KeySet, **changes: Any) -> bool:
    with pytest.raises(UnknownKey):
        signer(keys, **changes)
    return True


def skipped(entry: object) -> str:
    """The reason for which an entry is not used, beside a good one that is."""
    found = key_set(jwk(key("P-256")), entry)
    assert [used.kty for used in found.keys] == ["EC"]
    return found.skipped[0][1]


# The choice among keys


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_named_key_verifies(alg: str) -> None:
    assert signer(provider_keys(), alg=alg) == key_for(alg).kid


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_without_kid_the_one_key_of_the_type_verifies(alg: str) -> None:
    keys = key_set(*[jwk(key(key_type), kid=ABSENT) for key_type in KEY_TYPES])
    assert signer(keys, alg=alg, header={"kid": ABSENT}) is None
    assert finds_none(keys, alg=alg, header={"kid": ABSENT}, signed_with=key(ALGORITHMS[alg], name="attacker"))


def test_without_kid_several_keys_are_tried() -> None:
    keys = key_set(*[jwk(key(name=name), kid=name) for name in ("one", "two", "provider")])
    assert signer(keys, header={"kid": ABSENT}) == "provider"


def test_at_most_eight_keys_are_tried() -> None:
    entries = [jwk(key("P-256", name=f"old {number}")) for number in range(MAX_CANDIDATES)]
    last = jwk(key("P-256"))
    assert finds_none(key_set(*entries, last), alg="ES256", header={"kid": ABSENT})
    assert signer(key_set(*entries[1:], last), alg="ES256", header={"kid": ABSENT}) == "provider-P-256"


def test_keys_without_kid_are_tried_for_a_kid_that_none_has() -> None:
    assert signer(key_set(jwk(key("P-256"), kid="another"), jwk(key(), kid=ABSENT))) is None


def test_a_kid_that_is_there_is_believed() -> None:
    """The right key under another name is not tried: the token names the one that it wants."""
    assert finds_none(key_set(jwk(key(), kid="old"), jwk(key(name="other"), kid=key().kid)))
    assert finds_none(key_set(jwk(key(), kid="old")))


def test_one_kid_may_name_keys_of_several_types() -> None:
    keys = key_set(*[jwk(key(key_type), kid="shared") for key_type in KEY_TYPES])
    for alg in ALGORITHMS:
        assert signer(keys, alg=alg, header={"kid": "shared"}) == "shared"


def test_one_kid_may_name_two_keys_of_one_type() -> None:
    for names in (("provider", "other"), ("other", "provider")):
        keys = key_set(*[jwk(key(name=name), kid="shared") for name in names])
        assert signer(keys, header={"kid": "shared"}) == "shared"


def test_a_kid_is_compared_exactly() -> None:
    keys = key_set(jwk(key(), kid="A"))
    assert signer(keys, header={"kid": "A"}) == "A"
    for kid in ("a", "A ", "", "A\0"):
        assert finds_none(keys, header={"kid": kid})


# Purpose: type, curve, alg, use, key_ops


@pytest.mark.parametrize(("declared", "accepted"), [("RS256", True), (None, True), ("PS256", False), ("RS512", False)])
def test_the_algorithm_of_a_key_is_respected(declared: str | None, accepted: bool) -> None:
    keys = key_set(jwk(key(), alg=declared))
    assert len(keys.keys) == 1
    assert signer(keys) == key().kid if accepted else finds_none(keys)


PURPOSES: list[tuple[str, dict[str, Any], str]] = [
    ("for encryption", {"use": "enc"}, "use"),
    ("for something new", {"use": "SIG"}, "use"),
    ("use is a list", {"use": ["sig"]}, "use"),
    ("operations of encryption", {"key_ops": ["encrypt", "wrapKey"]}, "key_ops"),
    ("signing, not verifying", {"key_ops": ["sign"]}, "key_ops"),
    ("no operation", {"key_ops": []}, "key_ops"),
    ("operations are a string", {"key_ops": "verify"}, "key_ops"),
    ("use says both, operations do not", {"use": "sig", "key_ops": ["encrypt"]}, "key_ops"),
    ("algorithm of encryption", {"alg": "RSA-OAEP"}, "alg"),
    ("alg none", {"alg": "none"}, "alg"),
    ("alg is a MAC", {"alg": "HS256"}, "alg"),
    ("alg is a list", {"alg": ["RS256"]}, "alg"),
    ("alg of tomorrow", {"alg": "ML-DSA-65"}, "alg"),
]


@pytest.mark.parametrize(("members", "reason"), [row[1:] for row in PURPOSES], ids=ids(PURPOSES))
def test_a_key_for_another_purpose_is_skipped(members: dict[str, Any], reason: str) -> None:
    assert skipped(jwk(key(), **members)) == reason


@pytest.mark.parametrize("members", [{"use": "sig"}, {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}, {}])
def test_a_key_for_signatures_is_used(members: dict[str, Any]) -> None:
    assert signer(key_set(jwk(key(), **members))) == key().kid


@pytest.mark.parametrize("name", ["use", "key_ops", "alg", "kid", "issuer", "crv", "x5c", "x5t"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_member_of_nothing_is_absent(name: str, nothing: str | None) -> None:
    found = key_set(jwk(key(), **{name: nothing}))
    assert found == key_set(jwk(key(), **{name: ABSENT}))
    assert signer(found) == (None if name == "kid" else key().kid)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_required_member_of_nothing_is_missing(nothing: str | None) -> None:
    assert skipped(jwk(key(), n=nothing)) == skipped(jwk(key(), n=ABSENT)) == "malformed"
    assert skipped(jwk(key(), kty=nothing)) == skipped(jwk(key(), kty=ABSENT)) == "unsupported"


def test_a_key_keeps_the_issuer_that_it_is_bound_to() -> None:
    found = key_set(jwk(key(), issuer="https://op.example/{tenantid}"), jwk(key("P-256"), issuer=7))
    assert [entry.issuer for entry in found.keys] == ["https://op.example/{tenantid}", None]


# Entries that are of no use


def weak_rsa() -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return jwk(SigningKey(kid="weak", key_type="RSA", private_key=private))


def number(value: int) -> str:
    return base64url(value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


UNUSABLE: list[tuple[str, Any, str]] = [
    ("an RSA key of 1024 bits", weak_rsa, "weak"),
    ("an RSA key of 32768 bits", lambda: jwk(key(), n=number((1 << 32_767) + 1)), "weak"),
    ("an exponent of 1", lambda: jwk(key(), e=number(1)), "*"),
    ("an exponent of 2048 bits", lambda: jwk(key(), e=number((1 << 2047) + 1)), "*"),
    ("a symmetric key", lambda: {"kty": "oct", "k": "AAAA", "kid": "x"}, "unsupported"),
    ("secp256k1", lambda: JWK.generate(kty="EC", crv="secp256k1").export_public(as_dict=True), "unsupported"),
    ("Ed448", lambda: JWK.generate(kty="OKP", crv="Ed448").export_public(as_dict=True), "unsupported"),
    ("X25519", lambda: JWK.generate(kty="OKP", crv="X25519").export_public(as_dict=True), "unsupported"),
    ("a type of tomorrow", lambda: {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"}, "unsupported"),
    ("type in lower case", lambda: jwk(key(), kty="rsa"), "unsupported"),
    ("type is a list", lambda: jwk(key(), kty=["RSA"]), "unsupported"),
    ("curve is a list", lambda: jwk(key("P-384"), crv=["P-384"]), "unsupported"),
    ("nothing", dict, "unsupported"),
    ("null", lambda: None, "malformed"),
    ("a string", lambda: "key", "malformed"),
    ("a list", lambda: [jwk(key())], "malformed"),
    ("kid is a number", lambda: jwk(key(), kid=1), "malformed"),
    ("no modulus", lambda: jwk(key(), n=ABSENT), "malformed"),
    ("modulus is empty", lambda: jwk(key(), n=""), "malformed"),
    ("modulus is a number", lambda: jwk(key(), n=5), "malformed"),
    ("modulus is null", lambda: jwk(key(), n=None), "malformed"),
    ("modulus is a list", lambda: jwk(key(), n=[]), "malformed"),
    ("modulus is no base64", lambda: jwk(key(), n="ü"), "malformed"),
    ("exponent is an object", lambda: jwk(key(), e={}), "malformed"),
    ("no curve", lambda: jwk(key("P-384"), crv=ABSENT), "malformed"),
    ("a curve of another type", lambda: jwk(key("P-384"), crv="Ed25519"), "malformed"),
    ("a point off the curve", lambda: jwk(key("P-384"), x=jwk(key("P-384"))["y"]), "malformed"),
    ("a coordinate is null", lambda: jwk(key("P-384"), y=None), "malformed"),
    ("an Edwards point of one byte", lambda: jwk(key("Ed25519"), x="AA"), "malformed"),
]


@pytest.mark.parametrize(("entry", "reason"), [row[1:] for row in UNUSABLE], ids=ids(UNUSABLE))
def test_an_entry_that_cannot_be_used_does_not_spoil_the_others(entry: Any, reason: str) -> None:
    found = skipped(entry())
    assert found == reason or (reason == "*" and found in ("weak", "malformed"))


def test_members_of_other_key_types_do_not_matter() -> None:
    """Some serializers write every member that they know, with null where there is none."""
    entry = jwk(key(), crv=None, x=None, y=None, k=None, d=None)
    assert signer(key_set(entry, jwk(key("P-256"), n=None, e=None))) == key().kid


def test_a_published_private_half_is_not_kept() -> None:
    private = JWK.generate(kty="EC", crv="P-256")
    found = key_set({**private.export_private(as_dict=True), "kid": "leaked"})
    assert not hasattr(found.keys[0].material, "private_numbers")


def test_the_name_of_a_skipped_key_is_told_and_its_material_is_not() -> None:
    found = key_set(jwk(key(), use="enc", kid="for encryption"), jwk(key("P-256")), "no key")
    assert found.skipped == (("for encryption", "use"), (None, "malformed"))
    assert jwk(key("P-256"))["x"] not in repr(found)


# The document


@pytest.mark.parametrize("document", [None, [], "keys", {}, {"keys": None}, {"keys": {}}, {"keys": "x"}, 1])
def test_a_document_that_is_no_key_set_is_refused(document: object) -> None:
    with pytest.raises(MetadataInvalid, match="jwks"):
        KeySet.from_json(document)


def test_at_most_a_hundred_keys() -> None:
    entry = jwk(key("P-256"))
    assert len(KeySet.from_json({"keys": [entry] * MAX_KEYS}).keys) == 100
    with pytest.raises(MetadataInvalid, match="jwks"):
        KeySet.from_json({"keys": [entry] * (MAX_KEYS + 1)})


def test_an_empty_set_verifies_nothing() -> None:
    assert finds_none(KeySet.from_json({"keys": []}))


# The client secret as a key (Core 10.1)


def test_a_secret_verifies_macs_and_nothing_else() -> None:
    both = provider_keys() + KeySet.of_secret("s" * 32)
    assert signer(both, alg="HS256", signed_with=b"s" * 32) is None
    assert signer(both, alg="RS256") == key().kid
    assert finds_none(both, alg="HS256", signed_with=b"t" * 32)
    assert finds_none(provider_keys(), alg="HS256", signed_with=b"s" * 32)
    assert "ssss" not in repr(both)


def test_nothing_added_is_the_same_set() -> None:
    """So that a set can be recognised by identity after it was asked for newer keys."""
    keys = provider_keys()
    assert keys + KeySet() is keys
