"""Refreshing the tokens of a connection: one request to the provider, however many callers need it at once.

A refresh token may work only once, and a provider may end the whole grant when it sees one a second time
(RFC 9700 4.14.2). So the caller that refreshes first claims the lease (`oidc_login.tokens.lease`). The others wait,
and find the result by reading the row again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.views.decorators.debug import sensitive_variables

from oidc_login.choices import Status
from oidc_login.exceptions import (
    REFRESH_ERRORS,
    ConnectionRemoved,
    NeedsReauth,
    OAuthError,
    ProviderUnavailable,
    SiteUnavailable,
    as_oauth_error,
)
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import TOKEN_FIELDS
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.errors import without_frames
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.answers import answers_of
from oidc_login.providers.values import OAuthToken
from oidc_login.tokens.backoff import pause_after_failure
from oidc_login.tokens.database import closing_connections, in_own_connection, needs_own_connection
from oidc_login.tokens.lease import Lease
from oidc_login.tokens.revocation import try_to_revoke
from oidc_login.tokens.rows import check_active, provider_of, send_event
from oidc_login.tokens.stored import StoredConnection
from oidc_login.tokens.storing import Storing

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)

# The fields that the caller's instance is updated with.
SHARED_FIELDS = (*TOKEN_FIELDS, "status", "refreshed_at", "updated_at")
OF_ANOTHER_SIGN_IN = ("sub", "nonce", "auth_time")  # claims of the ID token that differ then


@sensitive_variables()
def refresh(connection: OAuthConnection) -> None:
    """Get newer tokens than those of this instance and store them, even if the caller's transaction is rolled back."""
    attempt = Refresh(connection)
    if not needs_own_connection(attempt.stored.alias):
        attempt.run().hand_over(connection)
        return
    attempt = in_own_connection(lambda: attempt.run(has_own_connection=True), attempt.stored.alias)
    if isinstance(attempt.failure, ConnectionRemoved):
        # The caller's transaction may have made the row: only this database connection sees it then.
        attempt = Refresh(connection).run()
    attempt.hand_over(connection)


