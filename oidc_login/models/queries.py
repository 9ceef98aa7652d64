"""The query of every sign-in: the user and the connection of an identity.

It is what the ORM makes of `users_with`, compiled once: compiling takes the ORM five times as long as the rest.
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
    """The compiled query of `users_with`, and how to read its rows."""

    sql: str
    parameters: Sequence[str]  # attributes of an `Identity`, in order; "" for an empty text
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
        vars(user).update(zip(CONNECTION, values[count:], strict=True))
        return user


@lru_cache(maxsize=8)
def compiled_query(model: Any, using: str, has_issuer: bool) -> CompiledQuery:
    """Return the compiled query; without an issuer it differs, since not every database has an empty text."""
    users = users_with(model, using, "provider_key", "issuer" if has_issuer else "", "subject")
    compiler = users.query.get_compiler(using)
    sql, parameters = compiler.as_sql()
    selected = [expression for expression, *_ in compiler.select]
    return CompiledQuery(
        sql=sql,
        parameters=parameters,
        model=model,
        columns=[expression.target.attname for expression in selected[: -len(CONNECTION)]],
        converted=[(position, selected[position]) for position in compiler.get_converters(selected)],
    )
