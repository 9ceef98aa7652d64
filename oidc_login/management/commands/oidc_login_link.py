"""`manage.py oidc_login_link`: connect an identity to an account if no sign-in can link the two."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from oidc_login.exceptions import OAuthError
from oidc_login.maintenance import link
from oidc_login.management.options import check_provider
from oidc_login.models import OAuthConnection
from oidc_login.registry import get_provider

DRY_RUN = "Nothing was changed. Run the command again with --apply."


class Command(BaseCommand):
    help = (
        "Connects an identity to an account, with the reason `operator`. Without --apply it only prints what it would "
        "do. Without SUBJECT it lists the identities that the account has at the provider."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="The user name of the account.")
        parser.add_argument("key", metavar="KEY", help="The provider.")
        parser.add_argument("subject", metavar="SUBJECT", nargs="?", help="The person's `sub` at the provider.")
        parser.add_argument("--issuer", default="", help="The issuer, if each tenant or workspace has its own.")
        parser.add_argument("--apply", action="store_true", help="Write the connection.")

    def handle(self, *args: Any, **options: Any) -> None:
        check_provider(options["key"])
        user = find_user(options["user"])
        if options["subject"] is None:
            self.list_identities(user, options["key"])
            return
        try:
            planned = link.plan(user, get_provider(options["key"]), options["subject"], issuer=options["issuer"])
            self.print_results(planned)
            if options["apply"] and not planned.is_there:
                connection = link.apply(planned)
                self.stdout.write(f"Connected: connection {connection.pk}.")
        except OAuthError as error:
            raise CommandError(link.explain(error)) from None
        if not options["apply"] and not planned.is_there:
            self.stdout.write(DRY_RUN)

    def list_identities(self, user: Any, key: str) -> None:
        found = OAuthConnection.objects.filter(user=user, provider_key=key).order_by("pk")
        for connection in found:
            server = connection.issuer or "(no issuer)"
            self.stdout.write(f"{connection.pk}: {connection.provider_user_id} of {server}, {connection.link_reason}")
        if not found:
            self.stdout.write("The account has no identity at this provider.")

    def print_results(self, planned: link.PlannedLink) -> None:
        self.stdout.write(f"{planned.user.get_username()} at {planned.provider.key}")
        self.stdout.write(f"  issuer: {planned.issuer or '(none: OAuth 2.0)'}")
        if planned.is_there:
            self.stdout.write("  This identity is already connected to this account.")
        if planned.others:
            self.stdout.write(f"  The account has {planned.others} other identities at this provider, which are kept.")


def find_user(name: str) -> Any:
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
