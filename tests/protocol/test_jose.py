"""Decryption, and the client's own private key (RFC 7516, 7517, 7518)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from oidc_login.protocol.errors import ClientMisconfigured, InvalidIDToken
from oidc_login.protocol.jose import (
    CONTENT_ENCRYPTION_ALGORITHMS,
    KEY_ENCRYPTION_ALGORITHMS,
    MAX_ENCRYPTED_LENGTH,
    MAX_HEADER_LENGTH,
    MAX_TOKEN_LENGTH,
    check_strength,
    encode,
    import_public_key,
    is_compact_jws,
    is_encrypted,
    parse_jws,
    read_public_key,
    sign_with_secret,
    suits,
)
from oidc_login.protocol.private_key import PrivateKey
from tests.support.signing import ABSENT, ALGORITHMS, ids, key, token, without_absent

NESTED = token({"sub": "alice"})


def client_jwk(kind: str = "RSA") -> JWK:
    """The client's own key, made once: an RSA key, or one on the named curve."""
    return _client_jwk(kind)


@cache
def _client_jwk(kind: str) -> JWK:
    if kind == "RSA":
        return JWK.generate(kty="RSA", size=2048, kid="mine")
    return JWK.generate(kty="OKP" if kind.startswith(("X", "Ed")) else "EC", crv=kind, kid="mine")


def private_key(kind: str = "RSA") -> PrivateKey:
    return PrivateKey(client_jwk(kind).export_private(as_dict=True))


def kind_for(alg: str) -> str:
    return "RSA" if alg.startswith("RSA") else "P-256"


def encrypted(plaintext: str = NESTED, *, alg: str, enc: str, to: JWK | None = None, **header: Any) -> str:
    """A compact JWE, of any algorithm that jwcrypto knows."""
    jwe = JWE(plaintext.encode(), json.dumps({"alg": alg, "enc": enc, **header}), algs=[alg, enc])
    jwe.add_recipient(to or client_jwk(kind_for(alg)))
    return str(jwe.serialize(compact=True))


def refusal(raw: str, *, by: PrivateKey | None = None) -> str:
    with pytest.raises(InvalidIDToken) as caught:
        (by or private_key()).decrypt(raw)
    assert NESTED not in repr(caught.value)
    return caught.value.reason


# Decryption (Core 10.2)


@pytest.mark.parametrize("alg", KEY_ENCRYPTION_ALGORITHMS)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION_ALGORITHMS)
def test_decrypts_with_the_clients_key(alg: str, enc: str) -> None:
    raw = encrypted(alg=alg, enc=enc)
    assert is_encrypted(raw)
    assert private_key(kind_for(alg)).decrypt(raw) == NESTED


@pytest.mark.parametrize("curve", ["P-384", "P-521", "X25519"])
def test_decrypts_on_other_curves(curve: str) -> None:
    raw = encrypted(alg="ECDH-ES+A128KW", enc="A128GCM", to=client_jwk(curve))
    assert private_key(curve).decrypt(raw) == NESTED


def test_only_five_parts_are_looked_at_as_encrypted() -> None:
    assert not is_encrypted(NESTED)
    assert not is_encrypted(None)
    assert not is_encrypted(["a.b.c.d.e"])
    assert not is_encrypted("a.b.c.d.e.f")
    assert is_encrypted("a.b.c.d.e")


def bent_header(**members: Any) -> str:
    """A well-formed JWE whose header says something else: the header decides before any cryptography."""
    _, *rest = encrypted(alg="RSA-OAEP", enc="A128GCM").split(".")
    header = without_absent({"alg": "RSA-OAEP", "enc": "A128GCM", **members})
    return ".".join([encode(json.dumps(header).encode()), *rest])


