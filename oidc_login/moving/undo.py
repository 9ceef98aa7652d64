"""Undoes one run: removes exactly the connections that it created, except those used since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from oidc_login.models import ImportedConnection, ImportRun, OAuthConnection
from oidc_login.moving.importing import NAMED, PAGE
from oidc_login.tokens.database import bounded_locks


@dataclass(slots=True, kw_only=True)
class Undo:
    """Undoes a run page by page, and counts the outcomes."""

    run_record: ImportRun
    alias: str
    dry_run: bool = True
    page: int = PAGE
    seen: int = 0
    removed: int = 0
    gone: int = 0  # removed by somebody else
    used: int = 0
    used_rows: list[Any] = field(default_factory=list)

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Remove the connections of the run; with `dry_run`, only count them."""
        records = ImportedConnection._base_manager.using(self.alias).filter(run=self.run_record).order_by("pk")
        total = records.count()
        page = list(records[: self.page])
        while page:
            self._take(page)
            progress(self.seen, total)
            page = list(records.filter(pk__gt=page[-1].pk)[: self.page])
        if not self.dry_run:
            self.run_record.undone_at = timezone.now()
            self.run_record.save(using=self.alias, update_fields=["undone_at"])

    def _take(self, page: Sequence[ImportedConnection]) -> None:
        with transaction.atomic(using=self.alias), bounded_locks(self.alias):
            self._remove(page)
        self.seen += len(page)

    def _remove(self, page: Sequence[ImportedConnection]) -> None:
        """Remove the connections of a page. They are locked first, so that nobody uses them in between."""
        rows = OAuthConnection._base_manager.using(self.alias)
        written = {record.connection: record.written_at for record in page}
        locked = rows.select_for_update().filter(pk__in=written)
        there = dict(locked.values_list("pk", "updated_at"))
        # Every sign-in, refresh and change updates this time.
        unused = {key for key, updated_at in there.items() if updated_at == written[key]}
        self.gone += len(written) - len(there)
        self.removed += len(unused)
        self.used += len(there) - len(unused)
        self.used_rows += [key for key in there if key not in unused][: NAMED - len(self.used_rows)]
        if self.dry_run:
            return
        self._delete(unused)
        done = [record.pk for record in page if record.connection in unused or record.connection not in there]
        ImportedConnection._base_manager.using(self.alias).filter(pk__in=done).delete()

    def _delete(self, keys: set[Any]) -> None:
        """Delete connections that nobody has signed in with, so there are no sessions to end."""
        rows = OAuthConnection._base_manager.using(self.alias).filter(pk__in=keys)
        try:
            with transaction.atomic(using=self.alias):
                rows._raw_delete(self.alias)
        except IntegrityError:  # a model of the site refers to one of them
            rows.delete()
