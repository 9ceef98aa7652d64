"""The statements of every sign-in: the user and connection of an identity, and the rows that it writes.

They are what the ORM makes of the same queries, compiled once: compiling takes the ORM five times as long as the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import connections, router
from django.db.models import F, Field, Manager, Model, Q, QuerySet
from django.db.models.signals import post_save, pre_save
from django.db.transaction import mark_for_rollback_on_error

if TYPE_CHECKING:
    from oidc_login.signin.claims import Identity

# The columns of the connection that are read with the user, by the attribute of the user that gets them.
CONNECTION = {
    "_connection_key": "oauth_connections__pk",
    "_connection_issuer": "oauth_connections__issuer",
    "_connection_subject": "oauth_connections__provider_user_id",
}


def find_users(identity: Identity) -> Iterable[Any]:
    """Return the users whose connection has this identity as the database compares it.

    They have the attributes of `CONNECTION`. There is at most one; a second may have the identity without an issuer.
    """
    model: Any = get_user_model()
    using = router.db_for_write(model)
    if type(model._base_manager) is not Manager:  # what the site's own manager leaves out may depend on the request
        return users_with(model, using, identity.provider_key, identity.issuer, identity.subject)
    query = compiled_query(model, using, bool(identity.issuer))
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(query.sql, [getattr(identity, name, "") for name in query.parameters])
        return [query.user(list(row), connection) for row in cursor.fetchall()]


def users_with(model: Any, using: str, provider_key: str, issuer: str, subject: str) -> QuerySet[Any]:
    users = model._base_manager.using(using).filter(
        oauth_connections__provider_key=provider_key,
        oauth_connections__issuer__in=dict.fromkeys((issuer, "")),
        oauth_connections__provider_user_id=subject,
    )
    found: QuerySet[Any] = users.annotate(**{name: F(path) for name, path in CONNECTION.items()})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledQuery:
    """A compiled query of users, and how to read its rows."""

    sql: str
    parameters: Sequence[str]  # the names of what is looked for, in order; "" for an empty text
    model: Any
    columns: Sequence[str]  # of the user, before those of the connection
    converted: Sequence[tuple[int, Any]]  # values that the database returns as another type, by position

    def user(self, values: list[Any], connection: Any) -> Any:
        """Return the user of a row; the converters belong to this connection, which no other thread may use."""
        for position, expression in self.converted:
            for convert in (*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)):
                values[position] = convert(values[position], expression, connection)
        count = len(self.columns)
        user = self.model.from_db(connection.alias, self.columns, values[:count])
        vars(user).update(zip(CONNECTION, values[count:], strict=False))  # a search by text has no further ones
        return user


@lru_cache(maxsize=8)
def compiled_query(model: Any, using: str, has_issuer: bool) -> CompiledQuery:
    """Return the compiled query; without an issuer it differs, since not every database has an empty text."""
    return compiled(users_with(model, using, "provider_key", "issuer" if has_issuer else "", "subject"))


def compiled(users: QuerySet[Any]) -> CompiledQuery:
    compiler = users.query.get_compiler(users.db)
    sql, parameters = compiler.as_sql()
    selected = [expression for expression, *_ in compiler.select]
    count = len(selected) - len(users.query.annotations)
    return CompiledQuery(
        sql=sql,
        parameters=parameters,
        model=users.model,
        columns=[expression.target.attname for expression in selected[:count]],
        converted=[(position, selected[position]) for position in compiler.get_converters(selected)],
    )


def find_users_by_text(texts: Mapping[str, str]) -> list[Any]:
    """Return the users who have one of these texts, by lookups such as `email__iexact`; the managers must be plain."""
    model: Any = get_user_model()
    using = router.db_for_write(model)
    query = compiled_search(model, using, tuple(texts))
    if query is None:
        return list(users_with_text(model, using, texts))
    connection = connections[using]
    prepared = {lookup: connection.ops.prep_for_iexact_query(text) for lookup, text in texts.items()}
    with connection.cursor() as cursor:
        cursor.execute(query.sql, [prepared[lookup] for lookup in query.parameters])
        return [query.user(list(row), connection) for row in cursor.fetchall()]


def users_with_text(model: Any, using: str, texts: Mapping[str, str]) -> QuerySet[Any]:
    has_one = reduce(or_, (Q(**{lookup: text}) for lookup, text in texts.items()))
    found: QuerySet[Any] = model._default_manager.using(using).filter(has_one)
    return found


@lru_cache(maxsize=8)
def compiled_search(model: Any, using: str, lookups: Sequence[str]) -> CompiledQuery | None:
    """Return the compiled query; `None` if a lookup is not `iexact`, or one of the site that changes the text."""
    if not all(lookup.endswith("__iexact") for lookup in lookups):
        return None
    samples = {f" Samplé {position} ": lookup for position, lookup in enumerate(lookups)}
    query = compiled(users_with_text(model, using, {lookup: sample for sample, lookup in samples.items()}))
    if sorted(query.parameters) != sorted(samples):
        return None
    return replace(query, parameters=[samples[text] for text in query.parameters])


def update_row(row: Model, names: Iterable[str], *, using: str) -> bool:
    """Write only these fields of a row, if it exists; say whether it did."""
    fields: list[Any] = [row._meta.get_field(name) for name in names]
    with mark_for_rollback_on_error(using), connections[using].cursor() as cursor:
        sql = compiled_update(type(row), using, tuple(field.column for field in fields))
        cursor.execute(sql, [*prepared(row, fields, using=using, add=False), row.pk])
        return bool(cursor.rowcount)


@lru_cache(maxsize=32)
def compiled_update(model: Any, using: str, columns: Sequence[str]) -> str:
    """Return the statement of `update_row`; all names in it are those of the model."""
    quoted, meta = connections[using].ops.quote_name, model._meta
    assignments = ", ".join(f"{quoted(column)} = %s" for column in columns)
    return f"UPDATE {quoted(meta.db_table)} SET {assignments} WHERE {quoted(meta.pk.column)} = %s"  # noqa: S608


def insert_row(row: Any, *, using: str) -> None:
    """Write a new row, with the signals that `save` sends. Its key is set, or made by the database."""
    meta, connection = row._meta, connections[using]
    model: Any = type(row)
    if connection.vendor == "oracle":  # where the key of a new row is not a result of the statement
        row.save(force_insert=True, using=using)
        return
    pre_save.send(model, instance=row, raw=False, using=using, update_fields=None)
    has_key, returns_key = row.pk is not None, connection.features.can_return_columns_from_insert
    fields = [field for field in meta.concrete_fields if has_key or field is not meta.pk]
    with mark_for_rollback_on_error(using), connection.cursor() as cursor:
        sql = compiled_insert(model, using, tuple(field.column for field in fields), returns_key and not has_key)
        cursor.execute(sql, prepared(row, fields, using=using, add=True))
        if not has_key:
            row.pk = cursor.fetchone()[0] if returns_key else cursor.lastrowid
    row._state.adding, row._state.db = False, using
    post_save.send(model, instance=row, created=True, update_fields=None, raw=False, using=using)


@lru_cache(maxsize=8)
def compiled_insert(model: Any, using: str, columns: Sequence[str], returns_key: bool) -> str:
    """Return the statement of `insert_row`; all names in it are those of the model."""
    quoted, meta = connections[using].ops.quote_name, model._meta
    places = ", ".join("%s" for _ in columns)
    sql = f"INSERT INTO {quoted(meta.db_table)} ({', '.join(map(quoted, columns))}) VALUES ({places})"  # noqa: S608
    return f"{sql} RETURNING {quoted(meta.pk.column)}" if returns_key else sql


def prepared(row: Model, fields: Iterable[Field[Any, Any]], *, using: str, add: bool) -> list[Any]:
    """Return the values of a row as its database takes them."""
    connection = connections[using]
    return [field.get_db_prep_save(field.pre_save(row, add), connection) for field in fields]
