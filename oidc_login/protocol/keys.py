"""The provider's published keys (RFC 7517) and how one is selected (Core 10.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_login.protocol.errors import Evidence, MetadataInvalid, UnknownKey
from oidc_login.protocol.http.messages import stated
from oidc_login.protocol.jose import (
    ASYMMETRIC_ALGORITHMS,
    MIN_SECRET_BYTES,
    PublicKey,
    UnverifiedJWS,
    import_public_key,
    read_public_key,
    signature_is_valid,
    suits,
)

MAX_KEYS = 100
MAX_CANDIDATES = 8
SIGNING_KEY_TYPES = ("RSA", "EC", "OKP")
COOL_DOWN, EMPTY_COOL_DOWN = 30, 2  # seconds between fetches that unknown key IDs may cause
CURVES = (None, "P-256", "P-384", "P-521", "Ed25519")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that may verify signatures; `issuer` is set if the provider binds the key to one."""

    kty: str
    material: PublicKey | bytes = field(repr=False)
    kid: str | None = None
    alg: str | None = None
    crv: str | None = None
    issuer: str | None = None

    def may_verify(self, algorithm: str) -> bool:
        """Whether the type, the curve and the `alg` of the key allow the algorithm (RFC 7517 4.4, RFC 8725 3.1)."""
        return self.alg in (None, algorithm) and suits(algorithm, key_type=self.kty, curve=self.crv)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of a document, and why the others are not usable."""

    keys: tuple[Key, ...] = ()
    skipped: tuple[tuple[str | None, str], ...] = ()

    @classmethod
    def from_json(cls, document: object) -> KeySet:
        """Read a JWK Set key by key, so that an invalid key does not invalidate the set (RFC 7517 5)."""
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list) or len(entries) > MAX_KEYS:
            raise MetadataInvalid("jwks")
        keys: list[Key] = []
        skipped: list[tuple[str | None, str]] = []
        for entry in entries:
            try:
                keys.append(_read_key(entry))
            except ValueError as reason:
                skipped.append((_key_id(entry), str(reason)))
        return cls(tuple(keys), tuple(skipped))

    @classmethod
    def of_secret(cls, secret: str) -> KeySet:
        """Return the key set that verifies MACs made with the client secret (Core 10.1)."""
        return cls((Key(kty="oct", material=secret.encode()),))

    @classmethod
    def of_secrets(cls, secrets: Iterable[str]) -> KeySet:
        """Return the key set of the secrets that are long enough for a MAC (RFC 7518 3.2)."""
        long_enough = (secret for secret in secrets if len(secret.encode()) >= MIN_SECRET_BYTES)
        return sum(map(cls.of_secret, long_enough), cls())

    @classmethod
    def of_public_key(cls, key: Mapping[str, Any] | str | bytes) -> KeySet:
        """Return the key set of one known key that applies to every `kid`; raise `ValueError` if it is not a key."""
        members = {name: value for name, value in read_public_key(key).items() if name != "kid"}
        return cls((_read_key(members),))

    def cool_down(self) -> float:
        """Return after how many seconds an unknown key ID may refetch the set; fewer if the set is empty."""
        return COOL_DOWN if self.keys else EMPTY_COOL_DOWN

    def __add__(self, other: KeySet) -> KeySet:
        return KeySet(self.keys + other.keys, self.skipped) if other.keys else self

    def candidates(self, algorithm: str, key_id: str | None) -> tuple[Key, ...]:
        """Return the keys to try: those with this `kid`, or else those without a `kid` (Core 10.1)."""
        suitable = tuple(key for key in self.keys if key.may_verify(algorithm))
        if key_id is None:
            return suitable[:MAX_CANDIDATES]
        named = tuple(key for key in suitable if key.kid == key_id)
        return (named or tuple(key for key in suitable if key.kid is None))[:MAX_CANDIDATES]

    def verify(self, jws: UnverifiedJWS) -> Key:
        """Return the key that verifies the signature, or raise `UnknownKey`."""
        for key in self.candidates(jws.algorithm, jws.key_id):
            if signature_is_valid(jws, key.material):
                return key
        names = [key.kid or "a key without kid" for key in self.keys]
        raise UnknownKey("signature", evidence=Evidence.of(expected=names or "no key at all", seen=jws.key_id))


def _key_id(entry: object) -> str | None:
    kid = entry.get("kid") if isinstance(entry, dict) else None
    return kid if isinstance(kid, str) else None


def _read_key(entry: object) -> Key:
    """Return the key of a JWK; raise `ValueError` with the reason if it cannot verify signatures."""
    if not isinstance(entry, dict):
        raise ValueError("malformed")
    entry = stated(entry)
    _check_purpose(entry)
    curve, algorithm, issuer = entry.get("crv"), entry.get("alg"), entry.get("issuer")
    if not isinstance(entry.get("kid", ""), str):
        raise ValueError("malformed")
    if algorithm is not None and algorithm not in ASYMMETRIC_ALGORITHMS:
        raise ValueError("alg")
    return Key(
        kty=entry["kty"],
        material=import_public_key(entry),
        kid=_key_id(entry),
        alg=algorithm,
        crv=curve if isinstance(curve, str) else None,
        issuer=issuer if isinstance(issuer, str) else None,
    )


def _check_purpose(entry: Mapping[str, Any]) -> None:
    """Reject encryption keys, which never verify signatures (RFC 7517 4.2, 4.3), and published symmetric keys."""
    if entry.get("kty") not in SIGNING_KEY_TYPES or entry.get("crv") not in CURVES:
        raise ValueError("unsupported")
    if entry.get("use", "sig") != "sig":
        raise ValueError("use")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("key_ops")
