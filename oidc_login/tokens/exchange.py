"""Access tokens for other APIs, in exchange for that of a connection (RFC 8693, Entra's on-behalf-of).

An exchanged token is kept in the cache, encrypted, for as long as it is valid and the connection has the same token.
"""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from django.views.decorators.debug import sensitive_variables

from oidc_login.cache import SharedValues
from oidc_login.exceptions import ExchangeRefused, NeedsReauth, translated
from oidc_login.protocol.errors import TokenErrorResponse
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.protocol.token_exchange import (
    TOKEN_EXCHANGE,
    check_issued_type,
    exchange_parameters,
    on_behalf_of_parameters,
)
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.sealing import SealError, seal_json, token_keys, unseal_json
from oidc_login.tokens.api_session import ConnectionTokens
from oidc_login.tokens.rows import provider_of

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

PURPOSE: Final = "exchanged tokens"
MARGIN: Final = 30  # seconds for which a token from the cache is valid at least
# What only the person can end (RFC 6749 5.2; Entra's conditional access).
PERSONAL_ERRORS = ("invalid_grant", "interaction_required", "login_required", "consent_required")
REFUSALS = ("invalid_target", "invalid_scope", "invalid_request", "access_denied", "unsupported_grant_type")


@sensitive_variables()
def exchange(connection: OAuthConnection, *, audience: str, scope: str) -> OAuthToken:
    """Return an access token of the connection's person for another API."""
    if not audience and not scope:
        raise ValueError("exchange() needs an audience or a scope")
    provider = provider_of(connection)
    access_token = ConnectionTokens(connection, provider).get()
    name = name_of(connection, access_token, audience=audience, scope=scope)
    known = remembered(name)
    if known is not None:
        return known
    with translated(), time_budget(MAX_TIMEOUT):
        token = request_exchange(provider, access_token, audience=audience, scope=scope)
    remember(name, token)
    return token


@sensitive_variables()
def request_exchange(provider: OAuthProvider, access_token: str, *, audience: str, scope: str) -> OAuthToken:
    """Ask the provider, if it offers such a grant. Refresh and ID tokens of its response are dropped."""
    if not isinstance(provider, OIDCProvider):
        raise ExchangeRefused("provider")
    if not provider.exchanges_on_behalf_of and TOKEN_EXCHANGE not in provider.metadata.grant_types_supported:
        raise ExchangeRefused("grant_types_supported")
    parameters = on_behalf_of_parameters if provider.exchanges_on_behalf_of else exchange_parameters
    try:
        response = provider.request_token(parameters(access_token, audience=audience, scope=scope))
    except TokenErrorResponse as error:
        if error.reason in PERSONAL_ERRORS:
            raise NeedsReauth(error.reason) from error
        if error.reason in REFUSALS:
            raise ExchangeRefused(error.reason) from error
        raise
    check_issued_type(response)
    token = provider.token_from_response(response, scope=scope)
    return OAuthToken(
        access_token=token.access_token, access_token_expires_at=token.access_token_expires_at, scope=token.scope
    )


# The cache.


@sensitive_variables()
def name_of(connection: OAuthConnection, access_token: str, *, audience: str, scope: str) -> str:
    """Return the name of an exchanged token: by the identity, the token that it was made of, and what for."""
    identity = (connection.provider_key, connection.issuer, connection.provider_user_id)
    made_of = json.dumps([*identity, access_token, audience, scope])
    return f"oidc_login.exchanged.{hashlib.sha256(made_of.encode()).hexdigest()}"


@sensitive_variables()
def remembered(name: str) -> OAuthToken | None:
    """Return the token from the cache; `None` for one that is missing, about to expire, or cannot be decrypted."""
    sealed = SharedValues().get(name)
    if not isinstance(sealed, str):
        return None
    try:
        value = unseal_json(
            sealed, purpose=PURPOSE, bound_to=name.encode(), secrets=token_keys(), expires_at=lambda kept: kept["until"]
        )
    except SealError:
        return None
    return OAuthToken(
        access_token=value["access_token"],
        access_token_expires_at=datetime.fromtimestamp(value["until"] + MARGIN, timezone.utc),
        scope=value["scope"],
    )


@sensitive_variables()
def remember(name: str, token: OAuthToken) -> None:
    """Keep a token until shortly before its end; one without a known end is not kept."""
    if token.access_token_expires_at is None:
        return
    until = token.access_token_expires_at.timestamp() - MARGIN
    lifetime = int(until - time.time())
    if lifetime <= 0:
        return
    value: dict[str, Any] = {"access_token": token.access_token, "scope": token.scope, "until": until}
    sealed = seal_json(value, purpose=PURPOSE, bound_to=name.encode(), secrets=token_keys())
    SharedValues().set(name, sealed, timeout=lifetime)
