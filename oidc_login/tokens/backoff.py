"""How long a connection is left alone after failures in a row that may pass: longer each time.

Counted in the cache: where it forgets, a provider that is down is asked a little earlier.
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
    """Count a failure and return the seconds until the next try: none after the first, then twice as many each time.

    Up to half of them are taken off by chance, so that connections which failed together do not return together.
    """
    failures = SharedValues().get(_key(connection_key)) or 0
    SharedValues().set(_key(connection_key), failures + 1, timeout=MEMORY)
    if not failures:
        return 0
    pause: int = FIRST_PAUSE * 2 ** (min(failures, 16) - 1)
    return min(pause, LONGEST_PAUSE) * (1 - jitter() / 2)


def begin_anew(connection_key: Any) -> None:
    """Forget the failures of a connection that works."""
    SharedValues().delete(_key(connection_key))


def _key(connection_key: Any) -> str:
    return f"oidc_login.refresh_failures.{connection_key}"
