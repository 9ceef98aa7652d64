"""`manage.py oidc_login_clearsessions`: remove the rows that Django's `clearsessions` leaves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from oidc_login.sessions.records import clear_expired


class Command(BaseCommand):
    help = "Removes the rows of expired sessions through a provider; run it as often as clearsessions."

    def handle(self, *args: Any, **options: Any) -> None:
        count = clear_expired()
        if options["verbosity"]:
            self.stdout.write(f"Removed {count} expired sessions.")
