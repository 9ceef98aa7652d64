"""Access tokens that the provider refused: anybody can send made-up ones, and each would cost a request to it.

Each process keeps its own memory. In the shared cache, made-up tokens would evict values that others need.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakKeyDictionary

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import ProviderUnavailable
from oidc_login.providers.base import OAuthProvider

MEMORY = 10  # seconds; a provider may not know a token yet that it has just issued
MOST = 1_000  # tokens that are remembered
ALLOWANCE = 100  # refused tokens in a row before no more are sent
PER_SECOND = 10  # by which the allowance recovers


class RefusedTokens:
    """Remembers the tokens that one provider refused, and counts how many more it may refuse for now."""

    def __init__(self, clock: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: OrderedDict[str, float] = OrderedDict()
        self._allowance: float = ALLOWANCE
        self._counted_at = clock()

    @sensitive_variables()
    def includes(self, raw: str) -> bool:
        """Whether the provider refused this token in the last seconds."""
        return self._until.get(_hash(raw), 0) > self._clock()

    def check(self) -> None:
        """Raise `ProviderUnavailable` while too many tokens are refused: this one probably would be too."""
        with self._lock:
            now = self._clock()
            self._allowance = min(ALLOWANCE, self._allowance + (now - self._counted_at) * PER_SECOND)
            self._counted_at = now
            if self._allowance < 1:
                raise ProviderUnavailable("too_many_unknown_tokens", retry_after=1)

    @sensitive_variables()
    def add(self, raw: str) -> None:
        """Remember a token that the provider refused."""
        with self._lock:
            self._allowance -= 1
            self._until[_hash(raw)] = self._clock() + MEMORY
            if len(self._until) > MOST:
                self._until.popitem(last=False)


def refused_by(provider: OAuthProvider) -> RefusedTokens:
    """Return the memory of this process for a provider."""
    with _keeping:
        return _refused.setdefault(provider, RefusedTokens())


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


_refused: WeakKeyDictionary[OAuthProvider, RefusedTokens] = WeakKeyDictionary()
_keeping = threading.Lock()
