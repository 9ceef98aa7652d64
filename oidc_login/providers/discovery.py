"""The discovery document of a provider or the settings that replace it (OpenID Connect Discovery, RFC 7517)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from oidc_login.protocol.documents import Store
from oidc_login.protocol.http.client import Transport
from oidc_login.protocol.issuer import IssuerDocuments
from oidc_login.protocol.jose import allowed_algorithms, has_asymmetric, has_symmetric
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.metadata import (
    REQUIRED_URLS,
    ProviderMetadata,
    TenantRule,
    check_issuer,
    discovery_url_for,
    issuers_for,
)
from oidc_login.providers.interface import ProviderInterface


class DescribedByDocument(ProviderInterface):
    """A provider with a discovery document, or with settings that replace it."""

    is_generic: ClassVar[bool] = True
    transport: Transport
    client_secrets: Sequence[str]

    default_discovery_url: ClassVar[str] = ""
    # Values that the document lacks. A class that sets this says which provider requires it.
    default_metadata: ClassVar[Mapping[str, Any]] = {}
    # Spellings of the issuer in the document and in ID tokens. Identities are stored under the first one.
    issuer_aliases: ClassVar[tuple[str, ...]] = ()
    # Set if each tenant has its own issuer.
    tenants: ClassVar[TenantRule | None] = None
    # Whether tokens for other APIs are requested by Entra's grant instead of RFC 8693.
    exchanges_on_behalf_of: ClassVar[bool] = False

    def __init__(
        self,
        *,
        discovery_url: str = "",
        issuer: str = "",
        metadata: Mapping[str, Any] | None = None,
        id_token_signing_algs: Sequence[str] | None = None,
        leeway: float = 30,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.metadata_overrides = {**self.default_metadata, **(metadata or {})}
        self.expected_issuer = issuer or self.metadata_overrides.get("issuer", "")
        self.discovery_url = discovery_url or self.default_discovery_url
        if not self.discovery_url and self.expected_issuer:
            self.discovery_url = discovery_url_for(self.expected_issuer)
        self.id_token_signing_algs = tuple(id_token_signing_algs or ())
        self.leeway = leeway
        self.documents = IssuerDocuments(self)

    # The document.

    @property
    def metadata(self) -> ProviderMetadata:
        """The provider's metadata, from its discovery document and the site's `metadata`."""
        return self.documents.metadata()

    def get_metadata(self) -> ProviderMetadata:
        return self.metadata

    def parse_metadata(self, document: object) -> ProviderMetadata:
        """Return the metadata of a discovery document, or raise `MetadataInvalid`."""
        metadata = ProviderMetadata.from_json(document, overrides=self.metadata_overrides, tenants=self.tenants)
        self.check_document(metadata)
        return metadata

    def complete_metadata(self) -> ProviderMetadata | None:
        """Return the metadata from the settings if they are complete; `None` if a document is needed."""
        is_complete = all(self.metadata_overrides.get(name) for name in REQUIRED_URLS)
        return ProviderMetadata.from_json(self.metadata_overrides, tenants=self.tenants) if is_complete else None

    def check_document(self, metadata: ProviderMetadata) -> None:
        """Raise `MetadataInvalid` unless the document belongs to the expected issuer (Discovery 4.3)."""
        check_issuer(metadata, expected=self.get_possible_issuers())

    def share_documents(self, store: Store | None) -> None:
        self.documents.store = store

    def can_be_found(self) -> bool:
        return bool(self.discovery_url)

    def requires_response_issuer(self) -> bool:
        return self.metadata.authorization_response_iss_parameter_supported

    # The issuer.

    def get_issuer(self) -> str:
        return self.metadata.issuer

    def get_possible_issuers(self) -> tuple[str, ...]:
        own = (self.expected_issuer,) if self.expected_issuer else issuers_for(self.discovery_url)
        return (*own, *self.issuer_aliases)

    def get_accepted_issuers(self) -> tuple[str, ...]:
        """Return the issuers that tokens may name: the one in the current document, and the aliases of the class."""
        return (self.metadata.issuer, *self.issuer_aliases)

    def get_lasting_issuer(self) -> str:
        """Return the spelling of the issuer under which identities are stored."""
        return self._lasting(self.metadata.issuer)

    def _lasting(self, issuer: str) -> str:
        return self.issuer_aliases[0] if issuer in self.issuer_aliases else issuer

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        return self.get_lasting_issuer()

    def is_possible_issuer(self, issuer: str) -> bool:
        possible = [self._lasting(name) for name in self.get_possible_issuers()]
        filled = self.tenants is not None and any(self.tenants.is_filled(name, issuer) for name in possible)
        return not possible or issuer in possible or filled

    # The keys.

    def get_jwks_uri(self) -> str:
        return self.metadata.jwks_uri

    def get_signing_algorithms(self) -> tuple[str, ...]:
        """Return the site's list, or the advertised asymmetric algorithms, or RS256 (Registration 2)."""
        return allowed_algorithms(self.id_token_signing_algs, self.metadata.id_token_signing_alg_values_supported)

    def get_keys(self) -> KeySet:
        return self.documents.keys()

    def get_jwk_set(self, *, newer: bool = False) -> Any:
        return self.documents.jwk_set(newer=newer)

    def get_own_keys(self) -> KeySet:
        """Return the client secrets as keys if the site's list allows a MAC and they are long enough."""
        return KeySet.of_secrets(self.client_secrets) if has_symmetric(self.id_token_signing_algs) else KeySet()

    def uses_own_keys_only(self) -> bool:
        """Whether the site's list allows only MACs."""
        return bool(self.get_own_keys().keys) and not has_asymmetric(self.id_token_signing_algs)
