"""Access tokens that their provider does not know: anybody can send them, and each would cost a request to it.

Both is kept for each process alone. In the shared cache, made-up tokens would push out what others need.
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
ALLOWANCE = 100  # tokens in a row that may turn out to be unknown
PER_SECOND = 10  # and how fast the allowance comes back


class RefusedTokens:
    """Remembers what one provider refused, and how much more may be refused before nobody is asked any more."""

    def __init__(self, clock: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: OrderedDict[str, float] = OrderedDict()
        self._allowance: float = ALLOWANCE
        self._counted_at = clock()

    @sensitive_variables()
    def includes(self, raw: str) -> bool:
        """Whether this token was refused just now."""
        return self._until.get(_hash(raw), 0) > self._clock()

    def check(self) -> None:
        """Raise `ProviderUnavailable` while too many tokens turn out to be unknown: this one would most likely, too."""
        with self._lock:
            now = self._clock()
            self._allowance = min(ALLOWANCE, self._allowance + (now - self._counted_at) * PER_SECOND)
            self._counted_at = now
            if self._allowance < 1:
                raise ProviderUnavailable("too_many_unknown_tokens", retry_after=1)

    @sensitive_variables()
    def add(self, raw: str) -> None:
        """Remember a token that the provider has refused."""
        with self._lock:
            self._allowance -= 1
            self._until[_hash(raw)] = self._clock() + MEMORY
            if len(self._until) > MOST:
                self._until.popitem(last=False)


def refused_by(provider: OAuthProvider) -> RefusedTokens:
    """Return what this provider refused in this process."""
    with _keeping:
        return _refused.setdefault(provider, RefusedTokens())


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


_refused: WeakKeyDictionary[OAuthProvider, RefusedTokens] = WeakKeyDictionary()
_keeping = threading.Lock()
