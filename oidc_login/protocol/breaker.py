"""The circuit breaker: which origins have stopped answering, and when the next probe may go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from oidc_login.protocol.errors import ProviderUnavailable

FAILURES_TO_OPEN = 5
PROBE_INTERVAL = 5
MAX_ORIGINS = 1_000

# Scheme, host and port.
Origin = tuple[str, str, int]


@dataclass(slots=True)
class _Silence:
    failures: int = 0
    next_probe: float = 0.0


class CircuitBreaker:
    """Counts exchanges in a row without an answer, for each origin; only silent origins are remembered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._silent: dict[Origin, _Silence] = {}

    def check(self, origin: Origin) -> None:
        """Raise while the circuit is open, but let one probe through every few seconds."""
        if origin not in self._silent:
            return
        with self._lock:
            silence = self._silent.get(origin)
            if silence is None or silence.failures < FAILURES_TO_OPEN:
                return
            if self._clock() < silence.next_probe:
                raise ProviderUnavailable("circuit_open", retry_after=PROBE_INTERVAL)
            silence.next_probe = self._clock() + PROBE_INTERVAL

    def answered(self, origin: Origin) -> None:
        """Close the circuit: the origin is alive, whatever it said."""
        if origin in self._silent:
            with self._lock:
                self._silent.pop(origin, None)

    def failed(self, origin: Origin) -> None:
        """Count one exchange without an answer."""
        with self._lock:
            if origin not in self._silent and len(self._silent) >= MAX_ORIGINS:
                self._silent.pop(next(iter(self._silent)))
            silence = self._silent.setdefault(origin, _Silence())
            silence.failures += 1
            # Later failures are exchanges that were under way already: they must not put the probe off.
            if silence.failures == FAILURES_TO_OPEN:
                silence.next_probe = self._clock() + PROBE_INTERVAL

    def forget(self) -> None:
        """Start again, with a lock of its own: after a fork the old one may be held for ever."""
        self._lock = threading.Lock()
        self._silent = {}
