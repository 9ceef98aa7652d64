"""`manage.py oidc_login_rotate_keys`: encrypt all stored tokens with the first key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from oidc_login.maintenance.rotation import PAGE, Rotation
from oidc_login.management.long_command import FAILED, LEFT_OVER, LongCommand
from oidc_login.management.progress import Progress
from oidc_login.sealing import old_token_keys_setting, token_key_names

LACKING_KEY = (
    "Connections with tokens that no key decrypts: {:,}. They were not changed. Add the secret that they were "
    "encrypted with to {}, and run the command again."
)
DAMAGED = (
    "Connections with tokens that were changed or moved to another row in the database: {:,}. They were not changed. "
    "Nobody can read these tokens, so their users have to connect again."
)
OUTDATED = "Connections that still need an old key: {:,}. Run {}."


class Command(LongCommand):
    help = "Encrypts all stored tokens with the first key. The site can stay up."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--check",
            "--dry-run",
            action="store_true",
            dest="check",
            help="Change nothing; only print how many connections need which key. The exit status is 3 if some need "
            "an old key.",
        )
        parser.add_argument(
            "--batch-size", type=int, default=PAGE, help="Connections per transaction (default: %(default)s)."
        )

    def prepare(self, options: dict[str, Any]) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be 1 or more.")
        self.rotation = Rotation(alias=options["database"], dry_run=options["check"], page=options["batch_size"])

    def work(self, progress: Progress) -> None:
        self.rotation.run(progress)

    def print_results(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        found = self.rotation
        if options["verbosity"] > 0:
            self.stdout.write(f"Connections with tokens: {found.seen:,}, re-encrypted: {found.renewed:,}")
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
