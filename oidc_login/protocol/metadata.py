"""The provider's metadata (OpenID Connect Discovery 1.0, section 3; RFC 8414), strictly parsed and frozen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oidc_login.protocol.errors import Evidence, MetadataInvalid
from oidc_login.protocol.http.client import check_url
from oidc_login.protocol.http.messages import stated

WELL_KNOWN = "/.well-known/openid-configuration"

REQUIRED_URLS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
OPTIONAL_URLS = (
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
)
LISTS = (
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "response_modes_supported",
    "scopes_supported",
    "claims_supported",
    "code_challenge_methods_supported",
    "grant_types_supported",
)
FLAGS = (
    "authorization_response_iss_parameter_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "require_pushed_authorization_requests",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRule:
    """A provider with one issuer per tenant: the placeholder in its metadata, and the claim that fills it."""

    placeholder: str
    claim: str
    pattern: re.Pattern[str]

    def fill(self, issuer: str, claims: Mapping[str, Any]) -> str:
        """Return the issuer for the tenant in the claims, or "", which matches nothing, without a valid tenant."""
        tenant = claims.get(self.claim)
        if not isinstance(tenant, str) or not self.pattern.fullmatch(tenant):
            return ""
        return issuer.replace(self.placeholder, tenant)

    def is_filled(self, template: str, issuer: str) -> bool:
        """Whether an issuer is the template with some tenant filled in."""
        before, place, after = template.partition(self.placeholder)
        tenant = issuer.removeprefix(before).removesuffix(after)
        return bool(place) and f"{before}{tenant}{after}" == issuer and bool(self.pattern.fullmatch(tenant))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """The members of a discovery document that this package uses; unknown members are ignored."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    introspection_endpoint: str = ""
    pushed_authorization_request_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    response_modes_supported: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()
    claims_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False
    backchannel_logout_supported: bool = False
    backchannel_logout_session_supported: bool = False
    frontchannel_logout_supported: bool = False
    frontchannel_logout_session_supported: bool = False
    require_pushed_authorization_requests: bool = False

    @classmethod
    def from_json(
        cls, document: object, *, overrides: Mapping[str, Any] | None = None, tenants: TenantRule | None = None
    ) -> ProviderMetadata:
        """Return the metadata of a document, completed by a site's `overrides`, or raise `MetadataInvalid`.

        The issuer may only be a template if there are `tenants`.
        """
        if not isinstance(document, dict):
            raise MetadataInvalid("document")
        members = stated({**document, **(overrides or {})})
        values: dict[str, Any] = {name: _required_url(members, name) for name in REQUIRED_URLS}
        values |= {name: _optional_url(members, name) for name in OPTIONAL_URLS}
        values |= {name: _strings(members.get(name)) for name in LISTS}
        values |= {name: members.get(name) is True for name in FLAGS}
        issuer = values["issuer"]
        check_issuer_url(issuer if tenants is None else issuer.replace(tenants.placeholder, "tenant"))
        return cls(**values)


def _required_url(members: Mapping[str, Any], name: str) -> str:
    url = _optional_url(members, name)
    if not url:
        raise MetadataInvalid(name)
    return url


def _optional_url(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MetadataInvalid(name)
    try:
        return check_url(value)
    except MetadataInvalid as error:
        raise MetadataInvalid(name) from error


def _strings(value: object) -> tuple[str, ...]:
    """Return a list of strings as a tuple; values of another type, which some providers publish, are ignored."""
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return ()


def check_issuer_url(issuer: str) -> None:
    """An issuer is a URL without query and fragment (Discovery 3); a template is not an issuer."""
    try:
        check_url(issuer)
    except MetadataInvalid as error:
        raise MetadataInvalid("issuer") from error
    if any(character in issuer for character in "?{}"):
        raise MetadataInvalid("issuer")


def discovery_url_for(issuer: str) -> str:
    """Return where an issuer publishes its document (Discovery 4.1)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def issuers_for(discovery_url: str) -> tuple[str, ...]:
    """Return the issuers whose document is at this URL, with and without a trailing slash (Discovery 4.1)."""
    if not discovery_url.endswith(WELL_KNOWN):
        return ()
    issuer = discovery_url.removesuffix(WELL_KNOWN)
    return (issuer, issuer + "/")


def check_issuer(metadata: ProviderMetadata, *, expected: Iterable[str]) -> None:
    """The document must name exactly the expected issuer (Discovery 4.3)."""
    accepted = tuple(expected)
    if metadata.issuer not in accepted:
        evidence = Evidence.of(expected=" or ".join(accepted), seen=metadata.issuer)
        raise MetadataInvalid("issuer_mismatch", evidence=evidence)
