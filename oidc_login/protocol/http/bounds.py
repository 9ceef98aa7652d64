"""Keeps slow or broken providers from blocking all requests of this process: limits and a circuit breaker."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from oidc_login.protocol.errors import ProviderUnavailable

RETRY_AFTER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits for one provider: how many requests may talk to it at the same time, and how many to all providers."""

    name: str
    each: int
    total: int


@dataclass(slots=True)
class Conversation:
    """One request of a browser. It keeps every slot until its end, so that a sign-in is not interrupted half-way."""

    entered: set[str] = field(default_factory=set)


class Attendance:
    """Counts the requests that are talking to each provider."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: Counter[str] = Counter()

    def enter(self, bounds: Bounds) -> None:
        """Take a slot, or raise `ProviderUnavailable` at once."""
        with self._lock:
            if self._present[bounds.name] >= bounds.each or self._present.total() >= bounds.total:
                raise ProviderUnavailable("too_many_exchanges", retry_after=RETRY_AFTER)
            self._present[bounds.name] += 1

    def leave(self, name: str) -> None:
        with self._lock:
            self._present[name] -= 1
            if self._present[name] <= 0:
                del self._present[name]

    @contextmanager
    def attending(self, bounds: Bounds | None) -> Iterator[None]:
        """Hold a slot for this block, or for the whole surrounding conversation."""
        conversation = _conversation.get()
        if bounds is None or (conversation is not None and bounds.name in conversation.entered):
            yield
            return
        self.enter(bounds)
        if conversation is not None:
            conversation.entered.add(bounds.name)
            yield
            return
        try:
            yield
        finally:
            self.leave(bounds.name)

    @contextmanager
    def conversation(self) -> Iterator[None]:
        """Treat everything inside as one request of a browser; if nested, the outer conversation counts."""
        if _conversation.get() is not None:
            yield
            return
        conversation = Conversation()
        token = _conversation.set(conversation)
        try:
            yield
        finally:
            _conversation.reset(token)
            for name in conversation.entered:
                self.leave(name)

    def forget(self) -> None:
        """Start again with a new lock: after a fork, the old one may be held for ever."""
        self._lock = threading.Lock()
        self._present = Counter()


_conversation: ContextVar[Conversation | None] = ContextVar("oidc_login_conversation", default=None)


FAILURES_TO_OPEN = 5
PROBE_INTERVAL = 5
MAX_CIRCUITS = 1_000


@dataclass(slots=True)
class _Silence:
    failures: int = 0
    next_probe: float = 0.0


class CircuitBreaker:
    """Counts consecutive exchanges without a response per circuit; only stores circuits with failures.

    A circuit is named after the server and the way to it, so one provider's settings do not open another's circuit.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._silent: dict[Hashable, _Silence] = {}

    def check(self, circuit: Hashable) -> None:
        """Raise an error while the circuit is open, but allow one probe every few seconds."""
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
        """Close the circuit: the server responded, whatever it said."""
        if circuit in self._silent:
            with self._lock:
                self._silent.pop(circuit, None)

    def failed(self, circuit: Hashable) -> None:
        """Count one exchange without a response."""
        with self._lock:
            if circuit not in self._silent and len(self._silent) >= MAX_CIRCUITS:
                self._silent.pop(next(iter(self._silent)))
            silence = self._silent.setdefault(circuit, _Silence())
            silence.failures += 1
            # Later failures belong to exchanges that were already running; they must not delay the probe.
            if silence.failures == FAILURES_TO_OPEN:
                silence.next_probe = self._clock() + PROBE_INTERVAL

    def forget(self) -> None:
        """Start again with a new lock: after a fork, the old one may be held for ever."""
        self._lock = threading.Lock()
        self._silent = {}
