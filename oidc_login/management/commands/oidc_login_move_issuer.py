"""`manage.py oidc_login_move_issuer`: move the identities of a provider to another issuer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from oidc_login.maintenance.move_issuer import NAMED, PAGE, Move
from oidc_login.management.long_command import FAILED, LEFT_OVER, LongCommand
from oidc_login.management.progress import Progress
from oidc_login.models import OAuthConnection
from oidc_login.providers.base import MAX_ISSUER_LENGTH
from oidc_login.registry import find_provider, get_configurations
from oidc_login.sealing import old_token_keys_setting

TAKEN = (
    "Connections whose identity already exists under {!r}: {:,} ({}). They were not changed. These people signed in "
    "before they were moved and may have two accounts. Delete one of the two connections, and run the command again."
)
UNREADABLE = (
    "Connections with tokens that no key decrypts: {:,}. They were not changed. Add the secret that they were "
    "encrypted with to {}, or move them without their tokens with --forget-unreadable, and run the command again."
)
BUSY = "Connections that were being refreshed or changed: {:,}. Run the command again."
NOT_CONFIGURED = (
    "Note: the settings of the provider {!r} have an issuer other than {!r}. Until you change them, sign-ins do not "
    "find the moved connections."
)
DRY_RUN = "Nothing was changed. Run the command again with --apply."


class Command(LongCommand):
    help = (
        "Moves the identities of a provider to another issuer: because the provider moved, or because the connections "
        "do not name their server yet. Without --apply it only prints what it would do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key", metavar="KEY", help="The key of the provider.")
        parser.add_argument("old", metavar="OLD", help='The current issuer of the connections; "" for none.')
        parser.add_argument("new", metavar="NEW", help="The new issuer.")
        parser.add_argument("--apply", action="store_true", help="Write the changes.")
        parser.add_argument(
            "--forget-unreadable",
            action="store_true",
            help="Also move connections with tokens that no key decrypts, and delete these tokens.",
        )
        parser.add_argument(
            "--batch-size", type=int, default=PAGE, help="Connections per transaction (default: %(default)s)."
        )

    def prepare(self, options: dict[str, Any]) -> None:
        key, old, new = options["key"], options["old"], options["new"]
        if old == new:
            raise CommandError("OLD and NEW are the same issuer.")
        if len(new) > MAX_ISSUER_LENGTH:
            raise CommandError(f"NEW is longer than {MAX_ISSUER_LENGTH} characters.")
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be 1 or more.")
        self.check_old(key, old, alias=options["database"])
        self.move = Move(
            alias=options["database"],
            provider_key=key,
            old=old,
            new=new,
            dry_run=not options["apply"],
            forgets_unreadable=options["forget_unreadable"],
            page=options["batch_size"],
        )
        configuration = get_configurations().get(key)
        provider = None if configuration is None else find_provider(key, configuration)
        if provider is not None and not provider.is_possible_issuer(new):
            self.stdout.write(self.style.WARNING(NOT_CONFIGURED.format(key, new)))

    def check_old(self, key: str, old: str, *, alias: str) -> None:
        """Report a misspelt key or issuer, so that it does not look like finished work."""
        rows = OAuthConnection._base_manager.using(alias).filter(provider_key=key)
        if rows.filter(issuer=old).exists():
            return
        known = sorted(set(rows.values_list("issuer", flat=True).distinct()[:NAMED]))
        if not known:
            raise CommandError(f"No connection belongs to the provider {key!r}.")
        issuers = ", ".join(map(repr, known))
        self.stdout.write(
            self.style.WARNING(f"No connection of {key!r} has the issuer {old!r}. Issuers found: {issuers}.")
        )

    def work(self, progress: Progress) -> None:
        self.move.run(progress)

    def print_results(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        move = self.move
        if options["verbosity"] > 0:
            done = "would be moved" if move.dry_run else "moved"
            without = f", {move.forgotten:,} of them without their tokens" if move.forgotten else ""
            self.stdout.write(f"Connections: {move.seen:,}, {done}: {move.moved:,}{without}")
            self.stdout.write(f"Sessions: {move.sessions:,} {done}")
            if move.dry_run and move.moved:
                self.stdout.write(DRY_RUN)
        problems = []
        if move.taken:
            named = ", ".join(map(str, move.taken[:NAMED])) + (", ..." if len(move.taken) > NAMED else "")
            problems.append(TAKEN.format(move.new, len(move.taken), named))
        if move.unreadable:
            problems.append(UNREADABLE.format(move.unreadable, old_token_keys_setting()))
        status = FAILED if problems else LEFT_OVER
        if move.busy:
            problems.append(BUSY.format(move.busy))
        return status, problems
