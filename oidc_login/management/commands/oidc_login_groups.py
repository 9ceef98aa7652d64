"""`manage.py oidc_login_groups`: show which groups and flags a person gets from a provider."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router, transaction
from django.utils import timezone
from django.utils.formats import date_format

from oidc_login.management.options import check_provider
from oidc_login.models import OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider
from oidc_login.signin.groups_claim import REASONS, ClaimState, GroupsClaim, decide, read
from oidc_login.signin.provisioning import Changes, changes_for, existing_groups

NONE = "(none)"


class Command(BaseCommand):
    help = (
        "Shows the groups that a provider sent at a person's last sign-in, how the current settings map them, and what "
        "the next sign-in would change. Nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", metavar="KEY", help="The provider.")
        parser.add_argument("--user", required=True, metavar="NAME", help="The user name of the person.")

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["key"]
        check_provider(key)
        provider = get_provider(key)
        if not provider.groups_paths:
            raise CommandError(f"The provider {key!r} has no groups_claim.")
        user = find_user(options["user"])
        connections = OAuthConnection.objects.filter(user=user, provider_key=key)
        if not connections:
            raise CommandError(f"{options['user']} has no connection to the provider {key!r}.")
        for connection in connections:
            self.stdout.write(self.style.MIGRATE_HEADING(heading(options["user"], connection)))
            for name, text in findings(user, connection, provider):
                self.stdout.write(f"  {name:<10}{text}")


def find_user(name: str) -> Any:
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None


def heading(name: str, connection: OAuthConnection) -> str:
    last = connection.last_login_at
    when = "never" if last is None else date_format(timezone.localtime(last), "Y-m-d H:i")
    return f"{name} at {connection.provider_key}, last sign-in {when}"


def findings(user: Any, connection: OAuthConnection, provider: OAuthProvider) -> Iterator[tuple[str, str]]:
    """Yield the claim, the decision, and the changes."""
    claim = read(connection.claims, provider)
    decision = decide(claim, provider)
    yield "claim", describe_claim(claim)
    yield "decision", decision
    if decision == "apply":
        with transaction.atomic(using=router.db_for_write(type(user))):
            changes = changes_for(user, claim, provider, previous=claim)
        yield from changed(changes, provider)


def describe_claim(claim: GroupsClaim) -> str:
    if claim.state is ClaimState.GIVEN:
        return f"given: {listed(claim.names)}"
    if claim.state is ClaimState.UNAVAILABLE:
        reason = "too many names to keep" if claim.reason == "null" else REASONS.get(claim.reason, claim.reason)
        return f"unavailable: {reason}"
    return "absent: the last sign-in had no groups claim, or could not read it"


def changed(changes: Changes, provider: OAuthProvider) -> Iterator[tuple[str, str]]:
    missing = changes.join - {group.name for group in existing_groups(changes.join)}
    yield "joins", listed(changes.join - missing)
    if missing:
        yield ("creates" if provider.create_groups else "missing"), listed(missing)
    yield "leaves", listed(changes.leave)
    yield "flags", listed([f"{flag}: {value}" for flag, value in changes.flags.items()])
    if changes.last_superuser:
        yield "kept", "the flags of the last active superuser"


def listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or NONE
