"""Real keys that the tests of this floor share, and tokens made with them: good ones, and forged ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from jwt.algorithms import get_default_algorithms

from oidc_login.protocol.keys import KeySet
from oidc_login.testing.signing import KeyType, SigningKey, base64url, generate_key

ALGORITHMS: dict[str, KeyType] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
    "Ed25519": "Ed25519",
}

# The value of a claim or member that is to be left out.
ABSENT = object()

_SIGNERS = get_default_algorithms()
_SIGNERS["Ed25519"] = _SIGNERS["EdDSA"]


def key(key_type: KeyType = "RSA", *, name: str = "provider") -> SigningKey:
    """The one key of a type that everybody of this name has in this process."""
    return _key(key_type, name)


@cache
def _key(key_type: KeyType, name: str) -> SigningKey:
    return generate_key(key_type, kid=f"{name}-{key_type}")


def key_for(alg: str) -> SigningKey:
    return key(ALGORITHMS[alg])


def jwk(of: SigningKey, **members: Any) -> dict[str, Any]:
    """The published half of a key, without `use` and `alg`, with members set or left out (`ABSENT`)."""
    plain = {name: value for name, value in of.public_jwk().items() if name not in ("use", "alg")}
    return without_absent({**plain, **members})


def key_set(*entries: Any) -> KeySet:
    return KeySet.from_json({"keys": list(entries)})


@cache
def provider_keys() -> KeySet:
    """What the provider publishes: a key of each type."""
    return key_set(*[jwk(key(key_type)) for key_type in dict.fromkeys(ALGORITHMS.values())])


def without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def signature(signing_input: bytes, *, alg: str, signed_with: SigningKey | bytes) -> bytes:
    secret = signed_with.private_key if isinstance(signed_with, SigningKey) else signed_with
    return bytes(_SIGNERS[alg].sign(signing_input, secret))


def token(
    claims: Mapping[str, Any] | bytes,
    *,
    alg: str = "RS256",
    signed_with: SigningKey | bytes | None = None,
    header: Mapping[str, Any] | bytes | None = None,
    signed_as: str | None = None,
) -> str:
    """A compact JWS. `header` completes `alg` and `kid`; `signed_as` is the algorithm that is really used."""
    signer = key_for(alg) if signed_with is None else signed_with
    named = {"kid": signer.kid} if isinstance(signer, SigningKey) else {}
    if not isinstance(header, bytes):
        header = json.dumps(without_absent({"alg": alg, "typ": "JWT", **named, **(header or {})})).encode()
    payload = claims if isinstance(claims, bytes) else json.dumps(without_absent(claims)).encode()
    signing_input = f"{base64url(header)}.{base64url(payload)}"
    made = signature(signing_input.encode(), alg=signed_as or alg, signed_with=signer)
    return f"{signing_input}.{base64url(made)}"


def ids(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """The first column of a table, as the names of its rows."""
    return [str(row[0]) for row in rows]
