"""A database that takes no writes, as after a failover, or that fails at one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

# By vendor: what a connection is told, and what takes it back.
STATEMENTS = {
    "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    "postgresql": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    ),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"),
}


@contextmanager
def read_only() -> Iterator[None]:
    """Let the database refuse to write; outside of a transaction, since PostgreSQL heeds it from the next one on."""
    begin, end = STATEMENTS[connection.vendor]
    tell(begin)
    try:
        yield
    finally:
        tell(end)


def tell(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def failing(table: str, *, verb: str = "") -> Iterator[None]:
    """Let the statements about a table fail."""

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(verb) and connection.ops.quote_name(table) in sql:
            raise OperationalError("the database has had enough")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield
