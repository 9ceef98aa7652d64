"""The checks of a database's contents; `check --database default` runs them."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections, router
from django.db.models import Count, F, Model, Q

from oidc_login.checks.entries import configured
from oidc_login.checks.reports import Report
from oidc_login.exceptions import ProviderUnavailable
from oidc_login.models import LinkReason, OAuthConnection
from oidc_login.models.indexes import KINDS, has_index, searched_fields
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import find_provider, loaded_configurations
from oidc_login.signin.linking import links_by_email
from oidc_login.user_model import get_field

NAMED = 10  # rows that a message lists
LISTED = 5  # issuers that a message lists

PROVIDER_GONE = Report(
    "W002",
    "{count} connections belong to the provider {key!r}, which is not in OIDC_LOGIN_PROVIDERS.",
    "These people cannot sign in with it. Restore the provider, or change provider_key in these rows of "
    "oidc_login.OAuthConnection, or delete them.",
)
INDEX_MISSING = Report(
    "W003",
    "The database {alias!r} has no index for searching {column!r} of {table} without case.",
    "A sign-up compares email addresses and user names without case, so it reads all users. Add "
    "oidc_login.operations.AddSignInIndexes() to one of your migrations, or add {index} to the user model. "
    "docs/scaling.md describes both.",
)
SERVER_UNKNOWN = Report(
    "W181",
    "{count} connections of the provider {key!r} do not name the server that they belong to (rows {rows}).",
    "These people cannot sign in with it, because another server may use the same number for somebody else. First "
    "delete the rows of oidc_login.OAuthConnection that belong to another server. If the others belong to the present "
    "one, run: python manage.py oidc_login_move_issuer {key} '' {new} --apply.",
)
ISSUER_UNKNOWN = Report(
    "W182",
    "Connections of the provider {key!r} belong to issuers that its settings do not allow: {issuers}.",
    "These people cannot sign in with it. If the provider has moved, run: python manage.py oidc_login_move_issuer "
    "{key} {old} {new} --apply. If it is a different provider, give it another key.",
)
ADDRESSES_UNLINKED = Report(
    "W202",
    "{count} accounts got their address by signing up with {key!r} while linking by email was off for it (rows {rows} "
    "of oidc_login.OAuthConnection).",
    "Such an address may belong to another person. Now that another provider links accounts by email, that person "
    "would be signed in to a stranger's account. Remove the address from these accounts, or have it confirmed and set "
    "OIDC_LOGIN_LOCAL_EMAIL_VERIFIED. Once you have checked all of them, silence oidc_login.W202.",
)


def database_messages(alias: str) -> list[CheckMessage]:
    """Return the messages about the connections in one database; Django reports database errors."""
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
    except (Error, ImproperlyConfigured, ProviderUnavailable):  # the loader's failure is already in the log
        return []


def scale_messages(alias: str) -> list[CheckMessage]:
    """Return the messages about what is slow with many users."""
    try:
        return list(check_indexes(alias))
    except (Error, ImproperlyConfigured):  # the latter: a site without a database
        return []


def has_table(alias: str, model: type[Model]) -> bool:
    """Whether this database contains the model's table."""
    if not router.allow_migrate_model(alias, model):
        return False
    return model._meta.db_table in connections[alias].introspection.table_names()


def check_provider_keys(alias: str, entries: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    """The provider of every connection is configured."""
    gone = OAuthConnection.objects.using(alias).exclude(provider_key__in=[str(key) for key in entries])
    for key, count in gone.order_by("provider_key").values_list("provider_key").annotate(count=Count("pk")):
        yield PROVIDER_GONE.message(key=key, count=count)


def check_addresses(alias: str, providers: Mapping[str, OAuthProvider | None]) -> Iterator[CheckMessage]:
    """No account got its address from a provider without email linking while another provider links by email."""
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
        yield ADDRESSES_UNLINKED.message(key=key, count=count, rows=first)


def check_issuers(alias: str, providers: Mapping[str, OAuthProvider | None]) -> Iterator[CheckMessage]:
    """Every connection belongs to an issuer or server that its provider's settings allow."""
    others: dict[str, dict[str, int]] = defaultdict(dict)
    counts = OAuthConnection.objects.using(alias).order_by().values_list("provider_key", "issuer")
    for key, issuer, count in counts.annotate(count=Count("pk")):
        provider = providers.get(key)
        if provider is not None and not may_be_under(provider, issuer or ""):
            others[key][issuer or ""] = count
    for key in sorted(others):
        yield from issuer_messages(alias, key, others[key], issuer_now(providers[key]))


def may_be_under(provider: OAuthProvider, issuer: str) -> bool:
    """Whether identities may be stored under an issuer; identities of OpenID providers always have one (Core 5.7)."""
    return bool(issuer or not provider.has_id_token) and provider.is_possible_issuer(issuer)


def issuer_messages(alias: str, key: str, counts: Mapping[str, int], issuer: str | None) -> Iterator[CheckMessage]:
    """Report connections without a server, and connections of other issuers."""
    named = {issuer: count for issuer, count in counts.items() if issuer}
    new = "NEW" if issuer is None else shlex.quote(issuer)
    if len(named) < len(counts):
        rows = OAuthConnection.objects.using(alias).filter(provider_key=key, issuer="").order_by("pk")
        yield SERVER_UNKNOWN.message(
            key=key, count=counts[""], rows=first_of(rows.values_list("pk", flat=True)), new=new
        )
    if named:
        ordered = sorted(named, key=lambda name: (-named[name], name))
        told = [f"{named[name]} to {name!r}" for name in ordered[:LISTED]]
        more = [f"others to {len(ordered) - LISTED} more issuers"] if len(ordered) > LISTED else []
        old = shlex.quote(ordered[0])
        yield ISSUER_UNKNOWN.message(key=key, issuers=", ".join([*told, *more]), old=old, new=new)


def first_of(keys: Any) -> str:
    """Return the first keys of rows as text."""
    found = list(map(str, keys[: NAMED + 1]))
    return ", ".join([*found[:NAMED], *(["..."] if len(found) > NAMED else [])])


def made_provider(key: Any, entry: Any) -> OAuthProvider | None:
    """Return the provider of an entry, or `None` if other checks report it."""
    try:
        return find_provider(key, entry)
    except Exception:  # a class of the site may raise any exception
        return None


def issuer_now(provider: OAuthProvider | None) -> str | None:
    """Return the only issuer that identities are stored under, or `None` if the settings allow several."""
    if provider is None:
        return None
    names = provider.get_possible_issuers() or (provider.get_server(),)
    possible = [name for name in names if provider.is_possible_issuer(name)]
    return possible[0] if len(possible) == 1 else None


def check_indexes(alias: str) -> Iterator[CheckMessage]:
    """Email addresses and user names can be found without reading all users."""
    connection = connections[alias]
    if connection.vendor not in KINDS:
        return
    for field in searched_fields(get_user_model()):
        if has_table(alias, field.model) and not has_index(connection, field):
            index = KINDS[connection.vendor].meta.format(field=field.name)
            table, column = field.model._meta.db_table, field.column
            yield INDEX_MISSING.message(alias=alias, table=table, column=column, index=index)
