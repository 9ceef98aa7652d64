"""The lease of a refresh: the right to ask the provider, which one of all concurrent callers has.

A lease is a random value and an end in the connection's row, claimed by one conditional UPDATE. No lock is held while
the provider is called. A lease ends after a minute even if its process was killed. An end without a value is a pause:
nobody asks the provider before it.
"""

from __future__ import annotations

import math
import secrets
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from oidc_login.choices import Status
from oidc_login.exceptions import ProviderUnavailable
from oidc_login.tokens.stored import StoredConnection

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

# Seconds.
LEASE = 60  # longer than a refresh may take, and than the clocks of a site's machines differ
PATIENCE = 25  # how long others wait for the result
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
LONGEST_LEASE = 3600 + LEASE  # no lease and no Retry-After is longer: a clock was set back


class Lease:
    """One caller's claim to the lease of a connection."""

    def __init__(self, stored: StoredConnection) -> None:
        self.value = ""
        self._stored = stored
        self._waited_for = ""
        self._pause = FIRST_PAUSE
        self._patience_ends = time.monotonic() + PATIENCE

    def claim(self, row: OAuthConnection) -> bool:
        """Take the lease, if nobody has it, no pause is set, and the row is still as it was read."""
        now = timezone.now()
        free = (
            Q(refresh_lease_until=None)
            | Q(refresh_lease_until__lte=now)
            | Q(refresh_lease_until__gt=now + timedelta(seconds=LONGEST_LEASE))
        )
        unchanged = Q(status=Status.OK, refreshed_at=row.refreshed_at, last_login_at=row.last_login_at)
        self.value = secrets.token_urlsafe(16)
        until = now + timedelta(seconds=LEASE)
        claimable = self._stored.rows().filter(free, unchanged)
        return bool(claimable.update(refresh_lease=self.value, refresh_lease_until=until))

    def is_in(self, row: OAuthConnection) -> bool:
        """Whether the row as it was read has this lease; a sign-in takes it away."""
        return row.refresh_lease == self.value

    def check_holder(self, row: OAuthConnection) -> None:
        """Raise `ProviderUnavailable` if the caller that was waited for gave up without newer tokens."""
        if self._waited_for and row.refresh_lease != self._waited_for:
            raise ProviderUnavailable("refresh")

    def seconds_to_wait(self, row: OAuthConnection) -> float:
        """Return how long to wait for the holder of the lease, or raise `ProviderUnavailable` after `PATIENCE`."""
        if row.refresh_lease_until is None or row.refresh_lease_until <= timezone.now():
            return FIRST_PAUSE  # somebody took it after the row was read
        if not row.refresh_lease:
            raise ProviderUnavailable("retry_after", retry_after=seconds_until(row.refresh_lease_until))
        if time.monotonic() > self._patience_ends:
            raise ProviderUnavailable("refresh_under_way", retry_after=seconds_until(row.refresh_lease_until))
        self._waited_for = row.refresh_lease
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause

    def release(self, *, pause: float = 0) -> None:
        """Give the lease back; with `pause`, nobody asks the provider for that many seconds."""
        until = timezone.now() + timedelta(seconds=pause) if pause else None
        held = self._stored.rows().filter(refresh_lease=self.value)
        self._stored.save(lambda: held.update(refresh_lease="", refresh_lease_until=until))


def seconds_until(moment: datetime | None) -> int:
    return 1 if moment is None else max(1, math.ceil((moment - timezone.now()).total_seconds()))
