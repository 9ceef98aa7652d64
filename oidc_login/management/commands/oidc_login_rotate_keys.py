"""`manage.py oidc_login_rotate_keys`: all stored tokens under the first key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from oidc_login.maintenance.rotation import PAGE, Rotation
from oidc_login.management.long_command import FAILED, LEFT_OVER, LongCommand
from oidc_login.management.progress import Progress
from oidc_login.sealing import old_token_keys_setting, token_key_names

LACKING_KEY = (
    "Connections with tokens that no key opens: {:,}. They were left as they are. Add the secret that they were "
    "encrypted with to {}, and run the command again."
)
DAMAGED = (
    "Connections with tokens that were changed, or moved to another row, in the database: {:,}. They were left as "
    "they are; nobody can read them, and their people have to connect once more."
)
OUTDATED = "Connections that still need an old key: {:,}. Run {}."


class Command(LongCommand):
    help = "Encrypts all stored tokens under the first key, beside live traffic."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--check",
            "--dry-run",
            action="store_true",
            dest="check",
            help="Change nothing: say how many connections need which key. Exit status 3: some need an old one.",
        )
        parser.add_argument(
            "--batch-size", type=int, default=PAGE, help="Connections in one transaction (%(default)s)."
        )

    def prepare(self, options: dict[str, Any]) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be 1 or more.")
        self.rotation = Rotation(alias=options["database"], dry_run=options["check"], page=options["batch_size"])

    def work(self, progress: Progress) -> None:
        self.rotation.run(progress)

    def tell(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        found = self.rotation
        if options["verbosity"] > 0:
            self.stdout.write(f"Connections with tokens: {found.seen:,}, encrypted anew: {found.renewed:,}")
            for position, name in enumerate(token_key_names()):
                self.stdout.write(f"{found.needing[position]:>12,} need {name}")
        problems = []
        if found.lacking_key:
            problems.append(LACKING_KEY.format(found.lacking_key, old_token_keys_setting()))
        if found.damaged:
            problems.append(DAMAGED.format(found.damaged))
        status = FAILED if problems else LEFT_OVER
        if found.outdated:
            again = "oidc_login_rotate_keys without --check" if options["check"] else "the command again"
            problems.append(OUTDATED.format(found.outdated, again))
        return status, problems
