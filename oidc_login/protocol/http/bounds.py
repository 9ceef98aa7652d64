"""How many requests of this process may talk to providers at once, so that a slow provider does not hold them all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from oidc_login.protocol.errors import ProviderUnavailable

RETRY_AFTER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds for one provider: how many may talk to it, and how many to all providers together."""

    name: str
    each: int
    total: int


@dataclass(slots=True)
class Conversation:
    """One request of a browser: what it has entered it keeps to its end, so that a sign-in is not cut off half-way."""

    entered: set[str] = field(default_factory=set)


class Attendance:
    """Counts who is talking to which provider."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: Counter[str] = Counter()

    def enter(self, bounds: Bounds) -> None:
        """Count one more, or raise `ProviderUnavailable` at once."""
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
        """Be counted for a while: as long as this block, or as the conversation that it is part of."""
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
        """Everything inside is one request of a browser; of nested ones the outer one counts."""
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
        """Start again, with a lock of its own: after a fork the old one may be held for ever."""
        self._lock = threading.Lock()
        self._present = Counter()


_conversation: ContextVar[Conversation | None] = ContextVar("oidc_login_conversation", default=None)
