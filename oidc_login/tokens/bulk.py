"""Refreshing the tokens of many connections before they expire, for cron, Celery or Django's tasks.

A run refreshes one provider's connections after another's. Threads take them from one iterator, which reads a page
at a time, so memory does not grow with their number. The next run finds what a run has not done.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections
from django.db.models import Count
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import ConnectionRemoved, Inactive, NeedsReauth, OAuthError, ProviderUnavailable
from oidc_login.fields import TokenKeyError
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.http.client import without_bounds
from oidc_login.registry import get_provider_keys
from oidc_login.sealing import old_token_keys_setting
from oidc_login.tokens.database import closing_connections, in_pages
from oidc_login.tokens.pace import Pace
from oidc_login.tokens.refresh import refresh

if TYPE_CHECKING:
    from oidc_login.models import ConnectionQuerySet, OAuthConnection

logger = logging.getLogger(__name__)

PAGE = 200  # connections that are read at a time
TRIES = 3  # for one connection, while the provider limits the rate
PROGRESS_EVERY = 0.2  # seconds between two reports of progress

Progress = Callable[[int, int], None]

# The outcomes for one connection.
REFRESHED = "refreshed"
NEEDS_PERSON = "needs_reauth"
POSTPONED = "postponed"  # the next run may succeed
FAILED = "failed"  # the site or its provider has to be repaired
UNREADABLE = "unreadable"  # no key decrypts its token
SKIPPED = "skipped"  # removed, or no longer due
OUTCOMES = (REFRESHED, NEEDS_PERSON, POSTPONED, FAILED, UNREADABLE, SKIPPED)

OUTCOME_OF: tuple[tuple[type[Exception], str], ...] = (
    (NeedsReauth, NEEDS_PERSON),
    (Inactive, SKIPPED),
    (ConnectionRemoved, SKIPPED),
    (TokenKeyError, UNREADABLE),
    (ProviderUnavailable, POSTPONED),
)


@dataclass(slots=True)
class Report:
    """The result of a run: for each provider how many connections were due, and their outcomes."""

    due: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0
    was_stopped: bool = False

    def count(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self.outcomes.values())

    @property
    def total(self) -> int:
        return sum(self.due.values())

    @property
    def done(self) -> int:
        return sum(counts.total() for counts in self.outcomes.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON has."""
        return {
            "due": self.total,
            **{outcome: self.count(outcome) for outcome in OUTCOMES},
            "seconds": round(self.seconds, 1),
            "stopped": self.was_stopped,
            "providers": {
                key: {"due": due, **{outcome: self.outcomes[key][outcome] for outcome in OUTCOMES}}
                for key, due in self.due.items()
            },
        }


