"""The checks of what a database holds; they run where Django is told to ask one (`check --database default`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.db import Error, connections, router
from django.db.models import Count, Model

from ..models import OAuthConnection
from ..signin.users import get_field
from .entries import configured
from .messages import message


def database_messages(alias: str) -> list[CheckMessage]:
    """Return what is wrong with the connections of one database; a database that fails is Django's to report."""
    try:
        return list(check_provider_keys(alias)) if has_table(alias, OAuthConnection) else []
    except Error:
        return []


def scale_messages(alias: str) -> list[CheckMessage]:
    """Return what would be slow with many users."""
    try:
        return list(check_email_index(alias))
    except Error:
        return []


def has_table(alias: str, model: type[Model]) -> bool:
    """Whether a model's rows are kept in this database and its migrations have run."""
    if not router.allow_migrate_model(alias, model):
        return False
    return model._meta.db_table in connections[alias].introspection.table_names()


def check_provider_keys(alias: str) -> Iterator[CheckMessage]:
    """Every connection's provider is configured."""
    gone = OAuthConnection.objects.using(alias).exclude(provider_key__in=[str(key) for key in configured()])
    for key, count in gone.order_by("provider_key").values_list("provider_key").annotate(count=Count("pk")):
        yield message("W002", key=key, count=count)


def check_email_index(alias: str) -> Iterator[CheckMessage]:
    """An address is found without reading all users; elsewhere than on PostgreSQL a plain index can do that."""
    field = get_field(get_user_model().get_email_field_name())
    if field is None or connections[alias].vendor != "postgresql" or not has_table(alias, field.model):
        return
    table, column = field.model._meta.db_table, str(field.column)
    if not has_upper_index(alias, table, column):
        yield message("W003", alias=alias, table=table, column=column, name=field.name)


def has_upper_index(alias: str, table: str, column: str) -> bool:
    """Whether a whole index begins with UPPER of the column, which is what Django's `iexact` asks PostgreSQL for."""
    begins = re.compile(rf'USING \w+ \(upper\(\(?"?{re.escape(column)}"?\)?(::text)?\)')
    with connections[alias].cursor() as cursor:
        found = connections[alias].introspection.get_constraints(cursor, table).values()
    definitions = [str(constraint.get("definition")) for constraint in found]
    return any(begins.search(definition) and " WHERE " not in definition for definition in definitions)
