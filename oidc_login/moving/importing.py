"""A run of an import: all accounts of a source, page by page, and the outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.models import ImportRun
from oidc_login.moving import writing
from oidc_login.moving.accounts import OldAccount, Source
from oidc_login.moving.plan import CONFLICT, HERE, IMPORTABLE, Decided, decide
from oidc_login.moving.targets import Target, find_target

PAGE = 500  # rows per read and per transaction
NAMED = 10  # skipped rows that a report lists


@dataclass(slots=True)
class Tally:
    """The outcomes of the accounts of one old provider."""

    outcomes: Counter[str] = field(default_factory=Counter)
    rows: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    issuers: Counter[str] = field(default_factory=Counter)
    tokens_taken: int = 0
    tokens_left: int = 0

    def add(self, one: Decided, outcome: str) -> None:
        self.outcomes[outcome] += 1
        if outcome == IMPORTABLE and one.target is not None:
            self._add_importable(one, one.target)
        elif outcome != HERE and len(self.rows[outcome]) < NAMED:
            self.rows[outcome].append(one.account.row)

    def _add_importable(self, one: Decided, target: Target) -> None:
        if one.issuer in self.issuers or len(self.issuers) < NAMED:
            self.issuers[one.issuer] += 1
        taken = writing.takes_tokens(one.account, target)
        self.tokens_taken += taken
        self.tokens_left += not taken and one.account.tokens is not None


@dataclass(slots=True, kw_only=True)
class Import:
    """An import of the accounts of a source; without a run it writes nothing."""

    source: Source
    alias: str
    renamed: Mapping[str, str]
    run_record: ImportRun | None = None
    page: int = PAGE
    seen: int = 0
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    targets: dict[str, Target | None] = field(default_factory=dict)

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Import every importable account; without a run, only determine the outcomes."""
        total = self.source.total()
        for page in self.source.pages(self.page):
            self._take(page)
            progress(self.seen, total)
        if self.run_record is not None:
            self.run_record.finished_at = timezone.now()
            self.run_record.save(using=self.alias, update_fields=["finished_at"])

    def target(self, old: str) -> Target | None:
        """Return the target of an old provider; its issuer is looked up once."""
        if old not in self.targets:
            self.targets[old] = find_target(self.source, old, self.renamed)
        return self.targets[old]

    @sensitive_variables()
    def _take(self, page: Sequence[OldAccount]) -> None:
        self.seen += len(page)
        decided = decide(page, alias=self.alias, find=self.target)
        planned = [one for one in decided if one.outcome == IMPORTABLE]
        left = self._write(planned)
        for one in decided:
            self.tallies[one.account.provider].add(one, left.get(id(one), one.outcome))

    def _write(self, planned: Sequence[Decided]) -> dict[int, str]:
        """Write the planned connections; return the outcomes of those not written, by identity of the object."""
        if self.run_record is None or not planned:
            return {}
        missing = writing.write(planned, run=self.run_record, alias=self.alias)
        again = [planned[position] for position in sorted(missing)]
        now = decide([one.account for one in again], alias=self.alias, find=self.target) if again else []
        # What is still importable stays for the next run, because a lock is held.
        return {
            id(old): CONFLICT if new.outcome == IMPORTABLE else new.outcome for old, new in zip(again, now, strict=True)
        }


def begin(source: Source, *, alias: str) -> ImportRun:
    """Return the stopped run to continue, so that one undo covers all of it, or a new one."""
    runs = ImportRun._base_manager.using(alias).filter(source=source.name, finished_at=None, undone_at=None)
    return runs.order_by("pk").last() or ImportRun._base_manager.using(alias).create(source=source.name)
