"""The three statements of our own that every repeat sign-in runs.

They are what the ORM makes of the same queries; to make them anew takes longer than a database needs to run them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import connections, router
from django.db.models import F, Manager, QuerySet

if TYPE_CHECKING:
    from oidc_login.signin.claims import Identity

# What is read of the connection beside its user, by the names of the user's attributes.
CONNECTION = {
    "_connection_key": "oauth_connections__pk",
    "_connection_issuer": "oauth_connections__issuer",
    "_connection_subject": "oauth_connections__provider_user_id",
}


def find_users(identity: Identity) -> Iterable[Any]:
    """Return the users whose connection has this identity as the database compares it, with what `CONNECTION` names.

    That is one user, or none.
    """
    model: Any = get_user_model()
    using = router.db_for_write(model)
    if type(model._base_manager) is not Manager:  # what the site's own leaves out may depend on the request
        return users_with(model, using, identity.provider_key, identity.issuer, identity.subject)
    statement = selecting(model, using, bool(identity.issuer))
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, [getattr(identity, name, "") for name in statement.parameters])
        return [statement.user(list(row), connection) for row in cursor.fetchall()]


def users_with(model: Any, using: str, provider_key: str, issuer: str, subject: str) -> QuerySet[Any]:
    users = model._base_manager.using(using).filter(
        oauth_connections__provider_key=provider_key,
        oauth_connections__issuer=issuer,
        oauth_connections__provider_user_id=subject,
    )
    found: QuerySet[Any] = users.annotate(**{name: F(path) for name, path in CONNECTION.items()})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """The statement of `users_with`, and how to read its rows."""

    sql: str
    parameters: Sequence[str]  # members of an `Identity`, in order
    model: Any
    columns: Sequence[str]  # of the user, before those of the connection
    converted: Sequence[tuple[int, Any]]  # the values that the database gives in another type, by position

    def user(self, values: list[Any], connection: Any) -> Any:
        """Return the user of a row; the converters are those of this connection, which no other thread may use."""
        for position, expression in self.converted:
            for convert in (*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)):
                values[position] = convert(values[position], expression, connection)
        count = len(self.columns)
        user = self.model.from_db(connection.alias, self.columns, values[:count])
        vars(user).update(zip(CONNECTION, values[count:], strict=True))
        return user


@lru_cache(maxsize=8)
def selecting(model: Any, using: str, has_issuer: bool) -> Selecting:
    """Return the statement, kept; without an issuer it may be another: not every database keeps an empty text."""
    users = users_with(model, using, "provider_key", "issuer" if has_issuer else "", "subject")
    compiler = users.query.get_compiler(using)
    sql, parameters = compiler.as_sql()
    selected = [expression for expression, *_ in compiler.select]
    return Selecting(
        sql=sql,
        parameters=parameters,
        model=model,
        columns=[expression.target.attname for expression in selected[: -len(CONNECTION)]],
        converted=[(position, selected[position]) for position in compiler.get_converters(selected)],
    )


def update(row: Any, fields: Sequence[Any], *, using: str) -> bool:
    """Write these fields of a row, and say whether it is still there."""
    connection, meta = connections[using], row._meta
    sql = updating(using, meta.db_table, meta.pk.column, tuple(field.column for field in fields))
    values = [field.get_db_prep_save(field.pre_save(row, add=False), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, row.pk])
        return bool(cursor.rowcount)


@lru_cache(maxsize=32)
def updating(using: str, table: str, key: str, columns: tuple[str, ...]) -> str:
    """Return the statement of `update`; all of these are names of our own model."""
    quote = connections[using].ops.quote_name
    assignments = ", ".join(f"{quote(column)} = %s" for column in columns)
    return f"UPDATE {quote(table)} SET {assignments} WHERE {quote(key)} = %s"  # noqa: S608


def insert(row: Any, *, using: str) -> None:
    """Write a new row whose key is known already, without the signals of `save`."""
    connection, meta = connections[using], row._meta
    sql = inserting(using, meta.db_table, tuple(field.column for field in meta.concrete_fields))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in meta.concrete_fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    row._state.adding, row._state.db = False, using


@lru_cache(maxsize=32)
def inserting(using: str, table: str, columns: tuple[str, ...]) -> str:
    """Return the statement of `insert`; all of these are names of our own model."""
    quote = connections[using].ops.quote_name
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) VALUES ({places})"  # noqa: S608
