"""Nonces for native sign-in: issued here, valid for `OIDC_LOGIN_FLOW_LIFETIME`, and used once.

A nonce is sealed, so it is only stored when it is used, and anybody may request any number of them.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any, Final

from django.views.decorators.debug import sensitive_variables

from oidc_login import sealing
from oidc_login.cache import add_once
from oidc_login.conf import settings
from oidc_login.contrib.headless.errors import NonceInvalid

PURPOSE: Final = "native_nonce"


def new_nonce(provider_key: str) -> str:
    """Return a nonce for one sign-in at this provider."""
    made = [int(time.time()), secrets.token_urlsafe(16)]
    return sealing.seal_json(made, purpose=PURPOSE, bound_to=provider_key.encode(), secrets=sealing.flow_keys())


@sensitive_variables()
def check_nonce(nonce: str, provider_key: str) -> None:
    """Raise `NonceInvalid` for a nonce that is forged, expired, or for another provider."""
    try:
        sealing.unseal_json(
            nonce,
            purpose=PURPOSE,
            bound_to=provider_key.encode(),
            secrets=sealing.flow_keys(),
            expires_at=lambda made: float(made[0]) + lifetime(),
        )
    except sealing.SealError as error:
        raise NonceInvalid("expired" if error.args == ("expired",) else "unknown") from None


@sensitive_variables()
def use_up_nonce(nonce: str) -> None:
    """Mark a nonce as used, or raise `NonceInvalid` if another request has used it."""
    digest = hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()
    if not add_once(f"oidc_login.native_nonce.{digest}", timeout=lifetime() + 60):
        raise NonceInvalid("used")


@sensitive_variables()
def expected_nonce(nonce: str, claimed: Any) -> str:
    """Return the form of the nonce in the ID token: unchanged, or its SHA-256 hash in lower-case hexadecimal.

    Apple's SDK gets the hash from the app, so that the raw value stays in the app:
    https://developer.apple.com/documentation/authenticationservices/asauthorizationopenidrequest/nonce
    """
    digest = hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()
    return digest if claimed == digest else nonce


def lifetime() -> int:
    return int(settings.FLOW_LIFETIME)
