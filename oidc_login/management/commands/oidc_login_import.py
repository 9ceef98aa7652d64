"""`manage.py oidc_login_import`: import the accounts of another package as connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from oidc_login.management.long_command import LEFT_OVER, LongCommand
from oidc_login.management.progress import Progress
from oidc_login.models import ImportRun
from oidc_login.moving import sources
from oidc_login.moving.accounts import Source
from oidc_login.moving.importing import NAMED, PAGE, Import, Tally, begin
from oidc_login.moving.plan import HERE, IMPORTABLE, NO_PROVIDER, OUTCOMES
from oidc_login.moving.translations import translate
from oidc_login.moving.translations.rendering import render
from oidc_login.moving.undo import Undo

DRY_RUN = "Nothing was changed. Run the command again with --apply."
ADD_PROVIDER = "add a provider to OIDC_LOGIN_PROVIDERS, or name one with --provider {}=KEY"
LEFT = "Accounts that were skipped: {:,}."
RUN = "This is run {}. Undo it with --undo {} --apply."


class Command(LongCommand):
    help = (
        "Copies the accounts of another package into connections, so that people keep their accounts. Without --apply "
        "it only prints what it would do. It never changes an existing connection."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Allow `--settings` without a value; with a module, it is Django's own option."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("source", metavar="SOURCE", choices=sources.NAMES, help=", ".join(sources.NAMES))
        parser.add_argument(
            "--provider",
            action="append",
            default=[],
            metavar="OLD=NEW",
            help="The key in OIDC_LOGIN_PROVIDERS for a provider that the other package calls OLD.",
        )
        parser.add_argument("--apply", action="store_true", help="Write the changes.")
        parser.add_argument("--settings", nargs="?", const="", help="Without a value: only print the new settings.")
        parser.add_argument("--undo", type=int, metavar="RUN", help="Undo a run.")
        parser.add_argument("--file", default="", help="mozilla, adfs, pyoidc: a CSV file with sub and the claim.")
        parser.add_argument("--claim", default="", help="mozilla, adfs, pyoidc: the claim that identifies people.")
        parser.add_argument(
            "--staff",
            action="append",
            default=[],
            metavar="NAME",
            help="mozilla, adfs, pyoidc: also import this staff user.",
        )
        parser.add_argument(
            "--batch-size", type=int, default=PAGE, help="Accounts per transaction (default: %(default)s)."
        )

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run no checks before the settings are printed: a site that has not pasted them yet fails them."""
        if options["settings"] == "":
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["settings"] != "":
            super().handle(*args, **options)
            return
        if options["apply"] or options["undo"] is not None:
            raise CommandError("--settings only prints. Do not combine it with --apply or --undo.")
        self.stdout.write(render(translate(options["source"], alias=options["database"])), ending="")

    def prepare(self, options: dict[str, Any]) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be 1 or more.")
        self.walk: Import | Undo
        if options["undo"] is not None:
            self.walk = self.made_undo(options)
            return
        renamed = dict(map(read_pair, options["provider"]))
        alias = options["database"]
        source = made_source(options, renamed)
        run = begin(source, alias=alias) if options["apply"] else None
        self.walk = Import(source=source, alias=alias, renamed=renamed, run_record=run, page=options["batch_size"])

    def made_undo(self, options: dict[str, Any]) -> Undo:
        runs = ImportRun._base_manager.using(options["database"])
        run = runs.filter(pk=options["undo"], source=options["source"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['undo']} of {options['source']}.")
        if run.undone_at is not None:
            raise CommandError(f"Run {run.pk} has already been undone.")
        return Undo(run_record=run, alias=options["database"], dry_run=not options["apply"], page=options["batch_size"])

    def work(self, progress: Progress) -> None:
        self.walk.run(progress)

    def print_results(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        if isinstance(self.walk, Undo):
            return self.print_undo(self.walk)
        walk = self.walk
        self.stdout.write(f"{walk.source.package}: {walk.seen:,} accounts")
        for old, tally in sorted(walk.tallies.items()):
            for line in report(old, walk, tally):
                self.stdout.write(line)
        for remark in walk.source.remarks():
            self.stdout.write(f"Note: {remark}")
        left = sum(count for tally in walk.tallies.values() for count in left_over(tally).values())
        if walk.run_record is None:
            self.stdout.write(DRY_RUN)
            return LEFT_OVER, []
        self.stdout.write(RUN.format(walk.run_record.pk, walk.run_record.pk))
        return LEFT_OVER, [LEFT.format(left)] if left else []

    def print_undo(self, walk: Undo) -> tuple[int, list[str]]:
        done = "would be removed" if walk.dry_run else "removed"
        self.stdout.write(f"Connections of run {walk.run_record.pk}: {walk.seen:,}, {done}: {walk.removed:,}")
        if walk.gone:
            self.stdout.write(f"  removed by somebody else: {walk.gone:,}")
        if walk.dry_run:
            self.stdout.write(DRY_RUN)
        if not walk.used:
            return LEFT_OVER, []
        return LEFT_OVER, [
            f"Connections kept because they have been used since: {walk.used:,} ({named(walk.used_rows, walk.used)})."
        ]


def read_pair(text: str) -> tuple[str, str]:
    old, separator, new = text.partition("=")
    if not (old and separator and new):
        raise CommandError(f"--provider {text}: write OLD=NEW.")
    return old, new


def made_source(options: dict[str, Any], renamed: dict[str, str]) -> Source:
    """Return the source with its options."""
    kind = sources.find_source(options["source"])
    if kind.takes_file:
        key = kind.default_key()
        made: Source = kind(
            alias=options["database"],
            file=options["file"],
            claim=options["claim"],
            key=renamed.get(key, key),
            staff=options["staff"],
        )
        return made
    for name in ("file", "claim", "staff"):
        if options[name]:
            raise CommandError(f"--{name} cannot be used with {options['source']}.")
    found: Source = kind(alias=options["database"])
    return found


def left_over(tally: Tally) -> dict[str, int]:
    return {name: tally.outcomes[name] for name in OUTCOMES if name not in (IMPORTABLE, HERE) and tally.outcomes[name]}


def report(old: str, walk: Import, tally: Tally) -> Iterator[str]:
    """Yield the lines about one old provider. They contain row ids and nothing secret."""
    target = walk.target(old)
    yield f"{old} -> {target.key if target else 'nothing'}"
    for issuer, count in sorted(tally.issuers.items()):
        yield f"  issuer: {issuer or '(none: OAuth 2.0)'} ({count:,})"
    imported = "importable" if walk.run_record is None else "imported"
    tokens = f" (tokens taken: {tally.tokens_taken:,}, left: {tally.tokens_left:,})"
    yield f"  {imported}: {tally.outcomes[IMPORTABLE]:,}{tokens}"
    yield f"  {HERE}: {tally.outcomes[HERE]:,}"
    for outcome, count in left_over(tally).items():
        hint = f"; {ADD_PROVIDER.format(old)}" if outcome == NO_PROVIDER else ""
        yield f"  {outcome}: {count:,} (rows {named(tally.rows[outcome], count)}){hint}"


def named(rows: list[Any], count: int) -> str:
    return ", ".join(map(str, rows[:NAMED])) + (", ..." if count > len(rows[:NAMED]) else "")
