"""Migration operations for a site's own migrations."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import NotSupportedError, router
from django.db.migrations.operations.base import Operation
from django.db.models import Field

from oidc_login.conf import django
from oidc_login.models.indexes import KINDS, has_index, index_name, searched_fields, statement


class AddSignInIndexes(Operation):
    """Add case-insensitive indexes for the email addresses and user names of the user model, which sign-ups search.

    The operation only changes the database, so `makemigrations` finds no changes. Columns that already have such an
    index are skipped. The migration depends on `migrations.swappable_dependency(settings.AUTH_USER_MODEL)`. On
    PostgreSQL the indexes are built concurrently, so that people can still sign in; the migration needs
    `atomic = False`.
    """

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing, because the indexes are not part of the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        connection = schema_editor.connection
        for field in fields_in(schema_editor, to_state):
            if has_index(connection, field):
                continue
            if index_name(field) in index_names(connection, field):  # PostgreSQL was interrupted while building it
                schema_editor.execute(statement(KINDS[connection.vendor].drop, connection, field), params=None)
            schema_editor.execute(statement(KINDS[connection.vendor].create, connection, field), params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        connection = schema_editor.connection
        for field in fields_in(schema_editor, to_state):
            if index_name(field) in index_names(connection, field):
                schema_editor.execute(statement(KINDS[connection.vendor].drop, connection, field), params=None)

    def describe(self) -> str:
        return "Add case-insensitive indexes for email addresses and user names"

    @property
    def migration_name_fragment(self) -> str:
        return "sign_in_indexes"


def fields_in(schema_editor: Any, state: Any) -> list[Field[Any, Any]]:
    """Return the fields to index in a migration's database."""
    connection = schema_editor.connection
    if connection.vendor not in KINDS or not router.allow_migrate_model(connection.alias, get_user_model()):
        return []
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        raise NotSupportedError(
            "AddSignInIndexes builds its indexes concurrently, which PostgreSQL cannot do in a transaction. "
            "Set atomic = False on the migration."
        )
    return searched_fields(historical_user_model(state))


def historical_user_model(state: Any) -> Any:
    """Return the user model in the state of the migration."""
    try:
        return state.apps.get_model(django.AUTH_USER_MODEL)
    except LookupError as error:
        raise LookupError(
            f"AddSignInIndexes needs {django.AUTH_USER_MODEL}. Add "
            "migrations.swappable_dependency(settings.AUTH_USER_MODEL) to the dependencies of the migration."
        ) from error


def index_names(connection: Any, field: Field[Any, Any]) -> set[str]:
    """Return the names of all indexes of a field's table, including invalid ones."""
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, field.model._meta.db_table))
