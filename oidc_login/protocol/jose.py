"""JOSE: parsing tokens, signatures, keys and decryption (RFC 7515, 7516, 7517, 7518, 8037, 8725).

Only this module and `private_key` import PyJWT and jwcrypto; jwcrypto is loaded at its first use. This module decides
which algorithms are supported, and its callers decide which of them a provider may use.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import get_default_algorithms

from oidc_login.protocol.errors import ClientMisconfigured, InvalidIDToken, ResponseInvalid
from oidc_login.protocol.http.messages import strict_json

if TYPE_CHECKING:
    pass

MAX_TOKEN_LENGTH = 64 * 1024
MAX_ENCRYPTED_LENGTH = 2 * MAX_TOKEN_LENGTH
MAX_HEADER_LENGTH = 8 * 1024  # encoded; a chain of certificates fits into this
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384
MAX_EXPONENT_BITS = 64
MIN_SECRET_BYTES = 32

# The algorithm, the type of key it needs, and the curve (RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2).
# ES256K and `none` are omitted on purpose.
_KEY_KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
    **dict.fromkeys(("HS256", "HS384", "HS512"), ("oct", None)),
}
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
SYMMETRIC_ALGORITHMS = ("HS256", "HS384", "HS512")
ASYMMETRIC_ALGORITHMS = tuple(name for name in _KEY_KINDS if name not in SYMMETRIC_ALGORITHMS)

KEY_ENCRYPTION_ALGORITHMS = (
    "RSA-OAEP",
    "RSA-OAEP-256",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
)
CONTENT_ENCRYPTION_ALGORITHMS = ("A128GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512")

_HASHES: dict[str, Callable[..., Any]] = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_JWT_ALGORITHMS = get_default_algorithms()
_JWT_ALGORITHMS["Ed25519"] = _JWT_ALGORITHMS["EdDSA"]
# A header and its content: the JSON serializations of RFC 7515 and RFC 7516 never match.
_HEADER = rf"([A-Za-z0-9_-]{{1,{MAX_HEADER_LENGTH}}})"
_COMPACT_JWS = re.compile(_HEADER + r"\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# The encrypted key is empty with direct key agreement (RFC 7516 5.1, ECDH-ES).
_COMPACT_JWE = re.compile(_HEADER + r"\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJWS:
    """A parsed JWS in compact serialization. Nothing in it is verified yet."""

    algorithm: str
    key_id: str | None
    token_type: str | None
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse_jws(raw: object) -> UnverifiedJWS:
    """Parse a compact JWS (RFC 7515 5.2, steps 1 to 5), or raise `InvalidIDToken`."""
    parts = _COMPACT_JWS.fullmatch(raw) if isinstance(raw, str) and len(raw) <= MAX_TOKEN_LENGTH else None
    if parts is None:
        raise InvalidIDToken("format")
    header = _json_object(_decode(parts[1]), "header")
    check_header(header)
    token_type = _optional_text(header, "typ")
    if token_type == "":
        raise InvalidIDToken("typ")
    return UnverifiedJWS(
        algorithm=_text(header, "alg"),
        key_id=_optional_text(header, "kid"),
        token_type=token_type,
        payload=_decode(parts[2]),
        signing_input=parts.string[: parts.end(2)].encode("ascii"),
        signature=_decode(parts[3]),
    )


def check_header(header: Mapping[str, Any]) -> None:
    """The package supports no extensions, so none may be critical (RFC 7515 4.1.11, RFC 7797 6)."""
    if "crit" in header or "b64" in header:
        raise InvalidIDToken("crit")


def _json_object(raw: bytes, part: str) -> dict[str, Any]:
    try:
        value = strict_json(raw)
    except ResponseInvalid as error:
        raise InvalidIDToken(part) from error
    if not isinstance(value, dict):
        raise InvalidIDToken(part)
    return value


def is_compact_jws(text: str) -> bool:
    """Whether a text has the form of a signed token; this says nothing about its validity."""
    return len(text) <= MAX_TOKEN_LENGTH and _COMPACT_JWS.fullmatch(text) is not None


def parse_claims(payload: bytes) -> dict[str, Any]:
    """Return the claims set of a JWT's payload: one JSON object without duplicate names (RFC 7519 4)."""
    return _json_object(payload, "payload")


def _text(header: Mapping[str, Any], name: str) -> str:
    value = header.get(name)
    if not isinstance(value, str):
        raise InvalidIDToken(name)
    return value


def _optional_text(header: Mapping[str, Any], name: str) -> str | None:
    return None if name not in header else _text(header, name)


