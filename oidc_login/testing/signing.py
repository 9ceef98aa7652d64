"""Signing keys and signed tokens of the test provider."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

KeyType = Literal["RSA", "P-256", "P-384", "P-521", "Ed25519"]

KEY_TYPES: tuple[KeyType, ...] = ("RSA", "P-256", "P-384", "P-521", "Ed25519")

# The key type of each algorithm (RFC 7518 3.1, RFC 8037 3.1).
KEY_TYPE_OF_ALG: dict[str, KeyType] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
}

_GENERATORS: dict[KeyType, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}

_ALGORITHMS = get_default_algorithms()


def base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with its published key ID."""

    kid: str
    key_type: KeyType
    private_key: Any = field(repr=False)

    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK (RFC 7517 4); RSA keys name no algorithm because they serve several."""
        algs = [alg for alg, key_type in KEY_TYPE_OF_ALG.items() if key_type == self.key_type]
        jwk = dict(_ALGORITHMS[algs[0]].to_jwk(self.private_key.public_key(), as_dict=True))
        jwk.pop("key_ops", None)
        named = {"alg": algs[0]} if len(algs) == 1 else {}
        return {**jwk, "use": "sig", "kid": self.kid, **named}


def generate_key(key_type: KeyType = "RSA", *, kid: str | None = None) -> SigningKey:
    """Generate a key that no provider has published; its kid defaults to a hash of the public half."""
    private_key = _GENERATORS[key_type]()
    unnamed = SigningKey(kid="", key_type=key_type, private_key=private_key)
    digest = hashlib.sha256(json.dumps(unnamed.public_jwk(), sort_keys=True).encode()).digest()
    return SigningKey(kid=kid or base64url(digest)[:16], key_type=key_type, private_key=private_key)


class _KeyRings:
    """Key rings that are generated once per process and lent to providers.

    Two providers that exist at the same time never share a key, so tests can sign with another provider's key. Keys
    are reused after a provider is gone, so a suite with hundreds of providers only generates a few RSA keys.
    """

    def __init__(self) -> None:
        self._free: list[dict[KeyType, SigningKey]] = []
        self._lock = threading.Lock()

    def lend(self, borrower: object) -> dict[KeyType, SigningKey]:
        with self._lock:
            ring = self._free.pop() if self._free else None
        ring = ring or {key_type: generate_key(key_type) for key_type in KEY_TYPES}
        weakref.finalize(borrower, self._free.append, ring)
        return ring


key_rings = _KeyRings()


@dataclass(slots=True, kw_only=True)
class UnsignedToken:
    """A token before it is signed, as `bend("id_token", ...)` gets it.

    `alg` and `key` determine the signature, whatever `header` says: use a `SigningKey`, or bytes for HS256;
    `alg="none"` leaves the signature empty. `payload`, if set, replaces the claims.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    alg: str
    key: SigningKey | bytes | None = field(repr=False)
    payload: bytes | None = None

    def signed(self) -> str:
        """The compact serialization (RFC 7515 3.1)."""
        payload = json.dumps(self.claims).encode() if self.payload is None else self.payload
        signing_input = f"{base64url(json.dumps(self.header).encode())}.{base64url(payload)}"
        return f"{signing_input}.{base64url(self._signature(signing_input.encode()))}"

    def _signature(self, signing_input: bytes) -> bytes:
        key = self.key.private_key if isinstance(self.key, SigningKey) else self.key
        return _ALGORITHMS[self.alg].sign(signing_input, key)


def left_half_hash(value: str, *, alg: str) -> str:
    """`at_hash` and `c_hash`: the left half of the hash of the algorithm (Core 3.1.3.6)."""
    digest = hashlib.new("sha512" if alg == "EdDSA" else f"sha{alg[-3:]}", value.encode()).digest()
    return base64url(digest[: len(digest) // 2])
