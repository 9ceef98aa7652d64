"""Access tokens that an OpenID provider issued for an API, and that others send to it (RFC 9068, RFC 7662)."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol import access_token
from oidc_login.protocol.errors import InvalidAccessToken, UnknownKey
from oidc_login.protocol.keys import KeySet

if TYPE_CHECKING:
    from oidc_login.providers.oidc import OIDCProvider


@sensitive_variables()
def verify_access_token(provider: OIDCProvider, raw: str, *, audiences: Collection[str]) -> dict[str, Any]:
    """Return the claims of a JWT access token of this provider for one of the audiences (RFC 9068 4)."""
    issuers = provider.get_accepted_issuers()

    def verify(keys: KeySet) -> dict[str, Any]:
        return access_token.verify_access_token(
            raw,
            keys=keys,
            algorithms=provider.get_signing_algorithms(),
            issuers=issuers,
            audiences=audiences,
            now=time.time(),
            leeway=provider.leeway,
        )

    try:
        return provider.documents.verify(verify)
    except UnknownKey as error:
        raise InvalidAccessToken(error.reason) from error


@sensitive_variables()
def introspect_token(provider: OIDCProvider, raw: str) -> dict[str, Any]:
    """Return the provider's introspection response (RFC 7662 2.2), which the caller judges."""
    if not provider.metadata.introspection_endpoint:
        raise InvalidAccessToken("introspection_endpoint")
    now = time.time()
    request = access_token.introspection_request(
        provider.metadata.introspection_endpoint,
        raw,
        authentication=provider.authenticate_client(provider.current_secret(), now=now),
    )
    return access_token.read_introspection(provider.transport.send(request), now=now)
