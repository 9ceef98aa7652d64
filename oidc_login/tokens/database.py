"""Writing outside the caller's transaction, writing what must not be lost, and reading a whole table in pages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TypeVar

from django.db import DatabaseError, connections, transaction
from django.db.models import Model, QuerySet

from oidc_login.exceptions import SiteUnavailable
from oidc_login.faults import STORE_FAULTS

logger = logging.getLogger(__name__)
T = TypeVar("T")
M = TypeVar("M", bound=Model)

LOCK_TIMEOUT = 5  # seconds
SAVING_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0)


def needs_own_connection(alias: str) -> bool:
    """Whether a transaction is open whose rollback would undo a write; never on SQLite, which has only one writer."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        return False
    return connection.in_atomic_block or not connection.get_autocommit()


def in_own_connection(work: Callable[[], T], alias: str) -> T:
    """Run the work in a thread, which has a database connection of its own."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="oidc_login-refresh") as pool:
        return pool.submit(copy_context().run, closing_connections(work)).result()


def closing_connections(work: Callable[[], T]) -> Callable[[], T]:
    """Return the work so that it closes its database connections: Django does not do that in other threads."""

    def closed() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return closed


@contextmanager
def bounded_locks(alias: str) -> Iterator[None]:
    """Bound how long the block waits for a locked row; SQLite has a bound already."""
    database = connections[alias]
    if database.vendor == "postgresql":
        with transaction.atomic(using=alias):
            with database.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")
            yield
    elif database.vendor == "mysql":
        with database.cursor() as cursor:
            cursor.execute("SELECT @@SESSION.innodb_lock_wait_timeout")
            before = cursor.fetchone()
            cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", [LOCK_TIMEOUT])
        try:
            yield
        finally:
            with suppress(DatabaseError), database.cursor() as cursor:
                cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", before)
    else:
        yield


def saved(write: Callable[[], T], alias: str) -> T:
    """Write what must not be lost; after a fault of the database, try again with a new connection."""
    for pause in SAVING_PAUSES:
        try:
            return write()
        except STORE_FAULTS as error:
            logger.warning("saving new tokens failed, trying again: error=%s", type(error).__name__)
            if connections[alias].in_atomic_block:
                raise SiteUnavailable("database") from error
        time.sleep(pause)
        connections[alias].close()  # after a failover it may lead to a server that is read-only now
    try:
        return write()
    except STORE_FAULTS as error:
        logger.error("saving new tokens failed, they are lost: error=%s", type(error).__name__)
        raise SiteUnavailable("database") from error


def in_pages(found: QuerySet[M], size: int) -> Iterator[list[M]]:
    """Read rows in the order of their keys, `size` at a time; rows may be added and removed while it runs."""
    page = list(found.order_by("pk")[:size])
    while page:
        yield page
        page = list(found.filter(pk__gt=page[-1].pk).order_by("pk")[:size])
