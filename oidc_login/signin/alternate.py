"""The second identifier of a person, by which connections are found where each client knows another `sub`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.conf import settings
from oidc_login.protocol.id_token import is_subject
from oidc_login.providers.base import OAuthProvider


def alternate_id_of(provider: OAuthProvider, claims: Mapping[str, Any]) -> str:
    """Return the second identifier that verified claims hold, "" where the provider has none.

    It means something under the issuer of the identity, which names the tenant.
    """
    name = alternate_claim_of(provider)
    value = claims.get(name) if name else None
    return str(value) if is_subject(value) else ""


def alternate_claim_of(provider: OAuthProvider) -> str:
    """Return the claim that the site's APIs know people by, or else the one of the provider's class."""
    named = settings.BEARER_PROVIDERS
    entry = named.get(provider.key) if isinstance(named, Mapping) else None
    subject = entry.get("subject") if isinstance(entry, Mapping) else None
    return str(subject) if subject and subject != "sub" else provider.alternate_claim
