"""Disconnecting an identity: its connection is deleted, its sessions end, and its tokens are revoked."""

from __future__ import annotations

import logging
from functools import partial

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login import events, signals
from oidc_login.exceptions import OAuthError
from oidc_login.fields import TokenKeyError
from oidc_login.models import OAuthConnection
from oidc_login.protocol.errors import ProtocolError
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.sessions.records import keep_session

logger = logging.getLogger("oidc_login")

BY_PERSON = "disconnected by the person"


@sensitive_variables()
def disconnect(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider | None) -> bool:
    """Delete the person's own connection and revoke its tokens. False: another request has just deleted it.

    Raise `LastLoginMethod` if they could not sign in without it. `provider` is `None` if it is not configured any more.
    """
    try:
        with keep_session(request.session):
            connection.disconnect()
    except OAuthConnection.DoesNotExist:
        return False
    revoke_token(readable_token(connection), provider, connection)
    removed = partial(events.log_decision, signals.connection_removed, connection, request=request, reason=BY_PERSON)
    events.after_commit(removed, connection=connection, robust=False)
    return True


@sensitive_variables()
def revoke_token(token: OAuthToken | None, provider: OAuthProvider | None, connection: OAuthConnection) -> None:
    """Revoke the tokens (RFC 7009). If the provider does not answer, the connection is deleted all the same."""
    if token is None or provider is None or not provider.is_possible_issuer(connection.issuer):
        return
    try:
        with answers_of(provider):
            provider.revoke_oauth_token(oauth_token=token)
    except (ProtocolError, OAuthError) as error:
        extra = {"provider": provider.key, "connection": connection.pk, "reason": error.reason}
        logger.warning("revocation failed: %s provider=%s", error.reason, provider.key, extra=extra)


@sensitive_variables()
def readable_token(connection: OAuthConnection) -> OAuthToken | None:
    """Return the tokens to revoke; `None` if there are none, or if no key decrypts them any more."""
    try:
        token = connection.oauth_token
    except TokenKeyError:
        return None
    return token if token.access_token or token.refresh_token else None
