"""`manage.py oidc_login_refresh`: refresh tokens before they expire."""

from __future__ import annotations

import argparse
import json
import re
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from oidc_login.management.long_command import FAILED, LEFT_OVER, LongCommand
from oidc_login.management.options import check_provider
from oidc_login.management.progress import Progress
from oidc_login.models import OAuthConnection
from oidc_login.sealing import old_token_keys_setting
from oidc_login.tokens import bulk

DURATION = re.compile(r"(\d{1,4})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(LongCommand):
    help = "Refreshes the tokens of all connections that expire soon."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--expiring-within",
            type=duration,
            default=timedelta(hours=1),
            metavar="TIME",
            help="For example 90s, 30m, 1h or 2d (default: 1h). Must be longer than the time between two runs.",
        )
        parser.add_argument(
            "--provider", action="append", metavar="KEY", help="Only refresh tokens of this provider; can be repeated."
        )
        parser.add_argument(
            "--concurrency",
            type=at_least_one,
            default=8,
            metavar="N",
            help="Simultaneous requests (default: %(default)s).",
        )
        parser.add_argument(
            "--rate", type=above_zero, metavar="N", help="Maximum requests per second to each provider."
        )
        parser.add_argument("--json", action="store_true", help="Print the results as JSON.")

    def prepare(self, options: dict[str, Any]) -> None:
        for key in options["provider"] or ():
            check_provider(key)
        self.run_of = bulk.BulkRefresh(
            OAuthConnection.objects.get_queryset().using(options["database"]).expiring(options["expiring_within"]),
            provider_keys=options["provider"],
            concurrency=options["concurrency"],
            per_second=options["rate"],
        )

    def work(self, progress: Progress) -> None:
        self.run_of.run(progress)

    def print_results(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        report = self.run_of.report
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        elif options["verbosity"] > 0:
            for key in report.due:
                self.stdout.write(f"{key}: {format_counts(report.as_dict()['providers'][key])}")
            self.stdout.write(f"All: {format_counts(report.as_dict())}, in {report.seconds:.0f} s")
        problems = []
        if unreadable := report.count(bulk.UNREADABLE):
            problems.append(
                f"Connections with tokens that no key decrypts: {unreadable:,}. See {old_token_keys_setting()}."
            )
        if failed := report.count(bulk.FAILED):
            problems.append(f"Connections that failed: {failed:,}. The log says why.")
        status = FAILED if problems else LEFT_OVER
        if postponed := report.count(bulk.POSTPONED):
            problems.append(f"Connections left for the next run: {postponed:,}.")
        return status, problems


def format_counts(counts: dict[str, Any]) -> str:
    """Return the counts as a line, without those that are zero."""
    outcomes = [f"{counts[outcome]:,} {outcome}" for outcome in bulk.OUTCOMES if counts[outcome]]
    return ", ".join([f"{counts['due']:,} due", *outcomes])


def duration(text: str) -> timedelta:
    found = DURATION.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write 90s, 30m, 1h or 2d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be greater than 0")
    return number
