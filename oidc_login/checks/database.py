"""The check of stored connections; it runs where Django is told to ask a database (`check --database default`)."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage
from django.db import Error, connections, router
from django.db.models import Count

from ..models import OAuthConnection
from .entries import configured
from .messages import message


def database_messages(alias: str) -> list[CheckMessage]:
    """Return what is wrong with the connections of one database; a database that fails is Django's to report."""
    try:
        return list(check_provider_keys(alias)) if has_table(alias) else []
    except Error:
        return []


def has_table(alias: str) -> bool:
    """Whether connections are kept in this database and its migrations have run."""
    if not router.allow_migrate_model(alias, OAuthConnection):
        return False
    return OAuthConnection._meta.db_table in connections[alias].introspection.table_names()


def check_provider_keys(alias: str) -> Iterator[CheckMessage]:
    """Every connection's provider is configured."""
    gone = OAuthConnection.objects.using(alias).exclude(provider_key__in=[str(key) for key in configured()])
    for key, count in gone.order_by("provider_key").values_list("provider_key").annotate(count=Count("pk")):
        yield message("W002", key=key, count=count)
