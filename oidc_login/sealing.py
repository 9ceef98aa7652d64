"""Sealing: authenticated encryption (AES-256-GCM) with keys derived from the site's secrets."""

from __future__ import annotations

import hashlib
import json
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from oidc_login.conf import django, settings

# The models import this module, so `cryptography` is only imported at first use.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_ID_BYTES = 4


class SealError(Exception):
    """The text was sealed with an unknown key or for another use, was changed, or is too old."""


def flow_keys() -> Sequence[str]:
    """Return the secrets for short-lived values: `SECRET_KEY` and its fallbacks."""
    return (django.SECRET_KEY, *django.SECRET_KEY_FALLBACKS)


def token_keys() -> Sequence[str]:
    """Return the secrets for stored tokens: `OIDC_LOGIN_TOKEN_KEYS`, or Django's secrets."""
    return settings.TOKEN_KEYS or flow_keys()


def token_key_names() -> Sequence[str]:
    """Return the names of the `token_keys` in the settings, in the same order."""
    if settings.TOKEN_KEYS:
        return [f"OIDC_LOGIN_TOKEN_KEYS[{position}]" for position in range(len(settings.TOKEN_KEYS))]
    return ["SECRET_KEY", *(f"SECRET_KEY_FALLBACKS[{n}]" for n in range(len(django.SECRET_KEY_FALLBACKS)))]


def old_token_keys_setting() -> str:
    """Return the name of the setting for previously used secrets."""
    return "OIDC_LOGIN_TOKEN_KEYS" if settings.TOKEN_KEYS else "SECRET_KEY_FALLBACKS"


def seal(plaintext: bytes, *, purpose: str, associated_data: bytes, secrets: Sequence[str]) -> str:
    """Return `plaintext` encrypted with the first secret and bound to `associated_data`, as base64url."""
    cipher, key_id = _cipher(secrets[0], purpose)
    nonce = os.urandom(NONCE_BYTES)
    sealed = key_id + nonce + cipher.encrypt(nonce, plaintext, associated_data)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def unseal(text: str, *, purpose: str, associated_data: bytes, secrets: Sequence[str]) -> bytes:
    """Return the plaintext sealed with one of the secrets for this use, or raise `SealError`."""
    from cryptography.exceptions import InvalidTag

    position = position_of_secret(text, purpose=purpose, secrets=secrets)
    if position is None:
        raise SealError("key")
    cipher, _ = _cipher(secrets[position], purpose)
    sealed = _decoded(text)
    nonce = sealed[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES]
    try:
        return cipher.decrypt(nonce, sealed[KEY_ID_BYTES + NONCE_BYTES :], associated_data)
    except (InvalidTag, ValueError) as error:
        raise SealError("authentication") from error


def seal_json(
    value: Any,
    *,
    purpose: str,
    bound_to: bytes,
    secrets: Sequence[str],
    ensure_ascii: bool = True,
    default: Callable[[Any], Any] | None = None,
) -> str:
    """Return a JSON value encrypted with the first secret and bound to `bound_to`, as base64url."""
    plain = json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii, default=default).encode()
    return seal(plain, purpose=purpose, associated_data=bound_to, secrets=secrets)


def unseal_json(
    text: str,
    *,
    purpose: str,
    bound_to: bytes,
    secrets: Sequence[str],
    expires_at: Callable[[Any], float] | None = None,
    now: float | None = None,
) -> Any:
    """Return the JSON value sealed for this use, or raise `SealError`.

    `expires_at` returns the expiry of the value.
    """
    value = json.loads(unseal(text, purpose=purpose, associated_data=bound_to, secrets=secrets))
    if expires_at is not None and (time.time() if now is None else now) > expires_at(value):
        raise SealError("expired")
    return value


def position_of_secret(text: str, *, purpose: str, secrets: Sequence[str]) -> int | None:
    """Return the position of the secret that sealed a text, or `None`; raise `SealError` for malformed text."""
    key_id = _decoded(text)[:KEY_ID_BYTES]
    known = (_cipher(secret, purpose)[1] for secret in secrets)
    return next((position for position, known_id in enumerate(known) if known_id == key_id), None)


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError as error:
        raise SealError("format") from error


@lru_cache(maxsize=64)
def _cipher(secret: str | bytes, purpose: str) -> tuple[AESGCM, bytes]:
    """Return the cipher of a secret for one purpose, and the identifier at the start of its ciphertexts."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    raw = secret if isinstance(secret, bytes) else secret.encode()
    key = HKDF(algorithm=SHA256(), length=32, salt=b"oidc_login", info=purpose.encode()).derive(raw)
    return AESGCM(key), hashlib.sha256(b"id" + key).digest()[:KEY_ID_BYTES]