@sensitive_variables()
async def arefresh(connection: OAuthConnection) -> None:
    """Do the same from asynchronous code; the refresh is completed even if the caller is cancelled."""
    attempt = await sync_to_async(Refresh)(connection)
    if await sync_to_async(needs_own_connection)(attempt.stored.alias):
        await sync_to_async(refresh)(connection)
        return

    async def run() -> None:
        await attempt.arun()
        await sync_to_async(attempt.hand_over)(connection)

    # A task that is cancelled between the provider's answer and the UPDATE would lose the tokens.
    task = asyncio.ensure_future(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.shield(task)


_running: set[asyncio.Future[None]] = set()


class Refresh:
    """One caller's refresh.

    Its steps use either the database (`begin`, `finish`) or the provider (`exchange`), never both, so that
    asynchronous code can run each step where it belongs.
    """

    @sensitive_variables()
    def __init__(self, connection: OAuthConnection) -> None:
        self.stored = StoredConnection(connection)
        self.lease = Lease(self.stored)
        self.storing = Storing(self.stored, self.lease)
        self.held = connection.access_token
        self.row: OAuthConnection | None = None
        self.is_over = False
        self.failure: OAuthError | None = None
        self._first_seen: OAuthConnection | None = None
        self._answer: OAuthToken | None = None
        self._claims: Mapping[str, Any] | None = None
        self._error: protocol.ProtocolError | OAuthError | None = None

    @sensitive_variables()
    def begin(self) -> float | None:
        """Claim the lease, or find newer tokens; return the seconds to wait before the next try if neither worked."""
        try:
            with self.stored.locks():
                return self._begin()
        except STORE_FAULTS as error:
            logger.info("refresh not started, the database failed: error=%s", type(error).__name__)
            self._fail(SiteUnavailable("database"))
        except OAuthError as error:
            self._fail(error)
        return None

    @sensitive_variables()
    def exchange(self) -> None:
        """Send the refresh token to the provider and check the answer; nothing is stored yet."""
        row = self._current()
        try:
            provider = provider_of(row)
            with time_budget(MAX_TIMEOUT), answers_of(provider):
                answer = provider.refresh_oauth_token(oauth_token=row.oauth_token)
                if not answer.access_token:
                    raise protocol.TokenResponseInvalid("access_token")
                self._claims = provider.check_refreshed_token(
                    answer,
                    issuer=row.issuer,
                    subject=row.provider_user_id,
                    nonce_hash=row.nonce_hash,
                    auth_time=row.auth_time,
                    had_azp=row.had_azp,
                )
            self._answer = answer
        except (protocol.ProtocolError, OAuthError) as error:
            self._error = error

    @sensitive_variables()
    def finish(self) -> None:
        """Store the new tokens, or the reason why there are none."""
        try:
            if self._answer is not None:
                self._store(self._answer)
            elif self._error is not None:
                self._handle(self._error)
        except OAuthError as error:
            self._fail(error)
        self.is_over = True

    def run(self, *, has_own_connection: bool = False) -> Refresh:
        self.stored.has_own_connection = has_own_connection
        while (pause := self.begin()) is not None:
            time.sleep(pause)
        if not self.is_over:
            try:
                self.exchange()
            except BaseException:
                self.lease.release()
                raise
            self.finish()
        return self

    async def arun(self) -> Refresh:
        """Use the database in Django's thread for it, and the provider in a thread that blocks no other request."""
        while (pause := await sync_to_async(self.begin)()) is not None:
            await asyncio.sleep(pause)
        if not self.is_over:
            try:
                await sync_to_async(closing_connections(self.exchange), thread_sensitive=False)()
            except BaseException:
                await sync_to_async(self.lease.release)()
                raise
            await sync_to_async(self.finish)()
        return self

    @sensitive_variables()
    def hand_over(self, connection: OAuthConnection) -> None:
        """Update the caller's instance from the stored row, send the events, and raise the failure if there is one."""
        if self.row is not None:
            names = [name for name in SHARED_FIELDS if name in self.row.__dict__]
            connection.__dict__.update({name: self.row.__dict__[name] for name in names})
            connection.refreshed_claims = self._claims
        for signal, reason in self.storing.events:
            # What was written outside the caller's transaction is final already.
            alias = None if self.stored.has_own_connection else self.stored.alias
            send_event(signal, connection, reason, alias=alias)
        if self.failure is not None:
            raise self.failure

    def _current(self) -> OAuthConnection:
        if self.row is None:
            raise ValueError("no row was read yet")
        return self.row

    def _fail(self, error: OAuthError) -> None:
        error.connection_id = self.stored.pk
        self.failure, self.is_over = without_frames(error), True

    @sensitive_variables()
    def _begin(self) -> float | None:
        row = self.stored.read()
        if self._adopts(row):
            return None
        self.row = row
        check_active(row)
        if row.status != Status.OK:
            raise NeedsReauth(row.status)
        if not provider_of(row).can_refresh(oauth_token=row.oauth_token):
            self._refuse_without_refresh_token(row)
        self.lease.check_holder(row)
        if not self.lease.claim(row):
            return self.lease.seconds_to_wait(row)
        self.row = row = self.stored.read()
        if self._adopts(row):
            self.lease.release()
            return None
        # A sign-in between the two statements takes the lease away.
        return None if self.lease.is_in(row) else 0.0

    def _adopts(self, row: OAuthConnection) -> bool:
        """Take the tokens that another caller has stored, if they are valid and newer than the caller's."""
        if self._first_seen is None:
            self._first_seen = row
        refreshed = row.refreshed_at != self._first_seen.refreshed_at
        if not row.access_token or row.status != Status.OK or row.access_token_expired():
            return False
        if row.access_token == self.held and not refreshed:
            return False
        check_active(row)
        self.row, self.is_over = row, True
        return True

    def _refuse_without_refresh_token(self, row: OAuthConnection) -> None:
        """Raise `NeedsReauth`; the status changes only when the access token has expired."""
        if row.access_token and row.access_token_expired():
            self._mark_for_sign_in("no_refresh_token")
        raise NeedsReauth("no_refresh_token")

    def _mark_for_sign_in(self, reason: str, *, only_if_unreplaced: OAuthConnection | None = None) -> bool:
        conditions = [] if only_if_unreplaced is None else [self.storing.unless_replaced(only_if_unreplaced)]
        row = self.storing.mark_for_sign_in(self._current(), reason, *conditions)
        self.row = row or self.row
        return row is not None

    @sensitive_variables()
    def _store(self, answer: OAuthToken) -> None:
        row = self.storing.store_tokens(answer, self._current())
        if row is None:
            self._discard(answer)
        else:
            self.row = row

    @sensitive_variables()
    def _discard(self, answer: OAuthToken) -> None:
        """Use the newer tokens in the row; revoke those of the answer if the connection has none any more."""
        before, row = self._current(), self.stored.find()
        if row is not None and row.status != Status.REVOKED:
            if not self._adopts(row):
                raise ProviderUnavailable("refresh_overtaken")
            return
        try_to_revoke(provider_of(before), answer)
        if row is None:
            raise ConnectionRemoved
        self.row = row
        raise NeedsReauth(row.status)

    @sensitive_variables()
    def _handle(self, error: protocol.ProtocolError | OAuthError) -> None:
        """Store that the person has to sign in, or raise an error that passes, with the tokens unchanged."""
        raised = as_oauth_error(error)
        if isinstance(error, protocol.TokenErrorResponse) and error.reason in REFRESH_ERRORS:
            return self._handle_refusal(error)
        if isinstance(error, protocol.InvalidIDToken) and error.reason in OF_ANOTHER_SIGN_IN:
            self._mark_for_sign_in(f"id_token_{error.reason}", only_if_unreplaced=self._current())
        pause = pause_after_failure(self.stored.pk)
        retry_after = error.retry_after if isinstance(error, protocol.ProviderUnavailable) else None
        self.lease.release(pause=retry_after or pause)
        raise raised from error

    @sensitive_variables()
    def _handle_refusal(self, error: protocol.TokenErrorResponse) -> None:
        """The refresh token no longer works, unless another process or a sign-in has replaced it in the row."""
        sent, row = self._current(), self.stored.read()
        if row.refresh_token == sent.refresh_token and self._mark_for_sign_in(error.reason, only_if_unreplaced=sent):
            raise NeedsReauth(error.reason) from error
        self.lease.release()
        if not self._adopts(self.stored.read()):
            raise ProviderUnavailable("refresh_overtaken") from error
