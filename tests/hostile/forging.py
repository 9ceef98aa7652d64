"""Keys that no provider published, and tokens that are signed, packed or encrypted in ways that must not pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from oidc_login.testing import SigningKey, UnsignedToken, generate_key
from oidc_login.testing.signing import KeyType, base64url
from tests.hostile.rows import Bends

KeyForm = Callable[[Any], bytes]


@cache
def stranger(key_type: KeyType = "RSA") -> SigningKey:
    """A key of somebody else."""
    return generate_key(key_type, kid=f"stranger-{key_type}")


@cache
def weak_key() -> SigningKey:
    return SigningKey(kid="weak", key_type="RSA", private_key=rsa.generate_private_key(65537, 1024))


@cache
def secp256k1_key() -> SigningKey:
    return SigningKey(kid="k1", key_type="P-256", private_key=ec.generate_private_key(ec.SECP256K1()))


def public_jwk_of_secp256k1() -> dict[str, Any]:
    numbers = secp256k1_key().private_key.public_key().public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "secp256k1", "x": x, "y": y, "kid": "k1", "use": "sig"}


def signed_by(key: SigningKey, **header: Any) -> Bends:
    """Sign with another key under the name of the published one, unless `header` says otherwise."""

    def change(token: UnsignedToken) -> UnsignedToken:
        token.key = key
        token.header |= header
        return token

    return {"id_token": change}


def signed_as(alg: str, key: SigningKey | bytes | None = None, **header: Any) -> Bends:
    """Sign with another algorithm, and say so in the header."""

    def change(token: UnsignedToken) -> UnsignedToken:
        token.alg = alg
        token.key = key if key is not None else token.key
        token.header |= {"alg": alg, **header}
        return token

    return {"id_token": change}


def unsigned(alg: str, **header: Any) -> Bends:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.alg = "none"
        token.header = {**token.header, "alg": alg, **header}
        return token

    return {"id_token": change}


# The provider's public key in the forms that a careless library takes for a secret.
PUBLIC_FORMS: dict[str, KeyForm] = {
    "PEM": lambda key: bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
    "DER": lambda key: bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "JWK": lambda key: JWK.from_pyca(key).export_public().encode(),
}


def mac_with_public_key(form: str) -> Bends:
    def change(token: UnsignedToken) -> UnsignedToken:
        assert isinstance(token.key, SigningKey)
        token.key = PUBLIC_FORMS[form](token.key.private_key.public_key())
        token.alg = token.header["alg"] = "HS256"
        return token

    return {"id_token": change}


def xor_signature(last: str) -> str:
    """Every byte of the signature is changed, and its length kept."""
    return base64url(bytes(byte ^ 0x5A for byte in _decoded(last)))


def _decoded(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def json_serialization(raw: str) -> dict[str, Any]:
    """The same token in the general form of RFC 7515 7.2, which is not a JWT."""
    protected, body, last = raw.split(".")
    return {"payload": body, "signatures": [{"protected": protected, "signature": last}]}


# Encryption (RFC 7516).


@cache
def client_key(kind: str = "RSA") -> JWK:
    """The site's own key, which the provider encrypts to."""
    if kind == "RSA":
        return JWK.generate(kty="RSA", size=2048, use="enc", kid="client-RSA")
    return JWK.generate(kty="EC", crv=kind, use="enc", kid=f"client-{kind}")


def private_jwk(kind: str = "RSA") -> dict[str, Any]:
    return dict(json.loads(client_key(kind).export_private()))


def encrypted(
    plaintext: str | bytes, *, alg: str = "RSA-OAEP", enc: str = "A256GCM", kind: str = "RSA", **header: Any
) -> str:
    protected = {"alg": alg, "enc": enc, "cty": "JWT", **header}
    jwe = JWE(plaintext, json.dumps(protected), algs=[alg, enc])
    key = JWK.generate(kty="oct", size=256) if alg in ("dir", "A256KW") else client_key(kind)
    jwe.add_recipient(key)
    return str(jwe.serialize(compact=True))


def encrypted_token(*, alg: str = "RSA-OAEP", enc: str = "A256GCM", kind: str = "RSA", **header: Any) -> Bends:
    """Sign, then encrypt (Core 10.2)."""
    return {"id_token": lambda token: encrypted(token.signed(), alg=alg, enc=enc, kind=kind, **header)}


def with_jwe_header(**changes: Any) -> Bends:
    """A good encrypted token under another header; the header is looked at before any cryptography."""

    def change(token: UnsignedToken) -> str:
        raw = encrypted(token.signed())
        head, _, rest = raw.partition(".")
        protected = {**json.loads(_decoded(head)), **changes}
        return f"{base64url(json.dumps(protected).encode())}.{rest}"

    return {"id_token": change}
