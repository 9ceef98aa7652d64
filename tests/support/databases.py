"""A database that takes no writes, fails at one table, or is changed between two statements; and what a table holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

from oidc_login.models import OAuthConnection

TABLE = "oidc_login_oauthconnection"

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
def failing(table: str, *, verb: str = "", error: type[Exception] = OperationalError) -> Iterator[None]:
    """Let the statements about a table fail."""

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(verb) and connection.ops.quote_name(table) in sql:
            raise error("the database has had enough")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


@contextmanager
def before(verb: str, table: str, act: Callable[[], Any], *, times: int = 1) -> Iterator[None]:
    """Let something happen just before a statement, the first times that it is sent."""
    left = [times]
    quoted = connection.ops.quote_name(table)

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if left[0] and sql.startswith(verb) and quoted in sql:
            left[0] -= 1
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def fail(error: type[Exception]) -> Callable[[], None]:
    def act() -> None:
        raise error("as a lost race or a lock looks")

    return act


def ciphertext(row: OAuthConnection, column: str = "access_token") -> str:
    """Return what the table holds, read past the package."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {TABLE} WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0])


def overwrite(row: OAuthConnection, value: str, column: str = "access_token") -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET {column} = %s WHERE id = %s", [value, row.pk])
