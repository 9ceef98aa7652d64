"""Reports what the package would use from a live discovery document and its key set."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from oidc_login.protocol.documents import CachedDocument
from oidc_login.protocol.http.client import Transport
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import ProviderMetadata, check_issuer, issuers_for


def describe(url: str, transport: Transport, *, now: float) -> dict[str, Any]:
    """Return the metadata and keys that a provider with this discovery URL would use."""

    def parse(document: object) -> ProviderMetadata:
        metadata = ProviderMetadata.from_json(document)
        check_issuer(metadata, expected=issuers_for(url) or (metadata.issuer,))
        return metadata

    metadata = CachedDocument(url, parse=parse, transport=transport).get(now=now)
    keys = CachedDocument(metadata.jwks_uri, parse=KeySet.from_json, transport=transport).get(now=now)
    return {
        "metadata": asdict(metadata),
        "keys": [{"kid": key.kid, "kty": key.kty, "crv": key.crv, "alg": key.alg} for key in keys.keys],
        "keys_not_used": [{"kid": kid, "reason": reason} for kid, reason in keys.skipped],
    }
