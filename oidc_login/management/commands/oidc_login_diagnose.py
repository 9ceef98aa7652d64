"""`manage.py oidc_login_diagnose`: find out why sign-ins fail."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from oidc_login.diagnosis import diagnose
from oidc_login.management.findings import refuse_broken, write_findings
from oidc_login.management.options import check_provider
from oidc_login.protocol import discovery_report
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.http.client import Transport
from oidc_login.registry import get_configurations


class Command(BaseCommand):
    help = (
        "Makes the requests of a sign-in to the providers, and reports what fails and what to do about it. It checks "
        "the client and the callback URL by sending a made-up code and requesting a sign-in that shows no page."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY", help="Only diagnose these providers.")
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")
        parser.add_argument(
            "--discovery-url",
            metavar="URL",
            help="Print what the package would use from the discovery document at this URL; no provider needs to be "
            "configured.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["discovery_url"] is not None:
            self.print_discovery(options["discovery_url"])
            return
        for key in options["keys"]:
            check_provider(key)
        wanted = options["keys"] or list(get_configurations())
        found = {key: list(diagnose(key, get_configurations()[key])) for key in dict.fromkeys(wanted)}
        if options["json"]:
            findings = {key: [one.as_json() for one in found[key]] for key in found}
            self.stdout.write(json.dumps(findings, indent=2))
        else:
            for key in found:
                write_findings(self, key, found[key])
        refuse_broken(found)

    def print_discovery(self, url: str) -> None:
        """Print a discovery document and its keys as JSON."""
        try:
            report = discovery_report.describe(url, Transport(), now=time.time())
        except ProtocolError as error:
            raise CommandError(f"The document cannot be used: {error}") from error
        self.stdout.write(json.dumps(report, indent=2))
