"""RP-Initiated Logout: the request that ends the session at the provider."""

from __future__ import annotations

from collections.abc import Iterable

from oidc_login.protocol.authorization import authorization_url
from oidc_login.protocol.http.urls import origin_of
from oidc_login.protocol.metadata import ProviderMetadata

MAX_HINT_LENGTH = 2048  # much longer URLs do not work everywhere


def end_session_url(
    endpoint: str, *, id_token_hint: str, client_id: str, post_logout_redirect_uri: str, state: str
) -> str:
    """Return the URL that ends the session at the provider (RP-Initiated Logout 2), or "" without an endpoint."""
    parameters = {
        "id_token_hint": id_token_hint,
        "client_id": client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
    }
    return authorization_url(endpoint, parameters) if endpoint else ""


def page_origins(metadata: ProviderMetadata) -> tuple[str, ...]:
    """Return the distinct origins of the provider's pages."""
    pages: Iterable[str] = (metadata.issuer, metadata.authorization_endpoint, metadata.end_session_endpoint)
    return tuple(dict.fromkeys(filter(None, map(origin_of, pages))))
