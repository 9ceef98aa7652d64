"""Providers that describe themselves: a discovery document, and the keys of what they sign (Discovery, RFC 7517)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.authorization import authorization_url
from oidc_login.protocol.documents import CachedDocument, Store, read_json
from oidc_login.protocol.errors import InvalidIDToken, MetadataInvalid, UnknownKey
from oidc_login.protocol.jose import ASYMMETRIC_ALGORITHMS, MIN_SECRET_BYTES, SYMMETRIC_ALGORITHMS, is_encrypted
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import (
    REQUIRED_URLS,
    ProviderMetadata,
    TenantRule,
    check_issuer,
    discovery_url_for,
    issuers_for,
)
from oidc_login.protocol.pushed import push, pushed_request
from oidc_login.providers.oauth2 import ENDPOINTS, OAuth2Provider

T = TypeVar("T")


class DocumentedProvider(OAuth2Provider):
    """A provider whose endpoints, issuer and keys follow from its document; what it signs is verified here."""

    default_discovery_url: ClassVar[str] = ""
    # The discovery document, completed by `metadata`, says the one; the claims have their own names.
    unused_arguments = frozenset(("mapping", *ENDPOINTS))

    # What the document lacks. A class that sets one of these says which provider forces it to.
    default_metadata: ClassVar[Mapping[str, Any]] = {}
    token_endpoint_auth_methods_supported: ClassVar[tuple[str, ...]] = ()
    # Spellings of the issuer in its document and in ID tokens; identities are kept under the first.
    issuer_aliases: ClassVar[tuple[str, ...]] = ()
    # An issuer for each tenant.
    tenants: ClassVar[TenantRule | None] = None

    def __init__(
        self,
        *,
        discovery_url: str = "",
        issuer: str = "",
        metadata: Mapping[str, Any] | None = None,
        id_token_signing_algs: Sequence[str] | None = None,
        leeway: float = 30,
        push_authorization_requests: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.metadata_overrides = {**self.default_metadata, **(metadata or {})}
        self._expected_issuer = issuer or self.metadata_overrides.get("issuer", "")
        self.discovery_url = discovery_url or self.default_discovery_url
        if not self.discovery_url and self._expected_issuer:
            self.discovery_url = discovery_url_for(self._expected_issuer)
        self.id_token_signing_algs = tuple(id_token_signing_algs or ())
        self.leeway = leeway
        self.push_authorization_requests = push_authorization_requests
        self.store: Store | None = None
        self._document: CachedDocument[ProviderMetadata] | None = None
        self._key_set: CachedDocument[KeySet] | None = None
        self._making = threading.Lock()  # two threads must not make two documents, and fetch both

    # The document.

    def _parse_metadata(self, document: object) -> ProviderMetadata:
        metadata = ProviderMetadata.from_json(document, overrides=self.metadata_overrides, tenants=self.tenants)
        self.check_document(metadata)
        return metadata

    def check_document(self, metadata: ProviderMetadata) -> None:
        """The document must be the one of the issuer that was asked (Discovery 4.3)."""
        check_issuer(metadata, expected=self.get_possible_issuers())

    @property
    def metadata(self) -> ProviderMetadata:
        """The provider's metadata, from its discovery document and the site's `metadata`."""
        if self._document is None and all(self.metadata_overrides.get(name) for name in REQUIRED_URLS):
            return self._complete_metadata
        return (self._document or self._make_document()).get(now=time.time())

    def _make_document(self) -> CachedDocument[ProviderMetadata]:
        with self._making:
            if self._document is None:
                self._document = CachedDocument(
                    self.discovery_url, parse=self._parse_metadata, transport=self.transport, store=self.store
                )
            return self._document

    @cached_property
    def _complete_metadata(self) -> ProviderMetadata:
        """The metadata of settings that need no document."""
        return ProviderMetadata.from_json(self.metadata_overrides)

    def _published_keys(self) -> CachedDocument[KeySet]:
        url = self.metadata.jwks_uri
        with self._making:
            if self._key_set is None or self._key_set.url != url:
                self._key_set = CachedDocument(
                    url,
                    parse=KeySet.from_json,
                    transport=self.transport,
                    store=self.store,
                    cool_down=KeySet.cool_down,
                )
            return self._key_set

    def get_keys(self) -> KeySet:
        """Return the keys that verify what the provider signs (Core 10.1)."""
        secret = self._secret_keys()
        return secret if self._needs_secret_alone() else self._published_keys().get(now=time.time()) + secret

    def get_jwk_set(self, *, newer: bool = False) -> Any:
        """Return the published key set as it is (RFC 7517 5), asked for anew at most once in a cool-down."""
        published, now = self._published_keys(), time.time()
        keys = published.get(now=now)
        if newer:
            published.newer_than(keys, now=now)
        return read_json(published.body)

    @property
    def authorization_endpoint(self) -> str:  # type: ignore[override]  # known after discovery
        return self.metadata.authorization_endpoint

    @property
    def token_endpoint(self) -> str:  # type: ignore[override]
        return self.metadata.token_endpoint

    @property
    def userinfo_endpoint(self) -> str:  # type: ignore[override]
        return self.metadata.userinfo_endpoint

    @property
    def revocation_endpoint(self) -> str:  # type: ignore[override]
        return self.metadata.revocation_endpoint

    def can_be_found(self) -> bool:
        """Whether the arguments say where the provider describes itself."""
        return bool(self.discovery_url)

    def get_issuer(self) -> str:
        return self.metadata.issuer

    def get_possible_issuers(self) -> tuple[str, ...]:
        own = (self._expected_issuer,) if self._expected_issuer else issuers_for(self.discovery_url)
        return (*own, *self.issuer_aliases)

    def get_accepted_issuers(self) -> tuple[str, ...]:
        """Return what tokens may call the issuer: as its document does today, and as its class knows it."""
        return (self.metadata.issuer, *self.issuer_aliases)

    def get_lasting_issuer(self) -> str:
        """Return the issuer by the one name under which identities are kept, however the document spells it today."""
        return self._lasting(self.metadata.issuer)

    def _lasting(self, issuer: str) -> str:
        return self.issuer_aliases[0] if issuer in self.issuer_aliases else issuer

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        return self.get_lasting_issuer()

    def is_possible_issuer(self, issuer: str) -> bool:
        possible = [self._lasting(name) for name in self.get_possible_issuers()]
        filled = self.tenants is not None and any(self.tenants.is_filled(name, issuer) for name in possible)
        return not possible or issuer in possible or filled

    def requires_response_issuer(self) -> bool:
        return self.metadata.authorization_response_iss_parameter_supported

    def get_supported_auth_methods(self) -> tuple[str, ...]:
        return self.token_endpoint_auth_methods_supported or self.metadata.token_endpoint_auth_methods_supported

    def get_signing_algorithms(self) -> tuple[str, ...]:
        """Return the algorithms that ID tokens may be signed with: the site's list, else the advertised ones.

        A MAC is allowed by the site's list alone; without any word the default is RS256 (Registration 2).
        """
        if self.id_token_signing_algs:
            known = (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS)
            return tuple(name for name in self.id_token_signing_algs if name in known)
        advertised = self.metadata.id_token_signing_alg_values_supported
        return tuple(name for name in advertised if name in ASYMMETRIC_ALGORITHMS) or ("RS256",)

    # The authorization request.

    def get_authorization_url(self, *, request: HttpRequest) -> str:
        """Return where to send the browser: with all that is asked for, or with what stands for it (RFC 9126 4)."""
        parameters = self.get_authorization_request(request=request)
        if self.push_authorization_requests or self.metadata.require_pushed_authorization_requests:
            parameters = {
                "client_id": self.get_client_id(),
                "request_uri": self._with_client_secret(lambda secret: self._push(parameters, client_secret=secret)),
            }
        return authorization_url(self.authorization_url, parameters)

    @sensitive_variables()
    def _push(self, parameters: Mapping[str, Any], *, client_secret: str) -> str:
        now, endpoint = time.time(), self.metadata.pushed_authorization_request_endpoint
        if not endpoint:
            raise MetadataInvalid("pushed_authorization_request_endpoint")
        authentication = self.authenticate_client(client_secret, now=now)
        asked = pushed_request(endpoint, parameters, authentication=authentication, headers=self.request_headers)
        return push(self.transport, asked, now=now)

    # What is signed.

    def _decrypted(self, raw: str) -> str:
        """Return the nested signed token of an encrypted one (Core 10.2), only where a key is configured."""
        if not is_encrypted(raw):
            return raw
        if self._private_key is None:
            raise InvalidIDToken("encryption")
        return self._private_key.decrypt(raw)

    def _with_keys(self, verify: Callable[[KeySet], T]) -> T:
        """Verify with the keys at hand, and once more with newer ones when none of them fits (Core 10.1.1)."""
        secret = self._secret_keys()
        if self._needs_secret_alone():
            return verify(secret)
        published = self._published_keys()
        keys = published.get(now=time.time())
        try:
            return verify(keys + secret)
        except UnknownKey:
            newer = published.newer_than(keys, now=time.time())
            if newer is keys:
                raise
            return verify(newer + secret)

    def _needs_secret_alone(self) -> bool:
        """Whether the site's list allows MACs and nothing else."""
        asymmetric = any(name in ASYMMETRIC_ALGORITHMS for name in self.id_token_signing_algs)
        return bool(self._secret_keys().keys) and not asymmetric

    def _secret_keys(self) -> KeySet:
        """Return the client secrets as keys, where the site's list allows a MAC and they are long enough."""
        if not any(name in SYMMETRIC_ALGORITHMS for name in self.id_token_signing_algs):
            return KeySet()
        long_enough = [s for s in self._client_secrets if len(s.encode()) >= MIN_SECRET_BYTES]
        return sum(map(KeySet.of_secret, long_enough), KeySet())