class BulkRefresh:
    """One run; its report can be read even after `run` was interrupted."""

    def __init__(
        self,
        found: ConnectionQuerySet,
        *,
        provider_keys: Iterable[str] | None = None,
        concurrency: int = 8,
        per_second: float | None = None,
    ) -> None:
        self.report = Report()
        self._found = found
        self._provider_keys = get_provider_keys() if provider_keys is None else list(provider_keys)
        self._concurrency = concurrency
        self._per_second = per_second

    def run(self, progress: Progress = lambda done, total: None) -> Report:
        """Refresh them; an interrupt lets the refreshes that have begun end, since their tokens would be lost."""
        started = time.monotonic()
        counted = self._found.order_by().values_list("provider_key").annotate(Count("pk"))
        due = dict(counted.filter(provider_key__in=self._provider_keys))
        self.report.due = {key: due[key] for key in self._provider_keys if key in due}
        # With all outcomes from the start: another thread cannot iterate over a dictionary that grows.
        self.report.outcomes = {key: Counter(dict.fromkeys(OUTCOMES, 0)) for key in self.report.due}
        try:
            for key in self.report.due:
                self._refresh_at(key, progress)
        except BaseException:
            self.report.was_stopped = True
            raise
        finally:
            self.report.seconds = time.monotonic() - started
            self._log()
        return self.report

    def _refresh_at(self, key: str, progress: Progress) -> None:
        pace, counts = Pace(per_second=self._per_second), self.report.outcomes[key]
        lane = Lane(self._found.filter(provider_key=key), pace, counts)
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="oidc_login-bulk") as pool:
            try:
                workers = [pool.submit(closing_connections(lane.work)) for _ in range(self._concurrency)]
                while wait(workers, timeout=PROGRESS_EVERY).not_done:
                    progress(self.report.done, self.report.total)
                rest = POSTPONED if pace.is_over else SKIPPED
            finally:
                pace.end()
        for worker in workers:
            worker.result()
        counts[rest] += max(0, self.report.due[key] - counts.total())
        progress(self.report.done, self.report.total)

    def _log(self) -> None:
        for key, counts in self.report.outcomes.items():
            counted = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
            logger.info(
                "bulk refresh finished: provider=%s %s", key, counted, extra={"provider": key, "counts": dict(counts)}
            )
        if unreadable := self.report.count(UNREADABLE):
            setting = old_token_keys_setting()
            logger.error("tokens cannot be decrypted: %d connections, see %s", unreadable, setting)


class Lane:
    """One provider: its remaining connections, the pace of requests, and the outcomes so far."""

    def __init__(self, found: ConnectionQuerySet, pace: Pace, counts: Counter[str]) -> None:
        self.pace = pace
        self._counts = counts
        self._lock = threading.Lock()
        self._connections = (connection for page in in_pages(found.select_related("user"), PAGE) for connection in page)

    @without_bounds()
    def work(self) -> None:
        """Refresh connections until none is left, in each of the threads; no visitor waits for these requests."""
        while (connection := self._take()) is not None:
            outcome = self._refresh(connection)
            with self._lock:
                self._counts[outcome] += 1
            if outcome not in (REFRESHED, NEEDS_PERSON):
                close_old_connections()  # a broken database connection may be the cause

    def _take(self) -> OAuthConnection | None:
        if self.pace.is_over:
            return None
        with self._lock:
            return next(self._connections, None)

    @sensitive_variables()
    def _refresh(self, connection: OAuthConnection) -> str:
        """Refresh one and return the outcome; while the provider limits the rate, wait and try again."""
        for _ in range(TRIES):
            turn = self.pace.wait_for_turn()
            if turn is None:
                break
            error = failure_of(connection)
            cause = error.__cause__ if isinstance(error, ProviderUnavailable) else None
            if isinstance(cause, protocol.ProtocolError):
                self.pace.failed(turn, retry_after=getattr(cause, "retry_after", None))
                continue
            outcome = outcome_of(error)
            if outcome in (REFRESHED, NEEDS_PERSON):
                self.pace.worked()
            elif isinstance(error, OAuthError) and outcome == FAILED:
                self.pace.failed(turn)  # the next ones would probably fail too, and each uses up a refresh token
            return outcome
        return POSTPONED


@sensitive_variables()
def failure_of(connection: OAuthConnection) -> Exception | None:
    """Refresh a connection; return the error, of any kind, since the run goes on."""
    try:
        refresh(connection)
    except Exception as error:
        if outcome_of(error) == FAILED:
            # Only its class: the message of an error in the site's own code may contain secrets.
            code = error.code if isinstance(error, OAuthError) else type(error).__name__
            extra = {"provider": connection.provider_key, "connection": connection.pk, "reason": code}
            logger.error(
                "refresh failed: %s connection=%s provider=%s",
                code,
                connection.pk,
                connection.provider_key,
                extra=extra,
            )
        return error
    return None


def outcome_of(error: Exception | None) -> str:
    if error is None:
        return REFRESHED
    return next((outcome for kind, outcome in OUTCOME_OF if isinstance(error, kind)), FAILED)
