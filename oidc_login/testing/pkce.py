"""Proof Key for Code Exchange on the provider's side (RFC 7636)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from oidc_login.testing.authorize_page import AuthorizationRefused
from oidc_login.testing.signing import base64url

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(parameters: Mapping[str, str], *, required: bool) -> None:
    """A challenge must be S256 and well-formed (RFC 7636 4.3)."""
    challenge = parameters.get("code_challenge", "")
    if not challenge and not required:
        return
    if not _CHALLENGE.fullmatch(challenge):
        raise AuthorizationRefused("invalid_request", "code_challenge is missing or not 43 base64url characters")
    if parameters.get("code_challenge_method") != "S256":
        raise AuthorizationRefused("invalid_request", "code_challenge_method is not S256")


def verifier_matches(verifier: str, challenge: str) -> bool:
    """A verifier is required if and only if a challenge was sent (RFC 7636 4.6, RFC 9700 2.1.1)."""
    if not challenge:
        return not verifier
    well_formed = _VERIFIER.fullmatch(verifier) is not None
    return well_formed and base64url(hashlib.sha256(verifier.encode()).digest()) == challenge
