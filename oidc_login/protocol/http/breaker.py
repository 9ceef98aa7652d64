"""The circuit breaker: which servers have stopped answering, and when the next probe may go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from oidc_login.protocol.errors import ProviderUnavailable

FAILURES_TO_OPEN = 5
PROBE_INTERVAL = 5
MAX_CIRCUITS = 1_000


@dataclass(slots=True)
class _Silence:
    failures: int = 0
    next_probe: float = 0.0


class CircuitBreaker:
    """Counts exchanges in a row without an answer, for each circuit; only silent ones are remembered.

    A circuit is named by the server and by how it is reached, so that one provider's settings open no other's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._silent: dict[Hashable, _Silence] = {}

    def check(self, circuit: Hashable) -> None:
        """Raise while the circuit is open, but let one probe through every few seconds."""
        if circuit not in self._silent:
            return
        with self._lock:
            silence = self._silent.get(circuit)
            if silence is None or silence.failures < FAILURES_TO_OPEN:
                return
            if self._clock() < silence.next_probe:
                raise ProviderUnavailable("circuit_open", retry_after=PROBE_INTERVAL)
            silence.next_probe = self._clock() + PROBE_INTERVAL

    def answered(self, circuit: Hashable) -> None:
        """Close the circuit: the server is alive, whatever it said."""
        if circuit in self._silent:
            with self._lock:
                self._silent.pop(circuit, None)

    def failed(self, circuit: Hashable) -> None:
        """Count one exchange without an answer."""
        with self._lock:
            if circuit not in self._silent and len(self._silent) >= MAX_CIRCUITS:
                self._silent.pop(next(iter(self._silent)))
            silence = self._silent.setdefault(circuit, _Silence())
            silence.failures += 1
            # Later failures are exchanges that were under way already: they must not put the probe off.
            if silence.failures == FAILURES_TO_OPEN:
                silence.next_probe = self._clock() + PROBE_INTERVAL

    def forget(self) -> None:
        """Start again, with a lock of its own: after a fork the old one may be held for ever."""
        self._lock = threading.Lock()
        self._silent = {}
