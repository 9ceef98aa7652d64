"""`manage.py oidc_login_window`: let a claim link accounts for a limited time, after a migration."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from oidc_login.maintenance import window
from oidc_login.management.commands.oidc_login_link import find_user
from oidc_login.management.options import check_provider
from oidc_login.models import LinkWindow
from oidc_login.registry import get_provider
from oidc_login.signin.link_window import KNOWN_FOR


class Command(BaseCommand):
    help = (
        "Opens, lists and closes windows. In a window, a new identity is linked once to the only active account that a "
        "claim identifies, if the account has no connections. Staff are only linked if they are listed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        opening = actions.add_parser("open", help="Open a window.")
        opening.add_argument("key", metavar="KEY", help="The provider.")
        opening.add_argument("--claim", required=True, help="The claim that identifies the account.")
        opening.add_argument("--until", required=True, help="The last day of the window, or the time when it ends.")
        opening.add_argument("--field", default="", help="The user field that contains the claim's value.")
        opening.add_argument("--issuer", default="", help="The issuer, if each tenant or workspace has its own.")
        opening.add_argument("--staff", action="append", default=[], metavar="NAME", help="Also link this staff user.")
        opening.add_argument(
            "--people-cannot-change-claim",
            action="store_true",
            help="Confirm that people cannot change the claim at the provider. Otherwise they could take over "
            "accounts.",
        )
        actions.add_parser("list", help="List all windows, and how often each was used.")
        closing = actions.add_parser("close", help="Close a window.")
        closing.add_argument("window", type=int, metavar="WINDOW", help="The number of the window in the list.")

    def handle(self, *args: Any, **options: Any) -> None:
        actions = {"open": self.open, "list": self.list, "close": self.close}
        actions[options["action"]](options)

    def open(self, options: dict[str, Any]) -> None:
        check_provider(options["key"])
        try:
            opened = window.open_window(
                get_provider(options["key"]),
                claim=options["claim"],
                ends_at=read_end(options["until"]),
                user_field=options["field"],
                issuer=options["issuer"],
                staff=[find_user(name) for name in options["staff"]],
                people_cannot_change_claim=options["people_cannot_change_claim"],
            )
        except window.WindowRefused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(described(opened))
        self.stdout.write(f"It takes effect in all processes within {KNOWN_FOR} seconds.")

    def list(self, options: dict[str, Any]) -> None:
        for one in LinkWindow.objects.order_by("pk"):
            self.stdout.write(f"{described(one)}, used {one.uses.count()} times")

    def close(self, options: dict[str, Any]) -> None:
        found = LinkWindow.objects.filter(pk=options["window"]).first()
        if found is None or found.closed_at is not None:
            raise CommandError(f"There is no open window {options['window']}.")
        window.close_window(found)
        self.stdout.write(described(found))


def read_end(text: str) -> datetime:
    """Return the end of a window; a day ends at midnight in the site's time zone."""
    try:
        day = parse_date(text)
        moment = datetime.combine(day, time.max) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError("--until: write a day such as 2026-12-31, or a time such as 2026-12-31T18:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def described(one: LinkWindow) -> str:
    state = "closed" if one.closed_at else "open" if one.ends_at > timezone.now() else "ended"
    where = f"{one.provider_key} of {one.issuer or '(no issuer)'}"
    end = timezone.localtime(one.ends_at)
    return f"{one.pk}: {where}, {one.claim} is {one.user_field}, until {end:%Y-%m-%d %H:%M %Z}, {state}"
