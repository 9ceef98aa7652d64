"""A client's private key: signing assertions, and decrypting tokens (RFC 7515, RFC 7516, RFC 7517)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

from oidc_login.protocol.errors import ClientMisconfigured, InvalidIDToken
from oidc_login.protocol.jose import (
    ASYMMETRIC_ALGORITHMS,
    CONTENT_ENCRYPTION_ALGORITHMS,
    KEY_ENCRYPTION_ALGORITHMS,
    check_header,
    is_encrypted,
    read_jwe_header,
    usual_algorithm,
)

if TYPE_CHECKING:
    from jwcrypto.jwk import JWK


class PrivateKey:
    """A client's private key, for signing assertions and decrypting tokens. Its `repr` shows nothing."""

    def __init__(self, key: Mapping[str, Any] | str) -> None:
        """Accept a JWK, a PEM string, or the path of a file with one of them; raise `ValueError` for anything else."""
        from jwcrypto.common import JWException

        try:
            self._jwk = _read_private_key(key)
            has_private = self._jwk.has_private
        except (JWException, UnsupportedAlgorithm, LookupError, ValueError, TypeError, OSError) as error:
            raise ValueError("client_key is not a private JWK, a PEM text or the path of one") from error
        if not has_private:
            raise ValueError("client_key has no private part")

    def __repr__(self) -> str:
        return "<PrivateKey>"

    @property
    def key_id(self) -> str | None:
        return cast("str | None", self._jwk.get("kid"))

    @property
    def key_type(self) -> str:
        return cast("str", self._jwk.get("kty"))

    @property
    def algorithm(self) -> str:
        """The signature algorithm of this key: its own `alg`, or the usual one for its type."""
        declared = self._jwk.get("alg")
        if declared in ASYMMETRIC_ALGORITHMS:
            return cast("str", declared)
        return usual_algorithm(self._jwk.get("crv"))

    def sign(self, claims: Mapping[str, Any], *, key_id: str | None = None) -> str:
        """Return the claims as a signed JWT with `key_id`, or the key's own ID, in the header."""
        name = key_id or self.key_id
        try:
            return jwt.encode(
                dict(claims), self.to_pem(), algorithm=self.algorithm, headers={"kid": name} if name else None
            )
        except jwt.InvalidKeyError as error:  # the key can only decrypt, such as X25519
            raise ClientMisconfigured("client_key_cannot_sign") from error

    def to_pem(self) -> str:
        """Return the key as text, for signatures outside of JWTs."""
        return cast("bytes", self._jwk.export_to_pem(private_key=True, password=None)).decode("ascii")

    def decrypt(self, raw: str, *, algorithms: Collection[str] = KEY_ENCRYPTION_ALGORITHMS) -> str:
        """Return the plaintext of a compact JWE (RFC 7516 5.2), or raise `InvalidIDToken`."""
        from jwcrypto.common import JWException
        from jwcrypto.jwe import JWE

        header = read_jwe_header(raw)
        check_header(header)
        permitted = header.get("alg") in algorithms and header.get("enc") in CONTENT_ENCRYPTION_ALGORITHMS
        if "zip" in header or not permitted:
            raise InvalidIDToken("encryption")
        try:
            jwe = JWE(algs=[header["alg"], header["enc"]])
            jwe.deserialize(raw, self._jwk)
            return cast("bytes", jwe.payload).decode("ascii")
        except (JWException, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InvalidIDToken("encryption") from error


def _read_private_key(key: Mapping[str, Any] | str) -> JWK:
    from jwcrypto.jwk import JWK

    if isinstance(key, Mapping):
        return JWK(**key)
    if "-----BEGIN" in key:
        return JWK.from_pem(key.encode())
    text = Path(key).read_text()
    if "-----BEGIN" in text:
        return JWK.from_pem(text.encode())
    return JWK.from_json(text)


def decrypted(raw: str, key: PrivateKey | None) -> str:
    """Return the signed token inside an encrypted one (Core 10.2), or any other token unchanged."""
    if not is_encrypted(raw):
        return raw
    if key is None:
        raise InvalidIDToken("encryption")
    return key.decrypt(raw)
