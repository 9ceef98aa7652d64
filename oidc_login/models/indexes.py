"""The indexes by which a sign-up finds email addresses and user names without regard to case.

Django's `iexact` is a different comparison on each database, and a different index serves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.backends.utils import names_digest
from django.db.models import CharField, Field, Model, TextField

MYSQL_MAX_INDEXED = 768  # characters of utf8mb4 in one index


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexKind:
    """The index that serves `iexact` on one kind of database.

    `begins_with(cursor, table, column)` names the valid, unconditional indexes that begin with the column.
    """

    create: str
    drop: str
    meta: str  # as `Meta.indexes` of a model has it
    begins_with: Callable[[Any, str, str], list[str]]


def postgresql_indexes(cursor: Any, table: str, column: str) -> list[str]:
    is_upper = re.compile(rf'upper\(\(?"?{re.escape(column)}"?\)?(::text)?\)')
    cursor.execute(
        "SELECT relname, pg_get_indexdef(indexrelid, 1, true) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE indrelid = %s::regclass AND indisvalid AND indpred IS NULL",
        [cursor.db.ops.quote_name(table)],
    )
    return [name for name, expression in cursor.fetchall() if is_upper.match(expression)]


def sqlite_indexes(cursor: Any, table: str, column: str) -> list[str]:
    cursor.execute("SELECT name FROM pragma_index_list(%s) WHERE NOT partial", [table])
    names = [name for (name,) in cursor.fetchall()]
    return [name for name in names if sqlite_first_column(cursor, name) == (column, "NOCASE")]


def sqlite_first_column(cursor: Any, index: str) -> tuple[str, str]:
    """Return the name and the collation of the first column of an index."""
    cursor.execute("SELECT name, coll FROM pragma_index_xinfo(%s) WHERE seqno = 0", [index])
    name, collation = cursor.fetchone()
    return name, str(collation).upper()


def mysql_indexes(cursor: Any, table: str, column: str) -> list[str]:
    cursor.execute(
        "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() "
        "AND table_name = %s AND column_name = %s AND seq_in_index = 1 AND index_type = 'BTREE'",
        [table, column],
    )
    return [name for (name,) in cursor.fetchall()]


KINDS: Mapping[str, IndexKind] = {
    "postgresql": IndexKind(
        create="CREATE INDEX CONCURRENTLY {name} ON {table} (UPPER({column}))",
        drop="DROP INDEX CONCURRENTLY {name}",
        meta="Index(Upper({field!r}), name=...)",
        begins_with=postgresql_indexes,
    ),
    "sqlite": IndexKind(
        create="CREATE INDEX {name} ON {table} ({column} COLLATE NOCASE)",
        drop="DROP INDEX {name}",
        meta="Index(Collate({field!r}, 'nocase'), name=...)",
        begins_with=sqlite_indexes,
    ),
    # `iexact` is LIKE in the column's own collation, which a plain index has too.
    "mysql": IndexKind(
        create="CREATE INDEX {name} ON {table} ({column}{prefix})",
        drop="DROP INDEX {name} ON {table}",
        meta="Index(fields=[{field!r}], name=...)",
        begins_with=mysql_indexes,
    ),
}


def searched_fields(model: type[Model]) -> list[Field[Any, Any]]:
    """Return the fields of the user model that a sign-up searches without regard to case.

    `model` may be the user model as a migration knows it.
    """
    user_model = get_user_model()
    fields: list[Field[Any, Any]] = []
    for name in dict.fromkeys((user_model.get_email_field_name(), user_model.USERNAME_FIELD)):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        if isinstance(field, (CharField, TextField)):
            fields.append(field)
    return fields


def has_index(connection: Any, field: Field[Any, Any]) -> bool:
    """Whether the database has an index that serves `iexact` for a field."""
    with connection.cursor() as cursor:
        return bool(KINDS[connection.vendor].begins_with(cursor, field.model._meta.db_table, str(field.column)))


def index_name(field: Field[Any, Any]) -> str:
    """Return the name of our own index: fixed, unique in its database, and short enough for each of them."""
    table, column = field.model._meta.db_table, str(field.column)
    return f"oidc_login_{column[:30]}_{names_digest(table, column, length=8)}"


def statement(template: str, connection: Any, field: Field[Any, Any]) -> str:
    """Return the SQL that creates or drops our index of a field."""
    is_long = field.max_length is None or field.max_length > MYSQL_MAX_INDEXED
    quote = connection.ops.quote_name
    return template.format(
        name=quote(index_name(field)),
        table=quote(field.model._meta.db_table),
        column=quote(field.column),
        prefix="(255)" if is_long else "",
    )
