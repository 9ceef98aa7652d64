"""Writing beside the caller's transaction, writing what must not be lost, and reading a whole table in pages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TypeVar

from django.db import DatabaseError, connections, transaction
from django.db.models import QuerySet

from oidc_login.exceptions import SiteUnavailable
from oidc_login.faults import STORE_FAULTS
from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOCK_TIMEOUT = 5  # seconds
SAVING_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0)


def needs_own_connection(alias: str) -> bool:
    """Whether a transaction is open that could take back what is written; SQLite has room for one writer only."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        return False
    return connection.in_atomic_block or not connection.get_autocommit()


def in_own_connection(work: Callable[[], T], alias: str) -> T:
    """Do the work in a thread, which has a database connection of its own."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="oidc_login-refresh") as pool:
        return pool.submit(copy_context().run, closing_connections(work)).result()


def closing_connections(work: Callable[[], T]) -> Callable[[], T]:
    """Let a thread that is not Django's leave no database connection behind."""

    def closed() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return closed


@contextmanager
def bounded_locks(alias: str) -> Iterator[None]:
    """Wait for a row that somebody has locked, but not for ever; SQLite never does."""
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
    """Write what must not be lost: again after a fault of the database, each time with a new connection to it."""
    for pause in SAVING_PAUSES:
        try:
            return write()
        except STORE_FAULTS as error:
            logger.warning("new tokens could not be saved yet: %s", type(error).__name__)
            if connections[alias].in_atomic_block:
                raise SiteUnavailable("database") from error
        time.sleep(pause)
        connections[alias].close()  # after a failover it may lead to the server that takes no writes any more
    try:
        return write()
    except STORE_FAULTS as error:
        logger.error("new tokens were lost: %s", type(error).__name__)
        raise SiteUnavailable("database") from error


def in_pages(found: QuerySet[OAuthConnection], size: int) -> Iterator[list[OAuthConnection]]:
    """Read rows in the order of their keys, so many at a time; those that come and go meanwhile do no harm."""
    page = list(found.order_by("pk")[:size])
    while page:
        yield page
        page = list(found.filter(pk__gt=page[-1].pk).order_by("pk")[:size])