HEADERS: list[tuple[str, dict[str, Any], str]] = [
    ("RSA1_5", {"alg": "RSA1_5"}, "encryption"),
    ("password", {"alg": "PBES2-HS256+A128KW", "p2c": 2**31 - 1, "p2s": "AAAA"}, "encryption"),
    ("direct", {"alg": "dir"}, "encryption"),
    ("shared key", {"alg": "A128KW"}, "encryption"),
    ("none", {"alg": "none"}, "encryption"),
    ("no alg", {"alg": ABSENT}, "encryption"),
    ("alg is null", {"alg": None}, "encryption"),
    ("alg is a list", {"alg": ["RSA-OAEP"]}, "encryption"),
    ("unknown enc", {"enc": "A512GCM"}, "encryption"),
    ("no enc", {"enc": ABSENT}, "encryption"),
    ("enc is null", {"enc": None}, "encryption"),
    ("enc left out on purpose", {"enc": "A192GCM"}, "encryption"),
    ("enc is an object", {"enc": {}}, "encryption"),
    ("compressed", {"zip": "DEF"}, "encryption"),
    ("compressed by nothing", {"zip": None}, "encryption"),
    ("critical", {"crit": ["exp"], "exp": 1}, "crit"),
    ("critical, empty", {"crit": []}, "crit"),
]


@pytest.mark.parametrize(("members", "reason"), [row[1:] for row in HEADERS], ids=ids(HEADERS))
def test_the_header_is_judged_first(members: dict[str, Any], reason: str) -> None:
    assert refusal(bent_header(**members)) == reason


def test_really_compressed_text_is_refused() -> None:
    assert refusal(encrypted(alg="RSA-OAEP", enc="A128GCM", zip="DEF")) == "encryption"


def test_really_encrypted_with_pkcs1_is_refused() -> None:
    assert refusal(encrypted(alg="RSA1_5", enc="A128CBC-HS256")) == "encryption"


def test_really_encrypted_directly_is_refused() -> None:
    secret = JWK.generate(kty="oct", size=128)
    assert refusal(encrypted(alg="dir", enc="A128GCM", to=secret)) == "encryption"


@pytest.mark.parametrize("part", range(5))
def test_a_changed_part_is_refused(part: int) -> None:
    parts = encrypted(alg="RSA-OAEP-256", enc="A128CBC-HS256").split(".")
    parts[part] = ("B" if parts[part][0] == "A" else "A") + parts[part][1:]
    assert refusal(".".join(parts)) in ("encryption", "header")


@pytest.mark.parametrize(("alg", "kind"), [("RSA-OAEP", "P-256"), ("ECDH-ES", "RSA"), ("ECDH-ES", "P-384")])
def test_a_key_of_another_kind_is_refused(alg: str, kind: str) -> None:
    assert refusal(encrypted(alg=alg, enc="A128GCM"), by=private_key(kind)) == "encryption"


def test_text_for_somebody_else_is_refused() -> None:
    stranger = JWK.generate(kty="EC", crv="P-256")
    raw = encrypted(alg="ECDH-ES", enc="A128GCM", to=stranger)
    assert refusal(raw, by=private_key("P-256")) == "encryption"


EPHEMERAL: list[tuple[str, Any]] = [
    ("missing", None),
    ("a number", 5),
    ("empty", {}),
    ("a string", "x"),
    ("numbers for coordinates", {"kty": "EC", "crv": "P-256", "x": 5, "y": 6}),
    ("off the curve", {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}),
    ("on another curve", JWK.generate(kty="EC", crv="P-384").export_public(as_dict=True)),
    ("an RSA key", client_jwk().export_public(as_dict=True)),
    ("a secret", {"kty": "oct", "k": "AAAA"}),
]


@pytest.mark.parametrize("epk", [row[1] for row in EPHEMERAL], ids=ids(EPHEMERAL))
def test_an_ephemeral_key_that_is_none_is_refused(epk: Any) -> None:
    """RFC 7518 4.6.1.1; an off-curve point would give the private key away."""
    raw = bent_header(alg="ECDH-ES", epk=epk)
    assert refusal(raw, by=private_key("P-256")) == "encryption"


@pytest.mark.parametrize("raw", ["....", "a.b.c.d.e", "ü.b.c.d.e", "e30....", "WzFd....", "bnVsbA....", "\0...."])
def test_a_header_that_is_none_is_refused(raw: str) -> None:
    assert refusal(raw) in ("base64", "header", "encryption")


