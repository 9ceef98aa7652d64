"""Writes the key sets in discovery_fixtures/: new random keys in the shapes that providers publish theirs in.

`python -m tests.protocol.make_key_sets` makes every set anew. The private keys die with the process: nothing
can sign for these sets, they are only read.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

FIXTURES = Path(__file__).resolve().parents[2] / "discovery_fixtures"
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "secp256k1": ec.SECP256K1()}
CERTIFICATE_LIFETIME = timedelta(days=5 * 365)

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PrivateKey = SigningKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How one key is published. `name` lets several entries publish the same key."""

    kty: str = "RSA"
    bits: int = 2048
    crv: str | None = None
    kid: str = "hex"
    alg: str | None = None
    use: str | None = "sig"
    name: str = ""
    certificate_ends: str = ""
    thumbprints: tuple[str, ...] = ("x5t",)
    leading_zero: bool = False
    ordinary_base64: bool = False
    padded: bool = False
    members: Mapping[str, Any] = field(default_factory=dict)


def rs256(**shape: Any) -> Shape:
    """What most providers publish: an RSA key that says RS256 and `sig`."""
    return Shape(alg="RS256", **shape)


def es256(**shape: Any) -> Shape:
    """A P-256 key."""
    return Shape(kty="EC", crv="P-256", **shape)


def entra(name: str, issuer: str = "", **shape: Any) -> Shape:
    """Microsoft: no `alg`, the certificate's hash as `kid`, and from v2.0 on the issuer the key is for."""
    members = {"issuer": issuer, "cloud_instance_name": "microsoftonline.com"} if issuer else {}
    return Shape(name=f"entra {name}", kid="x5t", certificate_ends="2029-08-01", members=members, **shape)


def paypal(*acr: str) -> Shape:
    """A key without `alg` and `use` that says which assurance levels it signs for, as a list."""
    return es256(use=None, members={"acr": list(acr)} if acr else {})


ANY_TENANT = "https://login.microsoftonline.com/{tenantid}/v2.0"
CONSUMERS = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
ONE_TENANT = "https://login.microsoftonline.com/a51dae83-9ea9-4d51-ae6b-52ae0337a7f9/v2.0"
BOTH_THUMBPRINTS = ("x5t", "x5t#S256")

SETS: dict[str, tuple[Shape, ...]] = {
    "adfs": (rs256(bits=4096, kid="x5t", certificate_ends="2024-11-08"),),
    "apple": (rs256(kid="short"),) * 3,
    "auth0": (
        rs256(kid="base64", certificate_ends="2032-05-01"),
        rs256(kid="short", certificate_ends="2034-10-01"),
    ),
    "authentik": (rs256(bits=4096, certificate_ends="2026-10-30", thumbprints=BOTH_THUMBPRINTS),),
    "battle-net": (rs256(kid="uuid", leading_zero=True, ordinary_base64=True),) * 2,
    "certification-suite": (
        Shape(kid="uuid"),
        Shape(kid="uuid"),
        es256(kid="uuid"),
        es256(kid="uuid"),
        Shape(kty="EC", crv="secp256k1", kid="uuid"),
        Shape(kty="OKP", crv="Ed25519", kid="uuid"),
        Shape(kid="uuid", use="enc", alg="RSA-OAEP"),
        es256(kid="uuid", use="enc", alg="ECDH-ES"),
    ),
    "discord": (rs256(bits=4096, kid="thumbprint"),),
    "dropbox": (rs256(kid="padded thumbprint"),),
    "entra-common": (
        *(entra(name, ANY_TENANT) for name in "ABCDE"),
        *(entra(name, CONSUMERS) for name in "FG"),
    ),
    "entra-organizations": tuple(entra(name, ANY_TENANT) for name in "ABCDEH"),
    "entra-tenant": tuple(entra(name, ONE_TENANT) for name in "IJ"),
    "entra-v1-common": tuple(entra(name) for name in "ABCDE"),
    "facebook": (rs256(),) * 2,
    "gitlab": (rs256(bits=4096, kid="thumbprint"), rs256(kid="thumbprint")),
    "google": (rs256(),) * 2,
    "google-legacy": (rs256(),) * 3,
    "identityserver-demo": (Shape(kid="x5t", certificate_ends="2020-01-20"),),
    "keycloak": (
        rs256(kid="thumbprint", certificate_ends="2033-03-01", thumbprints=BOTH_THUMBPRINTS),
        Shape(
            alg="RSA-OAEP",
            use="enc",
            kid="thumbprint",
            certificate_ends="2033-03-01",
            thumbprints=BOTH_THUMBPRINTS,
        ),
    ),
    "keycloak-http": (
        Shape(
            alg="RSA-OAEP",
            use="enc",
            kid="thumbprint",
            certificate_ends="2034-09-01",
            thumbprints=BOTH_THUMBPRINTS,
        ),
        rs256(kid="thumbprint", certificate_ends="2034-09-01", thumbprints=BOTH_THUMBPRINTS),
    ),
    "klarna": (
        rs256(bits=4096, name="klarna 1", kid="=public:1"),
        rs256(bits=4096, name="klarna 1", kid="=private:1"),
        rs256(bits=4096, name="klarna 2", kid="=public:2"),
        rs256(bits=4096, name="klarna 2", kid="=private:2"),
    ),
    "lego": tuple(rs256(certificate_ends=day) for day in ("2024-12-06", "2025-03-04", "2025-06-02")),
    "line": (*(rs256(leading_zero=True),) * 3, es256(alg="ES256")),
    "mojeid": (Shape(bits=4096, kid="thumbprint", use=None),),
    "okta": (rs256(kid="thumbprint"),) * 2,
    "okta-custom-as": (rs256(kid="thumbprint"),),
    "onelogin": (Shape(kid="thumbprint", members={"status": "active"}),),
    "paypal": (
        rs256(leading_zero=True),
        rs256(),
        rs256(leading_zero=True),
        paypal("idp", "server", "native", "user"),
        paypal("idp", "server", "native", "user"),
        paypal("client"),
        paypal("client"),
        Shape(kty="OKP", crv="X25519", use=None, padded=True),
        Shape(alg="PS256", leading_zero=True),
        rs256(leading_zero=True),
        Shape(alg="PS256"),
        paypal(),
        paypal("client"),
        paypal("client"),
        Shape(alg="PS256", leading_zero=True),
    ),
    "pingfederate": (Shape(kid="=20bq7"), Shape(kid="=20bq3"), Shape(kid="=20bpz")),
    "slack": (rs256(kid="thumbprint", use=None),),
    "spotify": (rs256(kid="=sig-1762000000"), rs256(kid="=sig-1761400000"), rs256(kid="=sig-1760800000")),
    "twitch": (rs256(kid="=1"),),
    "vault": (rs256(kid="uuid"),) * 2,
    "verimi": (Shape(kid="=public:a"), rs256(kid="=public:b")),
    "yahoo": (
        rs256(bits=1024, leading_zero=True),
        es256(alg="ES256"),
        rs256(bits=1024, leading_zero=True, name="yahoo", kid="=0"),
        rs256(bits=1024, leading_zero=True, name="yahoo", kid="=4"),
    ),
}


