"""Access tokens that an OpenID provider issued for an API, and that clients send to it (RFC 9068, RFC 7662)."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol import access_token
from oidc_login.protocol.errors import InvalidAccessToken, UnknownKey
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.token_profiles import TokenProfile

if TYPE_CHECKING:
    from oidc_login.providers.oidc import OIDCProvider


def may_issue_as(provider: OIDCProvider, issuer: str, profile: TokenProfile) -> bool:
    """Whether this provider may have issued an access token with this issuer. Sends no request."""
    possible = provider.get_possible_issuers()
    forms = [form for name in possible for form in (name, *profile.further_issuers(name))]
    filled = provider.tenants is not None and any(provider.tenants.is_filled(form, issuer) for form in forms)
    return not possible or issuer in forms or filled


@sensitive_variables()
def verify_access_token(
    provider: OIDCProvider,
    raw: str,
    *,
    audiences: Collection[str],
    profile: TokenProfile,
    own_clients: Collection[str],
) -> access_token.VerifiedAccessToken:
    """Return a JWT access token of this provider for one of the audiences (RFC 9068 4)."""
    issuers = provider.get_accepted_issuers()

    def verify(keys: KeySet) -> access_token.VerifiedAccessToken:
        return access_token.verify_access_token(
            raw,
            keys=keys,
            algorithms=provider.get_signing_algorithms(),
            issuers=issuers,
            audiences=audiences,
            own_clients={provider.client_id, *own_clients},
            profile=profile,
            tenants=provider.tenants,
            now=time.time(),
            leeway=provider.leeway,
        )

    try:
        return provider.documents.verify(verify)
    except UnknownKey as error:
        raise InvalidAccessToken(error.reason) from error


@sensitive_variables()
def introspect_token(provider: OIDCProvider, raw: str) -> dict[str, Any]:
    """Return the provider's introspection response (RFC 7662 2.2). The caller judges it."""
    if not provider.metadata.introspection_endpoint:
        raise InvalidAccessToken("introspection_endpoint")
    now = time.time()
    request = access_token.introspection_request(
        provider.metadata.introspection_endpoint,
        raw,
        authentication=provider.authenticate_client(provider.current_secret(), now=now),
    )
    return access_token.read_introspection(provider.transport.send(request), now=now)


@sensitive_variables()
def request_tokeninfo(provider: OIDCProvider, raw: str) -> dict[str, Any]:
    """Return the response of the tokeninfo endpoint, in the terms of introspection. The caller judges it."""
    if not provider.tokeninfo_endpoint:
        raise InvalidAccessToken("tokeninfo_endpoint")
    request = access_token.tokeninfo_request(provider.tokeninfo_endpoint, raw)
    return access_token.read_tokeninfo(provider.transport.send(request), now=time.time())
