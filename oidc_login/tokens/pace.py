"""How fast one provider is asked by many threads: a rate, and pauses when it has had enough."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

# Seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0  # who asks for more is left alone until the next run
MOST_PAUSES = 5  # in a row, without anything that worked in between


class Pace:
    """Shared by all threads that ask the same provider; each waits for its turn, then says how it went."""

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
        self._over = threading.Event()
        self._next_turn = self._paused_at = clock()
        self._pauses = 0

    @property
    def is_over(self) -> bool:
        """Whether nobody asks any more in this run."""
        return self._over.is_set()

    def end(self) -> None:
        """Let nobody begin any more."""
        self._over.set()

    def wait_for_turn(self) -> float | None:
        """Return when the turn came, or `None` where it is over."""
        while not self._over.is_set():
            with self._lock:
                now = self._clock()
                if now >= self._next_turn:
                    self._next_turn = now + self._interval
                    return now
                rest = self._next_turn - now
            self._over.wait(rest)
        return None

    def worked(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._pauses = 0

    def failed(self, turn: float, *, retry_after: float | None = None) -> None:
        """Let all wait: for as long as the provider wants, else twice as long as the last time."""
        with self._lock:
            now = self._clock()
            if turn < self._paused_at:
                return  # it was asked before the others began to wait
            self._pauses += 1
            pause = retry_after or FIRST_PAUSE * 2 ** (self._pauses - 1) * (0.5 + self._jitter())
            if pause > LONGEST_PAUSE or self._pauses > MOST_PAUSES:
                self._over.set()
            self._paused_at = now
            self._next_turn = max(self._next_turn, now + pause)
