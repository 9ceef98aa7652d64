"""The stored row of a connection, as a refresh reads and writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Q, QuerySet

from oidc_login.exceptions import ConnectionRemoved
from oidc_login.tokens.database import bounded_locks, saved
from oidc_login.tokens.rows import alias_of, row_of

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

T = TypeVar("T")


class StoredConnection:
    """The row of one connection.

    `has_own_connection`: the caller has a transaction open, and the row is written outside it, by a database
    connection of its own.
    """

    def __init__(self, connection: OAuthConnection) -> None:
        self.alias = alias_of(connection)
        self.pk = connection.pk
        self.has_own_connection = False
        self._rows = row_of(connection)

    def rows(self) -> QuerySet[OAuthConnection]:
        """Return the queryset of the row."""
        return self._rows.all()

    def find(self) -> OAuthConnection | None:
        """Return the row with its user, as it is now; `None` if it was removed."""
        return self.rows().select_related("user").first()

    def read(self) -> OAuthConnection:
        """Return the row with its user, as it is now, or raise `ConnectionRemoved`."""
        row = self.find()
        if row is None:
            raise ConnectionRemoved
        return row

    def locks(self) -> AbstractContextManager[None]:
        """Bound the wait for a lock if the caller's own transaction may hold it."""
        return bounded_locks(self.alias) if self.has_own_connection else nullcontext()

    def save(self, write: Callable[[], T]) -> T:
        """Write what must not be lost, in spite of passing faults of the database."""

        def locked() -> T:
            with self.locks():
                return write()

        return saved(locked, self.alias)

    def update(self, row: OAuthConnection, names: Sequence[str], *conditions: Q) -> bool:
        """Write these fields if the conditions hold; say whether they did."""
        return self.save(lambda: row.update_row(names, *conditions, using=self.alias))
