"""An OpenID provider with known endpoints but no known issuer, as on sites with mozilla-django-oidc."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.documents import MAX_WAIT, CachedDocument
from oidc_login.protocol.errors import MetadataInvalid, ProtocolError, ProviderUnavailable
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import WELL_KNOWN, ProviderMetadata, check_issuer
from oidc_login.providers.oidc import OIDCProvider

MAX_PLACES = 12  # where to search for the document
COOL_DOWN = 10  # seconds between two searches for a document
# Values that the document and the site must agree on.
SAME = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class EndpointsProvider(OIDCProvider):
    """Finds its issuer in a discovery document next to its endpoints, unless the site sets the issuer.

    A document is only accepted if it is at the URL of its issuer (Discovery 4.3) and contains the endpoints and keys
    that the site already trusts. ID tokens are then verified as for any other provider.
    """

    def __init__(self, *, signing_key: Mapping[str, Any] | str | bytes | None = None, **kwargs: Any) -> None:
        """Verify ID tokens with `signing_key`, a PEM string or a JWK, instead of the published keys."""
        super().__init__(**kwargs)
        self._known_keys = None if signing_key is None else KeySet.of_public_key(signing_key)
        self._looking = threading.Lock()
        self._not_before = 0.0
        self._failure: ProtocolError = MetadataInvalid("issuer_unknown")

    def can_be_found(self) -> bool:
        return super().can_be_found() or all(self.metadata_overrides.get(name) for name in SAME[:2])

    @property
    def metadata(self) -> ProviderMetadata:
        """The provider's metadata; its document is searched for on first use."""
        if self.discovery_url:
            return super().metadata
        if not self.transport.acquire(self._looking, timeout=MAX_WAIT):
            raise ProviderUnavailable("busy")
        try:
            if not self.discovery_url:
                self._find_issuer(now=time.time())
        finally:
            self._looking.release()
        return super().metadata

    def _find_issuer(self, *, now: float) -> None:
        """Use the first document that belongs to this provider; if there is none, wait before searching again."""
        if now < self._not_before:
            raise self._failure.with_traceback(None)
        self._failure = MetadataInvalid("issuer_unknown")
        for issuer in folders_above(self._known_addresses().values())[:MAX_PLACES]:
            document = self._document_of(issuer)
            try:
                found = document.get(now=now)
            except MetadataInvalid:
                continue
            except ProviderUnavailable as error:
                self._failure = error
                continue
            self.documents.use_document(document)
            self.expected_issuer, self.discovery_url = found.issuer, document.url
            return
        self._not_before = now + COOL_DOWN
        raise self._failure

    def _known_addresses(self) -> dict[str, str]:
        return {name: str(self.metadata_overrides[name]) for name in SAME if self.metadata_overrides.get(name)}

    def _document_of(self, issuer: str) -> CachedDocument[ProviderMetadata]:
        """Return the document at a URL if it belongs to that issuer and contains the site's endpoints."""

        def parse(document: object) -> ProviderMetadata:
            described = ProviderMetadata.from_json(document)
            check_issuer(described, expected=(issuer, issuer + "/"))
            for name, address in self._known_addresses().items():
                if getattr(described, name) != address:
                    raise MetadataInvalid(name)
            return ProviderMetadata.from_json(document, overrides=self.metadata_overrides)

        return CachedDocument(issuer + WELL_KNOWN, parse=parse, transport=self.transport, store=self.documents.store)

    # The configured key.

    @sensitive_variables()
    def get_own_keys(self) -> KeySet:
        return super().get_own_keys() if self._known_keys is None else self._known_keys

    def uses_own_keys_only(self) -> bool:
        return self._known_keys is not None or super().uses_own_keys_only()


def folders_above(urls: Iterable[str]) -> list[str]:
    """Return the parent folders of these URLs, nearest first; for most providers, one of them is the issuer."""
    found: dict[str, None] = {}
    for url in urls:
        parts = urlsplit(url)
        folder = parts.path
        while folder:
            folder = folder.rpartition("/")[0]
            found[f"{parts.scheme}://{parts.netloc}{folder}"] = None
    return list(found)
