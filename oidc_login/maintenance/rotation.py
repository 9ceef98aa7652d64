"""Encrypting stored tokens again with the first key, while requests read and refresh them.

A token is replaced by an UPDATE that names the old ciphertext, so tokens that a refresh or a sign-in stores in between
are kept. A token that no key decrypts is left as it is. A walk can be stopped at any time; the next one does the rest.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import ENCRYPTED_FIELDS, IDENTITY_FIELDS, EncryptedTextField, TokenKeyError
from oidc_login.models import OAuthConnection
from oidc_login.tokens.database import bounded_locks, in_pages

logger = logging.getLogger(__name__)

PAGE = 200  # rows per read and per transaction
ATTEMPTS = 3  # for a row that other requests change or lock

FIELDS = {name: cast("EncryptedTextField", OAuthConnection._meta.get_field(name)) for name in ENCRYPTED_FIELDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A connection, the positions of the keys that it needs, and the errors of its tokens."""

    connection: OAuthConnection
    needs: frozenset[int]
    outdated: tuple[str, ...]  # the tokens that were not encrypted with the first key
    lacks_key: bool
    is_damaged: bool


@sensitive_variables()
def examine(connection: OAuthConnection) -> Row:
    """Return which keys encrypted the tokens, and whether the tokens can be decrypted."""
    stored = {name: connection.__dict__[name] for name in ENCRYPTED_FIELDS if connection.__dict__[name]}
    positions = {name: FIELDS[name].key_position(ciphertext) for name, ciphertext in stored.items()}
    known = {name: position for name, position in positions.items() if position is not None}
    opened = {name: position for name, position in known.items() if opens(connection, name)}
    return Row(
        connection=connection,
        needs=frozenset(opened.values()),
        outdated=tuple(name for name, position in opened.items() if position > 0),
        lacks_key=len(known) < len(stored),
        is_damaged=len(opened) < len(known),
    )


@sensitive_variables()
def opens(connection: OAuthConnection, name: str) -> bool:
    """Whether a token can be decrypted: it was not changed, and belongs to this row."""
    try:
        getattr(connection, name)
    except TokenKeyError:
        return False
    return True


@sensitive_variables()
def renew(row: Row, rows: QuerySet[OAuthConnection]) -> bool:
    """Encrypt the outdated tokens with the first key; `False` if the row has changed since it was read."""
    if not row.outdated:
        return True
    old = {name: row.connection.__dict__[name] for name in row.outdated}
    new = {name: FIELDS[name].encrypt(getattr(row.connection, name), row.connection) for name in row.outdated}
    return bool(rows.filter(pk=row.connection.pk, **old).update(**new))


@dataclass(slots=True, kw_only=True)
class Rotation:
    """Re-encrypts all stored tokens, and counts the outcomes by connection."""

    alias: str
    dry_run: bool = False
    page: int = PAGE
    seen: int = 0
    renewed: int = 0
    outdated: int = 0  # not re-encrypted
    lacking_key: int = 0
    damaged: int = 0
    needing: Counter[int] = field(default_factory=Counter)  # by the position of the key

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Re-encrypt every token that was not encrypted with the first key."""
        rows = self._rows().exclude(**dict.fromkeys(ENCRYPTED_FIELDS, ""))
        total = rows.count()
        for page in in_pages(rows, self.page):
            self._take(page)
            progress(self.seen, total)

    def _rows(self) -> QuerySet[OAuthConnection]:
        return OAuthConnection._base_manager.using(self.alias).only("pk", *IDENTITY_FIELDS, *ENCRYPTED_FIELDS)

    def _take(self, page: Iterable[OAuthConnection]) -> None:
        rows = list(map(examine, page))
        for _ in range(0 if self.dry_run else ATTEMPTS):
            changed = self._renew(rows)
            for row in rows:
                if row.connection.pk not in changed:
                    self._count(row, renewed=bool(row.outdated))
            # Read again outside the transaction, which may not see newer writes.
            rows = list(map(examine, self._rows().filter(pk__in=changed))) if changed else []
        for row in rows:
            self._count(row)

    def _renew(self, rows: list[Row]) -> set[Any]:
        """Write the rows in one transaction, or one by one if that fails; return the keys of those not written."""
        try:
            with transaction.atomic(using=self.alias), bounded_locks(self.alias):
                return {row.connection.pk for row in rows if not renew(row, self._rows())}
        except STORE_FAULTS as error:
            logger.info("rotating a page failed, continuing row by row: error=%s", type(error).__name__)
        return {row.connection.pk for row in rows if not self._renew_alone(row)}

    def _renew_alone(self, row: Row) -> bool:
        try:
            with bounded_locks(self.alias):
                return renew(row, self._rows())
        except STORE_FAULTS:  # the row stays locked
            return False

    def _count(self, row: Row, *, renewed: bool = False) -> None:
        self.seen += 1
        self.renewed += renewed
        self.outdated += bool(row.outdated) and not renewed
        self.lacking_key += row.lacks_key
        self.damaged += row.is_damaged
        self.needing.update({0} if renewed else row.needs)
