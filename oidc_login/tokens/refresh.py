"""One refresh for however many ask.

A refresh token may work only once, and a provider may end the whole grant when it sees one a second time
(RFC 9700 4.14.2). So whoever refreshes claims a lease in the connection's row, by one conditional UPDATE; nobody
holds a lock while the provider is asked. Others wait for the result, and find it by reading the row again. A lease
ends by itself, for the case that its process was killed.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import math
import secrets
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login import signals
from oidc_login.exceptions import (
    REFRESH_ERRORS,
    ConnectionRemoved,
    NeedsReauth,
    OAuthError,
    ProviderUnavailable,
    SiteUnavailable,
    from_protocol,
)
from oidc_login.faults import STORE_FAULTS
from oidc_login.models import TOKEN_FIELDS, OAuthConnection, Status
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.errors import without_frames
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthToken
from oidc_login.tokens.backoff import begin_anew, pause_after_failure
from oidc_login.tokens.common import alias_of, check_active, provider_of, tell
from oidc_login.tokens.database import (
    bounded_locks,
    closing_connections,
    in_own_connection,
    needs_own_connection,
    saved,
)
from oidc_login.tokens.revocation import try_to_end_token

logger = logging.getLogger(__name__)

# Seconds.
LEASE = 60  # longer than a refresh may take, and than the clocks of a site's machines differ
PATIENCE = 25  # how long others wait for the result
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
LONGEST_LEASE = 3600 + LEASE  # no lease and no Retry-After is longer: a clock was set back

# What a caller's instance learns.
SHARED_FIELDS = (*TOKEN_FIELDS, "status", "refreshed_at", "updated_at")


@sensitive_variables()
def refresh(connection: OAuthConnection) -> None:
    """Get newer tokens than those of this instance, and store them, whatever becomes of the caller's transaction."""
    attempt = Refresh(connection)
    if not needs_own_connection(attempt.alias):
        attempt.run().hand_over(connection)
        return
    attempt = in_own_connection(lambda: attempt.run(has_own_connection=True), attempt.alias)
    if isinstance(attempt.failure, ConnectionRemoved):
        # Nobody else sees a row that the caller's transaction has made: it can only be used there.
        attempt = Refresh(connection).run()
    attempt.hand_over(connection)


