"""Lets one thread of a process do what several threads need; the others wait for its result."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# By name: a lock, and the number of threads that hold it or wait for it.
_locks: dict[str, tuple[threading.Lock, int]] = {}
_keeping = threading.Lock()


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Run the block in one thread of this process at a time for each name."""
    with _keeping:
        lock, count = _locks.get(name) or (threading.Lock(), 0)
        _locks[name] = (lock, count + 1)
    try:
        with lock:
            yield
    finally:
        with _keeping:
            count = _locks[name][1] - 1
            _locks[name] = (lock, count)
            if not count:
                del _locks[name]
