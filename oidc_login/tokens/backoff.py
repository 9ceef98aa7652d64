"""How long a connection's refresh is not retried after passing failures in a row: longer after each.

The failures are counted in the cache. If the cache forgets them, a provider that is down gets requests a little
earlier.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from oidc_login.cache import SharedValues

# Seconds.
FIRST_PAUSE, LONGEST_PAUSE = 1, 300
MEMORY = 2 * LONGEST_PAUSE


def pause_after_failure(connection_key: Any, *, jitter: Callable[[], float] = random.random) -> float:
    """Count a failure and return the seconds until the next try: none after the first, then doubled each time.

    Up to half of the pause is taken off at random, so that connections which failed together do not retry together.
    """
    failures = SharedValues().get(_key(connection_key)) or 0
    SharedValues().set(_key(connection_key), failures + 1, timeout=MEMORY)
    if not failures:
        return 0
    pause: int = FIRST_PAUSE * 2 ** (min(failures, 16) - 1)
    return min(pause, LONGEST_PAUSE) * (1 - jitter() / 2)


def forget_failures(connection_key: Any) -> None:
    """Forget the failures of a connection whose refresh worked."""
    SharedValues().delete(_key(connection_key))


def _key(connection_key: Any) -> str:
    return f"oidc_login.refresh_failures.{connection_key}"
