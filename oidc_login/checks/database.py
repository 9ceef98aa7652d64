"""The checks of what a database holds; they run where Django is told to ask one (`check --database default`)."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections, router
from django.db.models import CharField, Count, F, Model, Q, TextField

from oidc_login.checks.entries import configured
from oidc_login.checks.messages import message
from oidc_login.exceptions import ProviderUnavailable
from oidc_login.models import LinkReason, OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import find_provider, loaded_configurations
from oidc_login.signin.linking import links_by_email
from oidc_login.signin.users import get_field

NAMED = 10  # rows that a message names
LISTED = 5  # issuers that a message lists


def database_messages(alias: str) -> list[CheckMessage]:
    """Return what is wrong with the connections of one database; a database that fails is Django's to report."""
    try:
        if not has_table(alias, OAuthConnection):
            return []
        entries = {**loaded_configurations(), **configured()}
        providers = {str(key): made_provider(key, entry) for key, entry in entries.items()}
        return [
            *check_provider_keys(alias, entries),
            *check_issuers(alias, providers),
            *check_addresses(alias, providers),
        ]
    except (Error, ImproperlyConfigured, ProviderUnavailable):  # a loader that fails is in the log
        return []


def scale_messages(alias: str) -> list[CheckMessage]:
    """Return what would be slow with many users."""
    try:
        return list(check_indexes(alias))
    except (Error, ImproperlyConfigured):  # the second one: a site without a database
        return []


def has_table(alias: str, model: type[Model]) -> bool:
    """Whether a model's rows are kept in this database and its migrations have run."""
    if not router.allow_migrate_model(alias, model):
        return False
    return model._meta.db_table in connections[alias].introspection.table_names()


def check_provider_keys(alias: str, entries: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    """Every connection's provider is configured."""
    gone = OAuthConnection.objects.using(alias).exclude(provider_key__in=[str(key) for key in entries])
    for key, count in gone.order_by("provider_key").values_list("provider_key").annotate(count=Count("pk")):
        yield message("W002", key=key, count=count)


def check_addresses(alias: str, providers: Mapping[str, OAuthProvider | None]) -> Iterator[CheckMessage]:
    """No account has its address from a provider whose addresses linked nobody, while another one's link people."""
    field = get_field(get_user_model().get_email_field_name())
    made = {key: provider for key, provider in providers.items() if provider is not None}
    if field is None or not any(map(links_by_email, made.values())):
        return
    never = [key for key, provider in made.items() if provider.link_by_email == "never"]
    rows = OAuthConnection.objects.using(alias).filter(Q(made_unlinked=True) | Q(provider_key__in=never))
    rows = rows.filter(**{"link_reason": LinkReason.SIGNED_UP, f"user__{field.name}__iexact": F("email")})
    rows = rows.exclude(email="").order_by("provider_key")
    for key, count in rows.values_list("provider_key").annotate(count=Count("pk")):
        first = first_of(rows.filter(provider_key=key).order_by("pk").values_list("pk", flat=True))
        yield message("W202", key=key, count=count, rows=first)


def check_issuers(alias: str, providers: Mapping[str, OAuthProvider | None]) -> Iterator[CheckMessage]:
    """Every connection belongs to the issuer, or the server, that its provider has by the settings of today."""
    others: dict[str, dict[str, int]] = defaultdict(dict)
    counts = OAuthConnection.objects.using(alias).order_by().values_list("provider_key", "issuer")
    for key, issuer, count in counts.annotate(count=Count("pk")):
        provider = providers.get(key)
        if provider is not None and not provider.is_possible_issuer(issuer or ""):
            others[key][issuer or ""] = count
    for key in sorted(others):
        yield from issuer_messages(alias, key, others[key], issuer_now(providers[key]))


def issuer_messages(alias: str, key: str, counts: Mapping[str, int], issuer: str | None) -> Iterator[CheckMessage]:
    """Tell of the connections without a server, and of those of other issuers."""
    named = {issuer: count for issuer, count in counts.items() if issuer}
    new = "NEW" if issuer is None else shlex.quote(issuer)
    if len(named) < len(counts):
        rows = OAuthConnection.objects.using(alias).filter(provider_key=key, issuer="").order_by("pk")
        yield message("W181", key=key, count=counts[""], rows=first_of(rows.values_list("pk", flat=True)), new=new)
    if named:
        ordered = sorted(named, key=lambda name: (-named[name], name))
        told = [f"{named[name]} to {name!r}" for name in ordered[:LISTED]]
        more = [f"others to {len(ordered) - LISTED} more issuers"] if len(ordered) > LISTED else []
        old = shlex.quote(ordered[0])
        yield message("W182", key=key, issuers=", ".join([*told, *more]), old=old, new=new)


def first_of(keys: Any) -> str:
    """Return the first keys of rows as text."""
    found = list(map(str, keys[: NAMED + 1]))
    return ", ".join([*found[:NAMED], *(["..."] if len(found) > NAMED else [])])


def made_provider(key: Any, entry: Any) -> OAuthProvider | None:
    """Return the provider of an entry; `None` for one that other checks have told of."""
    try:
        return find_provider(key, entry)
    except Exception:  # the class may be the site's, and may raise anything
        return None


def issuer_now(provider: OAuthProvider | None) -> str | None:
    """Return the one issuer that identities are kept under; `None` where the settings do not tell."""
    if provider is None:
        return None
    names = provider.get_possible_issuers() or (provider.get_server(),)
    possible = [name for name in names if provider.is_possible_issuer(name)]
    return possible[0] if len(possible) == 1 else None


def check_indexes(alias: str) -> Iterator[CheckMessage]:
    """Addresses and user names are found without reading all users; other databases can use a plain index."""
    if connections[alias].vendor != "postgresql":
        return
    model = get_user_model()
    for name in dict.fromkeys((model.get_email_field_name(), model.USERNAME_FIELD)):
        field = get_field(name)
        if not isinstance(field, (CharField, TextField)) or not has_table(alias, field.model):
            continue
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
