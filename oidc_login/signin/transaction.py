"""The one transaction of a sign-in, and what is done about a database connection that was lost before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TypeVar

from django.db import connections, router, transaction

from oidc_login.faults import STORE_FAULTS
from oidc_login.models import OAuthConnection

T = TypeVar("T")


class SignInTransaction:
    """Holds what a sign-in writes until its session is there too.

    An attempt that succeeds leaves its transaction open. The end of the `with` block commits it, or takes it back
    after an error. No provider is asked from the first row on.
    """

    def __init__(self) -> None:
        self.using = router.db_for_write(OAuthConnection)
        self._has_begun = False
        self._open = ExitStack()

    def __enter__(self) -> SignInTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Begin the transaction for one attempt to write; inside another attempt it is a savepoint."""
        if self._has_begun:
            with transaction.atomic(using=self.using):
                yield
            return
        self._has_begun = True
        try:
            with ExitStack() as attempt:
                attempt.enter_context(transaction.atomic(using=self.using))
                yield
                self._open = attempt.pop_all()
        except BaseException:
            self._has_begun = False
            raise


def once_more(read: Callable[[], T]) -> T:
    """Read, and if that fails, read once more with a working connection.

    The database may have ended the connection while the provider was asked.
    """
    try:
        return read()
    except STORE_FAULTS:
        drop_lost_connections()
    return read()


def drop_lost_connections() -> None:
    """Close the connections that do not work any more; the next use makes new ones."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
            connection.close()
