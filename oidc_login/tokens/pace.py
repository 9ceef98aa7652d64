"""The pace of requests to one provider from many threads: a rate, and pauses when the provider limits it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

# Seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0  # a provider that wants a longer one gets no more requests in this run
MOST_PAUSES = 5  # in a row, without a success between them


class Pace:
    """Shared by all threads with requests to one provider; each waits for its turn, then reports the result."""

    def __init__(
        self,
        *,
        per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._next_turn = self._paused_at = clock()
        self._pauses = 0

    @property
    def is_over(self) -> bool:
        """Whether this run sends no more requests."""
        return self._ended.is_set()

    def end(self) -> None:
        """Let no more requests begin."""
        self._ended.set()

    def wait_for_turn(self) -> float | None:
        """Return when the turn came; `None` if no more requests may begin."""
        while not self._ended.is_set():
            with self._lock:
                now = self._clock()
                if now >= self._next_turn:
                    self._next_turn = now + self._interval
                    return now
                rest = self._next_turn - now
            self._ended.wait(rest)
        return None

    def worked(self) -> None:
        """Reset the count of pauses."""
        with self._lock:
            self._pauses = 0

    def failed(self, turn: float, *, retry_after: float | None = None) -> None:
        """Make all threads wait: for `retry_after` seconds, or else twice as long as the last time."""
        with self._lock:
            now = self._clock()
            if turn < self._paused_at:
                return  # its request was sent before the pause began
            self._pauses += 1
            pause = retry_after or FIRST_PAUSE * 2 ** (self._pauses - 1) * (0.5 + self._jitter())
            if pause > LONGEST_PAUSE or self._pauses > MOST_PAUSES:
                self._ended.set()
            self._paused_at = now
            self._next_turn = max(self._next_turn, now + pause)
