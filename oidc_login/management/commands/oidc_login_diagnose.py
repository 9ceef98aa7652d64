"""`manage.py oidc_login_diagnose`: why sign-ins fail, as far as the provider can say it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from oidc_login.diagnosis import Finding, diagnose
from oidc_login.management.options import check_provider
from oidc_login.registry import get_configurations


class Command(BaseCommand):
    help = (
        "Asks providers what a sign-in would ask them, and says what does not work and what to do about it. A code "
        "that nobody gave is sent to them, to see whether they accept the client."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY", help="Of these providers alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        for key in options["keys"]:
            check_provider(key)
        broken = [
            key
            for key, configuration in get_configurations().items()
            if key in (options["keys"] or [key]) and not self.shown(key, list(diagnose(key, configuration)))
        ]
        if broken:
            raise CommandError(f"Nobody can sign in through: {', '.join(broken)}.")

    def shown(self, key: str, findings: list[Finding]) -> bool:
        """Print what was found, and return whether people can sign in."""
        self.stdout.write(self.style.MIGRATE_HEADING(key))
        marks = {True: self.style.SUCCESS("ok    "), False: self.style.ERROR("FAILED"), None: "      "}
        for finding in findings:
            self.stdout.write(f"  {marks[finding.is_good]} {finding.subject:<11} {finding.text}")
        return all(finding.is_good is not False for finding in findings)