@cache
def named_key(name: str, bits: int) -> rsa.RSAPrivateKey:
    """The one key that goes by this name in all sets."""
    return rsa.generate_private_key(65537, bits)


def private_key(shape: Shape) -> PrivateKey:
    """Make the key, or take the one that another entry publishes as well."""
    if shape.kty == "RSA":
        return named_key(shape.name or secrets.token_hex(), shape.bits)
    if shape.kty == "EC":
        return ec.generate_private_key(CURVES[shape.crv or ""])
    if shape.crv == "X25519":
        return x25519.X25519PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


def base64url(raw: bytes) -> str:
    """Base64url without padding, as RFC 7518 wants numbers and hashes written."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_members(shape: Shape, key: PrivateKey) -> dict[str, str]:
    """Return the key's numbers, written with the provider's slips."""
    if isinstance(key, rsa.RSAPrivateKey):
        modulus = key.public_key().public_numbers().n.to_bytes(shape.bits // 8, "big")
        modulus = b"\0" * shape.leading_zero + modulus
        return {
            "n": (b64encode(modulus).decode() if shape.ordinary_base64 else base64url(modulus)),
            "e": "AQAB",
        }
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        return {
            "crv": shape.crv or "",
            "x": base64url(point.x.to_bytes(32, "big")),
            "y": base64url(point.y.to_bytes(32, "big")),
        }
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": shape.crv or "", "x": base64url(raw) + "=" * shape.padded}


def certificate_members(shape: Shape, key: PrivateKey, host: str) -> dict[str, Any]:
    """Return `x5c` and its hashes: a self-signed certificate that ends when the shape says."""
    if not shape.certificate_ends or not isinstance(key, rsa.RSAPrivateKey):
        return {}
    end = datetime.fromisoformat(shape.certificate_ends).replace(tzinfo=timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - CERTIFICATE_LIFETIME)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    thumbprints = {"x5t": hashlib.sha1(certificate), "x5t#S256": hashlib.sha256(certificate)}
    return {
        "x5c": [b64encode(certificate).decode()],
        **{member: base64url(thumbprints[member].digest()) for member in shape.thumbprints},
    }


def key_id(shape: Shape, certificate: Mapping[str, Any]) -> str:
    """Return a `kid` in the provider's style; what follows `=` is taken as it stands."""
    if shape.kid.startswith("="):
        return shape.kid[1:]
    styles = {
        "hex": secrets.token_hex(20),
        "short": secrets.token_urlsafe(15),
        "base64": base64url(secrets.token_hex(20).upper().encode()),
        "thumbprint": secrets.token_urlsafe(32),
        "padded thumbprint": secrets.token_urlsafe(32) + "=",
        "uuid": str(uuid.uuid4()),
    }
    return str(certificate["x5t"]) if shape.kid == "x5t" else styles[shape.kid]


def published(shape: Shape, host: str) -> dict[str, Any]:
    """Return the JWK of a new key."""
    key = private_key(shape)
    certificate = certificate_members(shape, key, host)
    optional = {"alg": shape.alg, "use": shape.use}
    return {
        "kty": shape.kty,
        "kid": key_id(shape, certificate),
        **{name: value for name, value in optional.items() if value is not None},
        **public_members(shape, key),
        **certificate,
        **shape.members,
    }


def main() -> None:
    """Write every set."""
    for provider, shapes in SETS.items():
        document = {"keys": [published(shape, f"{provider}.example") for shape in shapes]}
        folder = FIXTURES / provider
        folder.mkdir(exist_ok=True)
        (folder / "jwks.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