def _decode(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise InvalidIDToken("base64") from error


def suits(algorithm: str, *, key_type: str, curve: str | None) -> bool:
    """Whether a key of this type and curve may be used with the algorithm (RFC 8725 3.1)."""
    kind = _KEY_KINDS.get(algorithm)
    return kind is not None and kind[0] == key_type and kind[1] in (None, curve)


def signature_is_valid(jws: UnverifiedJWS, key: PublicKey | bytes) -> bool:
    """Whether `key`, chosen by the caller with `suits`, verifies the signature (RFC 7515 5.2)."""
    algorithm = _JWT_ALGORITHMS[jws.algorithm]
    try:
        return bool(algorithm.verify(jws.signing_input, key, jws.signature))
    except (jwt.PyJWTError, ValueError, TypeError):  # an ES* signature with an invalid form or length
        return False


def import_public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """Return the public key of a JWK; raise `ValueError` with the reason if it must not be used."""
    from jwcrypto.common import JWException
    from jwcrypto.jwk import JWK

    members = {name: jwk[name] for name in ("kty", *_PUBLIC_MEMBERS.get(jwk["kty"], ())) if name in jwk}
    try:
        key = JWK(**members).get_op_key("verify")
    except (JWException, UnsupportedAlgorithm, ValueError, TypeError, OverflowError) as error:
        raise ValueError("malformed") from error
    if isinstance(key, RSAPublicKey):
        check_strength(key)
    if not isinstance(key, (RSAPublicKey, EllipticCurvePublicKey, Ed25519PublicKey)):
        raise ValueError("unsupported")
    return key


def read_public_key(key: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """Return the public JWK of a JWK or a PEM string; raise `ValueError` if it is neither."""
    from jwcrypto.common import JWException
    from jwcrypto.jwk import JWK

    try:
        jwk = JWK(**key) if isinstance(key, Mapping) else JWK.from_pem(key.encode() if isinstance(key, str) else key)
        return cast("dict[str, Any]", jwk.export_public(as_dict=True))
    except (JWException, UnsupportedAlgorithm, LookupError, ValueError, TypeError) as error:
        raise ValueError("signing_key is neither a JWK nor a PEM text") from error


def check_strength(key: RSAPublicKey) -> None:
    """RSA keys must have at least 2048 bits (RFC 7518 3.3), and not be so large that verifying is slow."""
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS or key.public_numbers().e.bit_length() > MAX_EXPONENT_BITS:
        raise ValueError("weak")


def left_half_hash(value: str, algorithm: str) -> str:
    """Return the `at_hash` of a value for a signing algorithm (Core 3.1.3.6)."""
    bits = "512" if algorithm in ("EdDSA", "Ed25519") else algorithm[-3:]
    digest = _HASHES[bits](value.encode("ascii")).digest()
    return encode(digest[: len(digest) // 2])


def encode(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def read_jwe_header(raw: str) -> dict[str, Any]:
    """Return the header of a compact JWE, or raise `InvalidIDToken`.

    Only the compact form is accepted. jwcrypto also reads the JSON form, which has multiple recipients and headers
    other than the checked one.
    """
    parts = _COMPACT_JWE.fullmatch(raw) if len(raw) <= MAX_ENCRYPTED_LENGTH else None
    if parts is None:
        raise InvalidIDToken("encryption")
    return _json_object(_decode(parts[1]), "header")


def usual_algorithm(curve: str | None) -> str:
    """Return the usual signature algorithm for a key on this curve, or RS256 without a curve."""
    by_curve: dict[str | None, str] = {kind[1]: name for name, kind in reversed(_KEY_KINDS.items()) if kind[1]}
    by_curve["Ed25519"] = "EdDSA"
    return by_curve.get(curve, "RS256")


def is_encrypted(raw: object) -> bool:
    """Whether a token has the five parts of a JWE; checked before any cryptography (RFC 7516 9)."""
    return isinstance(raw, str) and raw.count(".") == 4


def sign_with_secret(claims: Mapping[str, Any], secret: str) -> str:
    """Return the claims as a JWT signed with HS256 (Core 9, client_secret_jwt)."""
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise ClientMisconfigured("client_secret_too_short")
    return jwt.encode(dict(claims), secret, algorithm="HS256")


def allowed_algorithms(listed: Sequence[str], advertised: Iterable[str]) -> tuple[str, ...]:
    """Return the algorithms for ID tokens: the site's list, or the advertised asymmetric ones, or RS256.

    Only the site's list can allow a MAC (Registration 2).
    """
    if listed:
        return tuple(name for name in listed if name in (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS))
    return tuple(name for name in advertised if name in ASYMMETRIC_ALGORITHMS) or ("RS256",)


def has_asymmetric(algorithms: Iterable[str]) -> bool:
    return any(name in ASYMMETRIC_ALGORITHMS for name in algorithms)


def has_symmetric(algorithms: Iterable[str]) -> bool:
    return any(name in SYMMETRIC_ALGORITHMS for name in algorithms)
