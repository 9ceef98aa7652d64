"""Moves identities to another issuer: the provider has moved, or the rows do not name their server yet.

Tokens are bound to the issuer, so they are encrypted again. An UPDATE only changes a row that still has the values that
were read; if a refresh or a sign-in has changed it, the row is read again. A run can be stopped at any time, and the
next one continues.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import ENCRYPTED_FIELDS, IDENTITY_FIELDS, TokenKeyError
from oidc_login.maintenance.rotation import FIELDS
from oidc_login.models import OAuthConnection, SignedInSession, Status
from oidc_login.tokens.database import bounded_locks, in_pages

logger = logging.getLogger(__name__)

PAGE = 200  # rows per read and per transaction
ATTEMPTS = 3  # for a row that other requests change or lock
NAMED = 10  # skipped rows that a report lists


@dataclass(slots=True, kw_only=True)
class Move:
    """Moves the connections of one issuer, and counts the outcomes."""

    alias: str
    provider_key: str
    old: str
    new: str
    dry_run: bool = True
    forgets_unreadable: bool = False
    page: int = PAGE
    seen: int = 0
    moved: int = 0
    forgotten: int = 0  # moved without their tokens, which no key decrypts
    taken: list[Any] = field(default_factory=list)  # keys of rows whose identity exists under the new issuer
    unreadable: int = 0
    busy: int = 0
    sessions: int = 0

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Move every connection; with `dry_run`, only count the outcomes."""
        found = self._rows().filter(provider_key=self.provider_key, issuer=self.old)
        total = found.count()
        for page in in_pages(found, self.page):
            self._take(page)
            progress(self.seen, total)
        self._move_sessions()

    def _rows(self) -> QuerySet[OAuthConnection]:
        names = ("pk", *IDENTITY_FIELDS, *ENCRYPTED_FIELDS, "refresh_lease", "refresh_lease_until", "status")
        return OAuthConnection._base_manager.using(self.alias).only(*names)

    def _take(self, page: Sequence[OAuthConnection]) -> None:
        self.seen += len(page)
        rows = self._without_taken(page)
        for _ in range(0 if self.dry_run else ATTEMPTS):
            left = self._write_all(rows)
            rows = list(self._rows().filter(pk__in=left, issuer=self.old)) if left else []
            if not rows:
                return
        for row in rows:
            self._count_left(row)

    def _without_taken(self, page: Sequence[OAuthConnection]) -> list[OAuthConnection]:
        """Exclude identities that exist under the new issuer; a command cannot merge two accounts of a person."""
        subjects = [row.provider_user_id for row in page]
        there = self._rows().filter(provider_key=self.provider_key, issuer=self.new, provider_user_id__in=subjects)
        taken = set(there.values_list("provider_user_id", flat=True))
        self.taken += [row.pk for row in page if row.provider_user_id in taken]
        return [row for row in page if row.provider_user_id not in taken]

    def _count_left(self, row: OAuthConnection) -> None:
        """Count the outcome of a row that was not written; a dry run writes none."""
        readable = self._encrypted_again(row) is not None
        if not readable and not self.forgets_unreadable:
            self.unreadable += 1
        elif not self.dry_run:
            self.busy += 1
        else:
            self.moved += 1
            self.forgotten += not readable

    # Writing.

    def _write_all(self, rows: Iterable[OAuthConnection]) -> list[Any]:
        """Write the rows in one transaction, or one by one if that fails; return the keys of those not written."""
        rows = list(rows)
        moved, forgotten = self.moved, self.forgotten
        try:
            with transaction.atomic(using=self.alias), bounded_locks(self.alias):
                return [row.pk for row in rows if not self._write(row)]
        except (*STORE_FAULTS, IntegrityError) as error:
            self.moved, self.forgotten = moved, forgotten
            logger.info("moving a page failed, continuing row by row: error=%s", type(error).__name__)
        return [row.pk for row in rows if not self._write_alone(row)]

    def _write_alone(self, row: OAuthConnection) -> bool:
        try:
            with transaction.atomic(using=self.alias), bounded_locks(self.alias):
                return self._write(row)
        except STORE_FAULTS:  # the row stays locked
            return False
        except IntegrityError:  # the person has just signed in through the new issuer
            self.taken.append(row.pk)
            return True

    @sensitive_variables()
    def _write(self, row: OAuthConnection) -> bool:
        """Write one row, unless it has changed or is being refreshed; return whether it is done."""
        tokens = self._encrypted_again(row)
        if tokens is None and not self.forgets_unreadable:
            return False
        values: dict[str, Any] = {"issuer": self.new}
        if tokens is None:
            lost = {"access_token_expires_at": None, "refresh_token_expires_at": None}
            values |= {**dict.fromkeys(ENCRYPTED_FIELDS, ""), **lost, "status": Status.NEEDS_REAUTH}
        else:
            values |= tokens
        # A running refresh would store tokens that are bound to the old issuer.
        free = Q(refresh_lease="") | Q(refresh_lease_until=None) | Q(refresh_lease_until__lte=timezone.now())
        same = {name: row.__dict__[name] for name in (*ENCRYPTED_FIELDS, "refresh_lease")}
        if not self._rows().filter(free, pk=row.pk, issuer=self.old, **same).update(**values):
            return False
        self.moved += 1
        self.forgotten += tokens is None
        return True

    @sensitive_variables()
    def _encrypted_again(self, row: OAuthConnection) -> dict[str, Any] | None:
        """Return the tokens encrypted for the new issuer, or `None` if one of them cannot be decrypted."""
        there = OAuthConnection(provider_key=row.provider_key, issuer=self.new, provider_user_id=row.provider_user_id)
        try:
            tokens = {name: getattr(row, name) for name in ENCRYPTED_FIELDS if row.__dict__[name]}
        except TokenKeyError:
            return None
        return {name: FIELDS[name].encrypt(token, there) for name, token in tokens.items()}

    def _move_sessions(self) -> None:
        """Move the sessions too, so that a logout at the provider still ends them."""
        found = SignedInSession._base_manager.using(self.alias)
        found = found.filter(provider_key=self.provider_key, issuer=self.old)
        self.sessions = found.count() if self.dry_run else found.update(issuer=self.new)