@sensitive_variables()
async def arefresh(connection: OAuthConnection) -> None:
    """Do the same for asynchronous code, and go on to the end when the caller is cancelled."""
    attempt = await sync_to_async(Refresh)(connection)
    if await sync_to_async(needs_own_connection)(attempt.alias):
        await sync_to_async(refresh)(connection)
        return

    async def run() -> None:
        await attempt.arun()
        await sync_to_async(attempt.hand_over)(connection)

    # A task that is cancelled between the provider's answer and its saving would lose the tokens.
    task = asyncio.ensure_future(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.shield(task)


_running: set[asyncio.Future[None]] = set()


class Refresh:
    """The way to a newer access token than the one that somebody holds.

    Its steps touch either the database (`begin`, `finish`, `release`) or the provider (`exchange`), never both,
    so that asynchronous code can take each where it belongs.
    """

    @sensitive_variables()
    def __init__(self, connection: OAuthConnection) -> None:
        self.alias = alias_of(connection)
        self.pk = connection.pk
        self.held = connection.access_token
        self.row: OAuthConnection | None = None
        self.lease = ""
        self.has_own_connection = False
        self.is_over = False
        self.events: list[tuple[Signal, str]] = []
        self.failure: OAuthError | None = None
        self._first_seen: OAuthConnection | None = None
        self._waited_for = ""
        self._pause = FIRST_PAUSE
        self._patience_ends = time.monotonic() + PATIENCE
        self._answer: OAuthToken | None = None
        self._claims: Mapping[str, Any] | None = None
        self._error: protocol.ProtocolError | OAuthError | None = None

    # The steps.

    @sensitive_variables()
    def begin(self) -> float | None:
        """Claim the lease, or find newer tokens; return the seconds after which to try again, if neither."""
        try:
            with self._locks():
                return self._begin()
        except STORE_FAULTS as error:
            logger.info("a refresh could not be claimed: %s", type(error).__name__)
            self._fail(SiteUnavailable("database"))
        except OAuthError as error:
            self._fail(error)
        return None

    @sensitive_variables()
    def exchange(self) -> None:
        """Ask the provider, with the lease in hand, and judge the answer before anything is kept."""
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
        """Save the new tokens, or note why there are none."""
        try:
            if self._answer is not None:
                self._save(self._answer)
            elif self._error is not None:
                self._judge(self._error)
        except OAuthError as error:
            self._fail(error)
        self.is_over = True

    def release(self, *, pause: float = 0) -> None:
        """Give the lease back; with `pause` nobody shall try again for so many seconds."""
        until = timezone.now() + timedelta(seconds=pause) if pause else None
        rows = self._rows().filter(refresh_lease=self.lease)

        def write() -> None:
            with self._locks():
                rows.update(refresh_lease="", refresh_lease_until=until)

        saved(write, self.alias)

    # All of them, one after the other.

    def run(self, *, has_own_connection: bool = False) -> Refresh:
        self.has_own_connection = has_own_connection
        while (pause := self.begin()) is not None:
            time.sleep(pause)
        if not self.is_over:
            try:
                self.exchange()
            except BaseException:
                self.release()
                raise
            self.finish()
        return self

    async def arun(self) -> Refresh:
        """The database from where Django wants it, the provider from a thread that holds nobody up."""
        while (pause := await sync_to_async(self.begin)()) is not None:
            await asyncio.sleep(pause)
        if not self.is_over:
            try:
                await sync_to_async(closing_connections(self.exchange), thread_sensitive=False)()
            except BaseException:
                await sync_to_async(self.release)()
                raise
            await sync_to_async(self.finish)()
        return self

    @sensitive_variables()
    def hand_over(self, connection: OAuthConnection) -> None:
        """Let the caller's instance know what is stored by now, tell who wants to know, and raise what failed."""
        if self.row is not None:
            names = [name for name in SHARED_FIELDS if name in self.row.__dict__]
            connection.__dict__.update({name: self.row.__dict__[name] for name in names})
            connection.refreshed_claims = self._claims
        for signal, reason in self.events:
            # What was written beside the caller's transaction is certain already.
            tell(signal, connection, reason, alias=None if self.has_own_connection else self.alias)
        if self.failure is not None:
            raise self.failure

    # What they consist of.

    def _locks(self) -> AbstractContextManager[None]:
        """Beside a transaction of the caller, who may have locked the row, do not wait for it for ever."""
        return bounded_locks(self.alias) if self.has_own_connection else nullcontext()

    def _rows(self) -> QuerySet[OAuthConnection]:
        return OAuthConnection._base_manager.using(self.alias).filter(pk=self.pk)

    def _read(self) -> OAuthConnection:
        row = self._rows().select_related("user").first()
        if row is None:
            raise ConnectionRemoved
        return row

    def _current(self) -> OAuthConnection:
        if self.row is None:
            raise ValueError("no row was read yet")
        return self.row

    def _fail(self, error: OAuthError) -> None:
        error.connection_id = self.pk
        self.failure, self.is_over = without_frames(error), True

    @sensitive_variables()
    def _begin(self) -> float | None:
        row = self._read()
        if self._adopts(row):
            return None
        self.row = row
        check_active(row)
        if row.status != Status.OK:
            raise NeedsReauth(row.status)
        if not provider_of(row).can_refresh(oauth_token=row.oauth_token):
            self._cannot_refresh(row)
        if self._waited_for and row.refresh_lease != self._waited_for:
            raise ProviderUnavailable("refresh")  # the one who was waited for did not succeed either
        if not self._claim(row):
            return self._wait(row)
        self.row = row = self._read()
        if self._adopts(row):
            self.release()
            return None
        # A sign-in between the two statements took the lease away.
        return None if row.refresh_lease == self.lease else 0.0

    def _adopts(self, row: OAuthConnection) -> bool:
        """Take what somebody else has stored, if it is newer than what was held, and works."""
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

    def _cannot_refresh(self, row: OAuthConnection) -> None:
        """An access token without a refresh token lives as long as it lives; then its person is needed."""
        if row.access_token and row.access_token_expired():
            self._mark("no_refresh_token")
        raise NeedsReauth("no_refresh_token")

    def _claim(self, row: OAuthConnection) -> bool:
        """Take the lease by one UPDATE, if nobody has it, no provider asked for a pause, and `row` is still true."""
        now = timezone.now()
        free = (
            Q(refresh_lease_until=None)
            | Q(refresh_lease_until__lte=now)
            | Q(refresh_lease_until__gt=now + timedelta(seconds=LONGEST_LEASE))
        )
        self.lease = secrets.token_urlsafe(16)
        until = now + timedelta(seconds=LEASE)
        unchanged = Q(status=Status.OK, refreshed_at=row.refreshed_at, last_login_at=row.last_login_at)
        claimable = self._rows().filter(free, unchanged)
        return bool(claimable.update(refresh_lease=self.lease, refresh_lease_until=until))

    def _wait(self, row: OAuthConnection) -> float:
        """Return how long to wait for whoever has the lease, within bounds."""
        if row.refresh_lease_until is None or row.refresh_lease_until <= timezone.now():
            return FIRST_PAUSE  # somebody took it after the row was read
        if not row.refresh_lease:
            raise ProviderUnavailable("retry_after", retry_after=seconds_until(row.refresh_lease_until))
        if time.monotonic() > self._patience_ends:
            raise ProviderUnavailable("refresh_under_way", retry_after=seconds_until(row.refresh_lease_until))
        self._waited_for = row.refresh_lease
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause

    @sensitive_variables()
    def _save(self, answer: OAuthToken) -> None:
        """Store the answer, unless a newer sign-in, a revocation or a removal has overtaken it."""
        before = self._current()
        if not self._store(answer, before) and not self._store(answer, self._encrypted_anew(before)):
            self._discard(answer)

    @sensitive_variables()
    def _store(self, answer: OAuthToken, before: OAuthConnection) -> bool:
        ours = self._ours(before)
        row = copy.copy(before)
        row.set_refreshed_token(answer)
        refresh_token = ["refresh_token", "refresh_token_expires_at"] if answer.refresh_token else []
        lease = ["refresh_lease", "refresh_lease_until", "refreshed_at", "updated_at"]
        access_token = ["access_token", "access_token_expires_at", "scope"]
        if answer.refresh_token_expires_at:
            access_token.append("refresh_token_expires_at")
        if self._write(row, [*access_token, *refresh_token, *lease], ours, Q(last_login_at=row.last_login_at)):
            self.row = row
            begin_anew(self.pk)
            self.events.append((signals.token_refreshed, ""))
            return True
        # A sign-in has brought a newer access token alone: the one that came with less may not replace it.
        if not self._write(row, [*refresh_token, *lease], ours):
            return False
        self.row = self._read()
        return True

    @sensitive_variables()
    def _encrypted_anew(self, before: OAuthConnection) -> OAuthConnection:
        """Return what was read before, with the ciphertext of now if it is of the same refresh token.

        Whoever rotates keys replaces the one by the other, also after our lease has ended.
        """
        now, row = self._rows().first(), copy.copy(before)
        if now is not None and now.refresh_token == before.refresh_token:
            row.__dict__["refresh_token"] = now.__dict__["refresh_token"]
        return row

    @sensitive_variables()
    def _ours(self, row: OAuthConnection) -> Q:
        """Nobody has replaced the refresh token since; also where the lease ended before the answer came."""
        stored = row.__dict__["refresh_token"]
        return Q(refresh_lease=self.lease) | Q(refresh_token=stored) if stored else Q(refresh_lease=self.lease)

    def _write(self, row: OAuthConnection, names: list[str], *conditions: Q) -> bool:
        def write() -> bool:
            with self._locks():
                return row.update_row(names, *conditions, using=self.alias)

        return saved(write, self.alias)

    @sensitive_variables()
    def _discard(self, answer: OAuthToken) -> None:
        """Let nothing remain of an answer that nobody wants any more."""
        before, row = self._current(), self._rows().select_related("user").first()
        if row is not None and row.status != Status.REVOKED:
            if not self._adopts(row):
                raise ProviderUnavailable("refresh_overtaken")
            return
        try_to_end_token(provider_of(before), answer)
        if row is None:
            raise ConnectionRemoved
        self.row = row
        raise NeedsReauth(row.status)

    @sensitive_variables()
    def _judge(self, error: protocol.ProtocolError | OAuthError) -> None:
        """Say what a failure means: the person is needed, or it passes and everything stays as it was."""
        seen = from_protocol(error) if isinstance(error, protocol.ProtocolError) else error
        if isinstance(error, protocol.TokenErrorResponse) and error.reason in REFRESH_ERRORS:
            return self._was_refused(error)
        if isinstance(error, protocol.InvalidIDToken) and error.reason in ("sub", "nonce", "auth_time"):
            # These are somebody else's tokens, or of another sign-in: no reason to ask again.
            self._mark(f"id_token_{error.reason}", self._ours(self._current()))
        pause = pause_after_failure(self.pk)
        asked_to_wait = error.retry_after if isinstance(error, protocol.ProviderUnavailable) else None
        self.release(pause=asked_to_wait or pause)
        raise seen from error

    @sensitive_variables()
    def _was_refused(self, error: protocol.TokenErrorResponse) -> None:
        """The refresh token is of no more use, unless another process or a sign-in has replaced it meanwhile."""
        posted, row = self._current(), self._read()
        if row.refresh_token == posted.refresh_token and self._mark(error.reason, self._ours(posted)):
            raise NeedsReauth(error.reason) from error
        self.release()
        if not self._adopts(self._read()):
            raise ProviderUnavailable("refresh_overtaken") from error

    def _mark(self, reason: str, *conditions: Q) -> bool:
        """Note that the person is needed, unless they have just been there."""
        row = copy.copy(self._current())
        row.status, row.refresh_lease, row.refresh_lease_until = Status.NEEDS_REAUTH, "", None
        names = ["status", "refresh_lease", "refresh_lease_until", "updated_at"]
        if not self._write(row, names, *conditions, Q(status=Status.OK, last_login_at=row.last_login_at)):
            return False
        self.row = row
        self.events.append((signals.connection_needs_reauth, reason))
        return True


def seconds_until(moment: datetime | None) -> int:
    return 1 if moment is None else max(1, math.ceil((moment - timezone.now()).total_seconds()))
