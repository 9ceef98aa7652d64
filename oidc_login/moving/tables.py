"""Reads tables of other packages through the database connection, whether or not the package is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps.registry import Apps
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import connections, models

Columns = Mapping[str, Any]  # the field class of each column


def open_table(alias: str, name: str, columns: Columns, *, optional: Sequence[str] = ()) -> Any:
    """Return a model for a table, without those `optional` columns that this version of the table lacks.

    Raise `CommandError` if the table or a required column does not exist.
    """
    found = existing_columns(alias, name)
    if not found:
        raise CommandError(f"The database {alias!r} has no table {name!r}.")
    missing = [column for column in columns if column not in found and column not in optional]
    if missing:
        raise CommandError(f"The table {name!r} has no column {missing[0]!r}.")
    fields = {column: made_field(column, kind) for column, kind in columns.items() if column in found}
    # A separate registry, so that other models do not know about this one.
    meta = type("Meta", (), {"apps": Apps(), "app_label": "moving", "managed": False, "db_table": name})
    return type("OldRow", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


def has_table(alias: str, name: str) -> bool:
    return bool(existing_columns(alias, name))


def existing_columns(alias: str, name: str) -> set[str]:
    """Return the names of a table's columns, or none if the table does not exist."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        if name not in connection.introspection.table_names(cursor):
            return set()
        return {column.name for column in connection.introspection.get_table_description(cursor, name)}


def made_field(column: str, kind: type[models.Field[Any, Any]]) -> models.Field[Any, Any]:
    if kind is UserKey:
        return user_key_field(column)
    return kind(db_column=column, null=True, primary_key=True) if column == "id" else kind(db_column=column, null=True)


class UserKey(models.Field):  # type: ignore[type-arg]  # generic in the stubs only
    """Marks a column that contains the primary key of a user."""


def user_key_field(column: str) -> models.Field[Any, Any]:
    """Return a field for the primary key of a user, with the type from the user model."""
    key: Any = get_user_model()._meta.pk
    if isinstance(key, models.AutoField):
        return models.BigIntegerField(db_column=column, null=True)
    copied = key.target_field.clone() if key.remote_field else key.clone()
    copied.primary_key, copied.db_column, copied.null, copied.name = False, column, True, None
    return copied  # type: ignore[no-any-return]  # a field of the site's own


def pages_of(alias: str, model: Any, size: int) -> Iterator[list[Any]]:
    """Read a table by its keys, in pages, so that memory does not grow with the table."""
    rows = model._base_manager.using(alias).order_by("id")
    page = list(rows[:size])
    while page:
        yield page
        page = list(rows.filter(id__gt=page[-1].id)[:size])


def value_of(row: Any, column: str) -> Any:
    """Return a column's value, or `None` if this version of the table lacks it."""
    return getattr(row, column, None)


def text_of(row: Any, column: str) -> str:
    value = getattr(row, column, None)
    return value if isinstance(value, str) else ""


def object_of(row: Any, column: str) -> dict[str, Any]:
    """Return the JSON object in a column, otherwise {}. Older versions store it as text, sometimes encoded twice."""
    value = getattr(row, column, None)
    for _ in range(2):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