def behind_a_header(document: dict[str, Any]) -> str:
    """JSON with four dots; what stands before the first one reads as the base64url of a good header."""
    header = encode(b'{"alg":"RSA-OAEP","enc":"A128GCM" }')
    return '  {"' + header + '.a.b.c.d":0,' + json.dumps(document)[1:]


def test_only_the_compact_form_is_decrypted() -> None:
    """RFC 7516 7.2: the JSON forms have headers and recipients that nobody has judged."""
    compact = encrypted(alg="RSA-OAEP", enc="A128GCM")
    jwe = JWE()
    jwe.deserialize(compact)
    flattened = json.loads(jwe.serialize())
    key_of_it = {"encrypted_key": flattened["encrypted_key"]}
    general = {name: value for name, value in flattened.items() if name not in key_of_it} | {"recipients": [key_of_it]}

    assert private_key().decrypt(compact) == NESTED
    for document in (flattened, general):
        assert refusal(json.dumps(document)) == refusal(behind_a_header(document)) == "encryption"
    for raw in (f" {compact}", f"{compact}\n", f"{compact}.", f"{compact}=", f"{compact} "):
        assert refusal(raw) == "encryption"


@pytest.mark.parametrize("part", [0, 2, 3, 4])
def test_a_part_that_is_empty_is_refused(part: int) -> None:
    parts = encrypted(alg="RSA-OAEP", enc="A128GCM").split(".")
    parts[part] = ""
    assert refusal(".".join(parts)) == "encryption"


