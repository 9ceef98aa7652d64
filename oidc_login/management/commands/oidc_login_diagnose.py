"""`manage.py oidc_login_diagnose`: find out why sign-ins fail."""

from __future__ import annotations

import json
import sys
import time
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables

from oidc_login.diagnosis import diagnose
from oidc_login.diagnosis.access_token import diagnose_token
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

        parser.add_argument(
            "--token",
            metavar="-",
            help='Only "-": read one access token from standard input, and report at which step an API call accepts or '
            "refuses it. The token is never printed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["token"] is not None:
            self.report_token(options["token"], as_json=options["json"])
            return
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

    @sensitive_variables()
    def report_token(self, source: str, *, as_json: bool) -> None:
        """Print what becomes of a token at an API, step by step."""
        if source != "-":
            raise CommandError(
                'The token is read from standard input: write "--token -". Arguments can be seen by others.'
            )
        raw = getpass("Access token: ") if sys.stdin.isatty() else sys.stdin.readline()
        findings = list(diagnose_token(raw.strip()))
        if as_json:
            self.stdout.write(json.dumps({"token": [one.as_json() for one in findings]}, indent=2))
        else:
            write_findings(self, "token", findings)
        if any(one.is_good is False for one in findings):
            raise CommandError("An API call with this token is refused.")
        if findings[-1].subject != "account":
            raise CommandError("Nobody can tell at the moment.")

    def print_discovery(self, url: str) -> None:
        """Print a discovery document and its keys as JSON."""
        try:
            report = discovery_report.describe(url, Transport(), now=time.time())
        except ProtocolError as error:
            raise CommandError(f"The document cannot be used: {error}") from error
        self.stdout.write(json.dumps(report, indent=2))
