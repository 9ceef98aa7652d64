"""Microsoft Entra ID and personal Microsoft accounts (https://learn.microsoft.com/entra/identity-platform)."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import InvalidIDToken, MetadataInvalid, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.metadata import WELL_KNOWN, ProviderMetadata, TenantRule
from oidc_login.providers.microsoft_groups import GRAPH_URL, read_groups
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.providers.values import OAuthToken

logger = logging.getLogger(__name__)

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The tenant of all personal accounts.
# https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#payload-claims
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
# Endpoints that people of many tenants use; the first one also accepts personal accounts.
SHARED = ("common", "organizations")
ANY = "*"
# The claim that stores the groups from Graph. No token has it, so it cannot be confused with a claim of a token.
GRAPH_CLAIM = "graph_groups"


class MicrosoftProvider(OIDCProvider):
    """Work, school and personal accounts. `tenant` is one tenant, or a shared endpoint with `allowed_tenants`."""

    display_name = "Microsoft"
    brand_color = "#0067b8"
    monogram = "MS"
    kept_claims = ("oid", "tid")
    # https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#use-claims-to-reliably-identify-a-user
    alternate_claim = "oid"

    # https://learn.microsoft.com/entra/identity-platform/access-tokens#multitenant-applications
    tenants = TenantRule(placeholder="{tenantid}", claim="tid", pattern=GUID)
    # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    token_profile = "entra"  # noqa: S105  # a name
    # https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
    exchanges_on_behalf_of = True
    email_claims = (*OIDCProvider.email_claims, "xms_edov")

    def __init__(
        self,
        *,
        tenant: str,
        allowed_tenants: Sequence[str] = (),
        authority: str = "https://login.microsoftonline.com",
        groups_from: Literal["claims", "graph"] = "claims",
        graph_names: bool = False,
        graph_url: str = GRAPH_URL,
        scope: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.authority = authority.rstrip("/")
        self.tenant = tenant.lower()
        self.groups_from = groups_from
        self.graph_names = graph_names
        self.graph_url = graph_url.rstrip("/")
        if groups_from == "graph" and scope is None:
            scope = f"{self.default_scope} User.Read" + (" GroupMember.Read.All" if graph_names else "")
        super().__init__(discovery_url=f"{self.authority}/{self.tenant}/v2.0{WELL_KNOWN}", scope=scope, **kwargs)
        if groups_from == "graph":
            self.groups_paths = (GRAPH_CLAIM, *(path for path in self.groups_paths if path != "groups"))
        named = (allowed_tenants,) if isinstance(allowed_tenants, str) else allowed_tenants
        self.allowed_tenants = frozenset(name.lower() for name in named)
        self._check_tenants()

    def _check_tenants(self) -> None:
        """Reject settings that would admit more people than intended, or nobody."""
        if self.is_shared and not self.allowed_tenants:
            raise ValueError(
                f"tenant {self.tenant!r} is open to every tenant: name allowed_tenants, or write '*' to mean that"
            )
        if self.allowed_tenants and not self.is_shared:
            raise ValueError(f"allowed_tenants has no meaning with the one tenant {self.tenant!r}")
        if not all(GUID.fullmatch(name) for name in self.allowed_tenants - {ANY}):
            raise ValueError("allowed_tenants holds something that is not the GUID of a tenant")
        if self.trust_email and ANY in self.allowed_tenants:
            raise ValueError("trust_email would believe what anybody writes into a tenant of their own")
        if self.graph_names and ANY in self.allowed_tenants:
            raise ValueError("graph_names would believe what anybody calls a group in a tenant of their own")

    @property
    def is_shared(self) -> bool:
        """Whether this provider admits people of many tenants."""
        return self.tenant in SHARED

    def issuer_of(self, tenant: str) -> str:
        return f"{self.authority}/{tenant}/v2.0"

    # Issuers.

    def get_possible_issuers(self) -> tuple[str, ...]:
        """Return the issuer of the tenant, or the template. The issuer of a domain is only known from its document."""
        if self.is_shared:
            return (self.issuer_of("{tenantid}"),)
        tenant = PERSONAL if self.tenant == "consumers" else self.tenant
        return (self.issuer_of(tenant),) if GUID.fullmatch(tenant) else ()

    def check_document(self, metadata: ProviderMetadata) -> None:
        """Accept a document from the same authority that names the tenant by GUID instead of domain."""
        if self.get_possible_issuers():
            super().check_document(metadata)
            return
        tenant = metadata.issuer.removeprefix(f"{self.authority}/").removesuffix("/v2.0")
        if not GUID.fullmatch(tenant) or metadata.issuer != self.issuer_of(tenant):
            raise MetadataInvalid("issuer_mismatch")

    def get_issuer(self) -> str:
        """Return the issuer, or "" if each tenant has its own."""
        return "" if self.is_shared else super().get_issuer()

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        """Return the issuer of the person's tenant; the ID token was checked against it."""
        if not self.is_shared:
            return super().get_identity_issuer(claims)
        if not claims.get("iss"):
            raise InvalidIDToken("iss")  # an access token does not say which tenant it belongs to
        return str(claims["iss"])

    def get_logout_issuers(self) -> tuple[str, ...]:
        """Return the issuers of the allowed tenants, or none if any tenant is allowed."""
        if not self.is_shared:
            return super().get_logout_issuers()
        return tuple(self.issuer_of(tenant) for tenant in sorted(self.allowed_tenants - {ANY}))

    # People.

    def check_claims(self, claims: Mapping[str, Any]) -> bool:
        """Whether the person's tenant is allowed."""
        if not self.is_shared:
            return True
        tenant = str(claims.get("tid"))
        if tenant == PERSONAL and self.tenant == "organizations":
            return False
        return not self.allowed_tenants.isdisjoint((ANY, tenant))

    # Groups.

    def needs_userinfo(self, claims: Mapping[str, Any], *, is_known: bool, wanted: Sequence[str]) -> bool:
        """Return whether a request to userinfo or Graph is needed."""
        if self.groups_from == "graph" and GRAPH_CLAIM in wanted:
            return True
        return super().needs_userinfo(claims, is_known=is_known, wanted=wanted)

    @sensitive_variables()
    def get_userinfo(self, oauth_token: OAuthToken, *, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return all claims and the groups from Graph; without an ID token there are no groups."""
        if self.groups_from != "graph" or not claims:
            return super().get_userinfo(oauth_token, claims=claims)
        others = [name for name in self.wanted_claims() if name != GRAPH_CLAIM]
        if super().needs_userinfo(claims, is_known=False, wanted=others):
            claims = super().get_userinfo(oauth_token, claims=claims)
        if claims.get("tid") == PERSONAL:  # personal accounts have no groups
            return dict(claims)
        return {**claims, GRAPH_CLAIM: self._groups_of_graph(oauth_token)}

    @sensitive_variables()
    def _groups_of_graph(self, oauth_token: OAuthToken) -> list[str] | None:
        """Return the person's groups, or `None` if they are unavailable, which does not fail the sign-in."""
        try:
            return read_groups(self.transport, self.graph_url, oauth_token.access_token, names=self.graph_names)
        except (ProviderUnavailable, ResponseInvalid, MetadataInvalid) as error:
            logger.warning("groups of Microsoft Graph unavailable: reason=%s provider=%s", error.reason, self.key)
            return None

    # Addresses.

    def is_email_verified(self, claims: Mapping[str, Any]) -> bool:
        """Whether the tenant owns the domain of the address; only the optional claim `xms_edov` says so.

        Microsoft documents it as a boolean, but "1" and "true" have been observed.
        """
        owned = claims.get("xms_edov")
        if owned is None:
            return self.trust_email and claims.get("email_verified") in (None, True)
        return owned is True or owned in ("1", "true")