def test_a_header_may_have_a_certain_length() -> None:
    """What anybody can send is not read for long before the signature or the key is looked at."""

    def header(encoded_length: int) -> str:
        start = '{"alg":"RSA-OAEP","enc":"A128GCM","x5t":"'
        return start + "a" * (encoded_length * 3 // 4 - len(start) - 2) + '"}'

    _, *rest = encrypted(alg="RSA-OAEP", enc="A128GCM").split(".")
    for length, jwe_reason, jws_reason in (
        (MAX_HEADER_LENGTH, "encryption", ""),
        (MAX_HEADER_LENGTH + 4, "encryption", "format"),
    ):
        encoded = encode(header(length).encode())
        assert len(encoded) == length
        assert refusal(".".join([encoded, *rest])) == jwe_reason
        if jws_reason:
            with pytest.raises(InvalidIDToken, match=jws_reason):
                parse_jws(f"{encoded}.e30.AAAA")
        else:
            assert parse_jws(f"{encoded}.e30.AAAA").algorithm == "RSA-OAEP"

    long_name = "a" * (MAX_HEADER_LENGTH * 3 // 4 - 60)
    assert private_key().decrypt(encrypted(alg="RSA-OAEP", enc="A128GCM", x5t=long_name)) == NESTED
    assert refusal(encrypted(alg="RSA-OAEP", enc="A128GCM", x5t=long_name + "a" * 60)) == "encryption"


def test_really_encrypted_by_a_method_that_is_left_out_is_refused() -> None:
    assert refusal(encrypted(alg="RSA-OAEP", enc="A192GCM")) == "encryption"


def test_text_may_have_a_certain_length() -> None:
    """Four characters of the JWE for three of its plaintext."""
    rest = MAX_ENCRYPTED_LENGTH - len(encrypted("", alg="RSA-OAEP", enc="A128GCM"))
    longest, too_long = "a" * (rest * 3 // 4), "a" * (rest * 3 // 4 + 1)

    raw = encrypted(longest, alg="RSA-OAEP", enc="A128GCM")
    assert len(raw) == MAX_ENCRYPTED_LENGTH
    assert private_key().decrypt(raw) == longest
    assert refusal(encrypted(too_long, alg="RSA-OAEP", enc="A128GCM")) == "encryption"


def test_plaintext_that_is_not_ascii_is_refused() -> None:
    assert refusal(encrypted("ü", alg="RSA-OAEP", enc="A128GCM")) == "encryption"


# The client's own key


def pem(kind: str = "RSA") -> str:
    return str(client_jwk(kind).export_to_pem(private_key=True, password=None).decode())


def test_a_key_is_a_jwk_or_a_pem_text_or_the_path_of_either(tmp_path: Path) -> None:
    as_jwk, as_pem = tmp_path / "key.json", tmp_path / "key.pem"
    as_jwk.write_text(client_jwk().export_private())
    as_pem.write_text(pem())
    raw = encrypted(alg="RSA-OAEP", enc="A128GCM")
    for given in (client_jwk().export_private(as_dict=True), pem(), str(as_jwk), str(as_pem)):
        assert PrivateKey(given).decrypt(raw) == NESTED


def test_a_pem_may_be_in_the_older_form() -> None:
    private = key().private_key
    text = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert PrivateKey(text).algorithm == "RS256"


def locked_pem() -> str:
    locked = BestAvailableEncryption(b"a password")
    return str(key("P-256").private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode())


NO_KEYS: list[tuple[str, Any]] = [
    ("a public JWK", lambda: client_jwk().export_public(as_dict=True)),
    ("a public PEM", lambda: client_jwk().export_to_pem().decode()),
    ("a locked PEM", locked_pem),
    ("a symmetric key", lambda: {"kty": "oct", "k": "A" * 43}),
    ("half a JWK", lambda: {"kty": "EC", "crv": "P-256"}),
    ("an empty JWK", dict),
    ("a PEM of nothing", lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
    ("no file", lambda: "/nowhere/CANARY.pem"),
    ("a folder", lambda: "/"),
    ("empty", lambda: ""),
    ("NUL", lambda: "a\0b"),
    ("a number", lambda: 5),
]


@pytest.mark.parametrize("given", [row[1] for row in NO_KEYS], ids=ids(NO_KEYS))
def test_what_is_no_private_key_is_refused_when_the_provider_is_built(given: Any) -> None:
    with pytest.raises(ValueError, match="client_key") as caught:
        PrivateKey(given())
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("RSA", "RS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "EdDSA")],
)
def test_signs_with_the_usual_algorithm_of_its_type_and_names_itself(kind: str, algorithm: str) -> None:
    signed = private_key(kind).sign({"sub": "client"})
    assert jwt.get_unverified_header(signed) == {"alg": algorithm, "kid": "mine", "typ": "JWT"}
    public = jwt.PyJWK.from_dict({**client_jwk(kind).export_public(as_dict=True), "alg": algorithm})
    assert jwt.decode(signed, public, algorithms=[algorithm]) == {"sub": "client"}


@pytest.mark.parametrize(("declared", "algorithm"), [("PS256", "PS256"), ("RSA-OAEP", "RS256"), ("HS256", "RS256")])
def test_a_keys_own_algorithm_of_signatures_is_used(declared: str, algorithm: str) -> None:
    named = PrivateKey({**client_jwk().export_private(as_dict=True), "alg": declared})
    assert named.algorithm == algorithm
    assert jwt.get_unverified_header(named.sign({}))["alg"] == algorithm


def test_another_name_for_the_key_can_be_given() -> None:
    assert jwt.get_unverified_header(private_key().sign({}, key_id="theirs"))["kid"] == "theirs"


def test_a_key_without_a_name_of_its_own_goes_by_its_thumbprint() -> None:
    """RFC 7638: what a provider computes that is given the same PEM."""
    name = jwt.get_unverified_header(PrivateKey(pem("P-256")).sign({}))["kid"]
    assert name == client_jwk("P-256").thumbprint()


@pytest.mark.parametrize("kind", ["X25519", "secp256k1"])
def test_a_key_that_cannot_sign_says_so(kind: str) -> None:
    with pytest.raises(ClientMisconfigured, match="client_key"):
        private_key(kind).sign({})


def test_a_private_key_never_shows_itself() -> None:
    shown = f"{private_key()!r} {private_key()}"
    assert shown == "<PrivateKey> <PrivateKey>"


# HS256 with the client secret (Core 9)


def test_a_secret_signs_from_thirty_two_bytes_on() -> None:
    signed = sign_with_secret({"sub": "client"}, "s" * 32)
    assert jwt.decode(signed, "s" * 32, algorithms=["HS256"]) == {"sub": "client"}
    assert sign_with_secret({}, "ü" * 16)
    with pytest.raises(ClientMisconfigured, match="client_secret_too_short"):
        sign_with_secret({}, "s" * 31)


# A signed token, and the keys that may verify it


def test_a_signed_token_may_have_a_certain_length() -> None:
    header = encode(json.dumps({"alg": "RS256"}).encode())
    starts = [f"{header}.{encode(b'{}' + b' ' * spaces)}." for spaces in range(4)]
    # Base64 has no text of one letter over four: neither is this one, nor the one after it.
    start = next(start for start in starts if (MAX_TOKEN_LENGTH - len(start)) % 4 == 2)
    longest = start + "A" * (MAX_TOKEN_LENGTH - len(start))

    assert parse_jws(longest).algorithm == "RS256"
    assert is_compact_jws(longest) and not is_compact_jws(longest + "A")
    with pytest.raises(InvalidIDToken, match="format"):
        parse_jws(longest + "A")


@pytest.mark.parametrize("header", [b'{"alg":"RS256","typ":""}', b'{"alg":"RS256","typ":null}'])
def test_a_type_of_nothing_is_malformed_for_every_kind_of_token(header: bytes) -> None:
    with pytest.raises(InvalidIDToken, match="typ"):
        parse_jws(token({}, header=header))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.", "a.b.c.d", "a.b.c\n", '{"payload": ""}'])
def test_other_text_has_not_the_form_of_a_signed_token(text: str) -> None:
    assert is_compact_jws("a.b.c")
    assert not is_compact_jws(text)


KINDS = (("RSA", None), ("EC", "P-256"), ("EC", "P-384"), ("EC", "P-521"), ("OKP", "Ed25519"), ("oct", None))


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "HS256", "HS384", "HS512"])
def test_an_algorithm_suits_one_kind_of_key(algorithm: str) -> None:
    own = {"RSA": ("RSA", None), "Ed25519": ("OKP", "Ed25519")}.get(
        ALGORITHMS.get(algorithm, "oct"), ("EC", ALGORITHMS.get(algorithm))
    )
    expected = ("oct", None) if algorithm.startswith("HS") else own

    assert [kind for kind in KINDS if suits(algorithm, key_type=kind[0], curve=kind[1])] == [expected]
    assert not suits("none", key_type=expected[0], curve=expected[1])


@pytest.mark.parametrize("curve", ["Ed448", "X25519"])
def test_a_key_of_a_kind_that_verifies_nothing_here_is_not_imported(curve: str) -> None:
    with pytest.raises(ValueError, match=r"^(unsupported|malformed)$"):
        import_public_key(JWK.generate(kty="OKP", crv=curve).export_public(as_dict=True))


@pytest.mark.parametrize(
    ("bits", "exponent", "is_fit"),
    [
        (2047, 65_537, False),
        (2048, 65_537, True),
        (16_384, 65_537, True),
        (16_385, 65_537, False),
        (2048, 3, True),
        (2048, 2**64 - 1, True),
        (2048, 2**64 + 1, False),
    ],
)
def test_strength_of_an_rsa_key(bits: int, exponent: int, is_fit: bool) -> None:
    rsa_key = RSAPublicNumbers(exponent, 2 ** (bits - 1) + 1).public_key()

    if is_fit:
        check_strength(rsa_key)
    else:
        with pytest.raises(ValueError, match="weak"):
            check_strength(rsa_key)


def test_a_public_key_is_read_from_a_jwk_or_a_pem_text() -> None:
    private = client_jwk("P-256")
    pem = private.export_to_pem()
    expected = {name: private.export_public(as_dict=True)[name] for name in ("kty", "crv", "x", "y")}

    for given in (private.export_private(as_dict=True), private.export_public(as_dict=True), pem, pem.decode()):
        read = read_public_key(given)
        assert {name: read[name] for name in expected} == expected
        assert "d" not in read


@pytest.mark.parametrize("given", [{}, {"kty": "EC"}, {"kty": 1}, "", b"", "-----BEGIN PUBLIC KEY-----", "ü"])
def test_what_is_no_public_key_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="signing_key is neither a JWK nor a PEM text"):
        read_public_key(given)
