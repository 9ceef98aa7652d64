"""Things that happen at once, each in a thread that has a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from django.db import connection, connections

SECONDS = 30
# How long somebody waits at a statement for others who may be held up by a lock.
A_MOMENT = 0.2

T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Start all calls together and return what they returned."""
    start = threading.Barrier(len(calls), timeout=SECONDS)

    def run(call: Callable[[], T]) -> T:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(run, call) for call in calls]
        return [future.result(SECONDS) for future in running]


def outcomes_at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls together and return what each returned or raised."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:  # what went wrong in a thread is what the test looks at
            return error

    return at_once(*(partial(outcome, call) for call in calls))


class Crossing:
    """A statement at which those who come to it wait a moment for each other: what no lock prevents, happens."""

    def __init__(self, verb: str, table: str, *, parties: int = 2) -> None:
        self._verb, self._table = verb, table
        self._barrier = threading.Barrier(parties, timeout=A_MOMENT)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the statements of this thread."""
        quoted = connection.ops.quote_name(self._table)

        def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith(self._verb) and quoted in sql:
                with suppress(threading.BrokenBarrierError):
                    self._barrier.wait()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(wrapper):
            yield
