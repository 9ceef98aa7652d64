"""The documents of one OpenID provider, and verification with its keys (Discovery 4, Core 10.1.1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from oidc_login.protocol.documents import CachedDocument, Store, read_json
from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable, UnknownKey
from oidc_login.protocol.http.client import Transport
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import ProviderMetadata

PAUSE = 5  # seconds

T = TypeVar("T")


class DescribedProvider(Protocol):
    """A provider with a discovery document, or with settings that replace it."""

    discovery_url: str
    transport: Transport

    @property
    def metadata(self) -> ProviderMetadata: ...
    def parse_metadata(self, document: object) -> ProviderMetadata: ...
    def complete_metadata(self) -> ProviderMetadata | None: ...
    def get_own_keys(self) -> KeySet: ...
    def uses_own_keys_only(self) -> bool: ...


class IssuerDocuments:
    """The metadata and the key set of a provider, each created once and fetched when first needed."""

    def __init__(self, provider: DescribedProvider) -> None:
        self.store: Store | None = None
        self._provider = provider
        self._complete: ProviderMetadata | None = None
        self._document: CachedDocument[ProviderMetadata] | None = None
        self._key_set: CachedDocument[KeySet] | None = None
        self._making = threading.Lock()  # two threads must not create two documents and fetch both
        self._paused_until = 0.0

    # The metadata.

    def metadata(self) -> ProviderMetadata:
        """Return the metadata from the settings if they are complete, otherwise from the discovery document."""
        if self._document is None:
            self._complete = self._complete or self._provider.complete_metadata()
            if self._complete is not None:
                return self._complete
        return (self._document or self._make_document()).get(now=time.time())

    def members(self) -> dict[str, Any]:
        """Return all members of the discovery document as fetched; none before it has been fetched."""
        body = "" if self._document is None else self._document.body
        members: Any = read_json(body) if body else {}
        return dict(members)

    def use_document(self, document: CachedDocument[ProviderMetadata]) -> None:
        """Use this document for the metadata."""
        self._document = document

    def _make_document(self) -> CachedDocument[ProviderMetadata]:
        with self._making:
            if self._document is None:
                self._document = CachedDocument(
                    self._provider.discovery_url,
                    parse=self._provider.parse_metadata,
                    transport=self._provider.transport,
                    store=self.store,
                )
            return self._document

    # The keys.

    def published_keys(self) -> CachedDocument[KeySet]:
        """Return the document with the key set, whose URL may have changed."""
        url = self._provider.metadata.jwks_uri
        with self._making:
            if self._key_set is None or self._key_set.url != url:
                self._key_set = CachedDocument(
                    url,
                    parse=KeySet.from_json,
                    transport=self._provider.transport,
                    store=self.store,
                    cool_down=KeySet.cool_down,
                )
            return self._key_set

    def keys(self) -> KeySet:
        """Return the keys that verify the provider's signatures (Core 10.1)."""
        own = self._provider.get_own_keys()
        return own if self._provider.uses_own_keys_only() else self.published_keys().get(now=time.time()) + own

    def jwk_set(self, *, newer: bool = False) -> Any:
        """Return the published key set as JSON (RFC 7517 5), fetched at most once per cool-down."""
        published, now = self.published_keys(), time.time()
        keys = published.get(now=now)
        if newer:
            published.newer_than(keys, now=now)
        return read_json(published.body)

    def prepare_keys(self) -> None:
        """Fetch the published keys now if they are needed and due."""
        if not self._provider.uses_own_keys_only():
            self.published_keys().get(now=time.time())

    def verify(self, check: Callable[[KeySet], T]) -> T:
        """Return the result of `check` with the current keys, or with newer ones if none fits (Core 10.1.1)."""
        own = self._provider.get_own_keys()
        if self._provider.uses_own_keys_only():
            return check(own)
        published = self.published_keys()
        keys = published.get(now=time.time())
        try:
            return check(keys + own)
        except UnknownKey:
            newer = published.newer_than(keys, now=time.time())
            if newer is keys:
                raise
            return check(newer + own)

    @contextmanager
    def pausing_after_failures(self) -> Iterator[None]:
        """Fail at once for a while after the documents were unavailable, because anybody can cause the next fetch."""
        if time.time() < self._paused_until:
            raise ProviderUnavailable("documents")
        try:
            yield
        except (ProviderUnavailable, MetadataInvalid):
            self._paused_until = time.time() + PAUSE
            raise
