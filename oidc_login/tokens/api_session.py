"""Calling a provider's API with the tokens of a connection."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login import signals
from oidc_login.choices import Status
from oidc_login.exceptions import NeedsReauth, OAuthError
from oidc_login.protocol.http.api_session import TokenSession
from oidc_login.providers.base import OAuthProvider
from oidc_login.tokens.rows import alias_of, check_active, provider_of, row_of, send_event

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)


class ConnectionTokens:
    """The source of access tokens for a session: one connection."""

    def __init__(self, connection: OAuthConnection, provider: OAuthProvider) -> None:
        self.connection = connection
        self.provider = provider

    @sensitive_variables()
    def get(self) -> str:
        """Return the access token, refreshed first if it is about to expire; never an expired one."""
        connection = self.connection
        check_active(connection)
        if connection.status != Status.OK:
            connection.refresh_from_db(using=alias_of(connection))  # the person may have signed in since
        if connection.status != Status.OK:
            raise NeedsReauth(connection.status)
        if is_about_to_expire(connection, ahead=self.provider.refresh_ahead, interval=self.provider.refresh_interval):
            self._refresh_ahead()
        if not connection.access_token:
            raise NeedsReauth("no_access_token")
        return str(connection.access_token)

    @sensitive_variables()
    def _refresh_ahead(self) -> None:
        try:
            self.connection.refresh_access_token()
        except OAuthError as error:
            if self.connection.access_token_expired() or self.connection.status != Status.OK:
                raise
            logger.info("refresh failed, the access token is still valid: %s", error.code)

    @sensitive_variables()
    def replace(self, refused: str) -> str | None:
        """Return a token other than the refused one; `None` if there is none until the person signs in."""
        if self.connection.access_token != refused:
            return str(self.connection.access_token) or None
        try:
            self.connection.refresh_access_token()
        except NeedsReauth:
            self.give_up(refused)
            return None
        return str(self.connection.access_token)

    @sensitive_variables()
    def give_up(self, refused: str) -> None:
        """Store that the person has to sign in, unless the refused token is no longer the stored one."""
        rows = row_of(self.connection).filter(status=Status.OK)
        row = rows.first()
        if row is None or row.access_token != refused:
            return
        same = rows.filter(access_token=row.__dict__["access_token"])
        if same.update(status=Status.NEEDS_REAUTH, updated_at=timezone.now()):
            self.connection.status = Status.NEEDS_REAUTH
            alias = alias_of(self.connection)
            send_event(signals.connection_needs_reauth, self.connection, "access_token_refused", alias=alias)


def open_session(connection: OAuthConnection, *, hosts: Iterable[str] | None) -> TokenSession:
    """Return a session for the provider's API, or only for the named hosts."""
    provider = provider_of(connection)
    session = provider.open_session(ConnectionTokens(connection, provider), hosts=hosts)
    session.base_url = provider.api_base_url
    session.headers.update(provider.request_headers)
    return session


def is_about_to_expire(connection: OAuthConnection, *, ahead: float, interval: float) -> bool:
    """Whether the access token has expired, or expires within `ahead` seconds and is older than `interval` seconds.

    Without `interval`, tokens that live for less than `ahead` would be refreshed before each call.
    """
    expires_at, now = connection.access_token_expires_at, timezone.now()
    if expires_at is None or expires_at > now + timedelta(seconds=ahead):
        return False
    issued_at = max(filter(None, [connection.refreshed_at, connection.last_login_at]), default=None)
    is_new = issued_at is not None and abs(now - issued_at) < timedelta(seconds=interval)
    return expires_at <= now or not is_new
