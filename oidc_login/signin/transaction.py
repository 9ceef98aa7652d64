"""The one transaction of a sign-in, and the recovery from a database connection that was lost before it."""

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
    """Keeps what a sign-in writes uncommitted until its session is written too.

    An attempt that succeeds leaves its transaction open. The end of the `with` block commits it, or rolls it back
    after an error. After the first row there is no request to a provider.
    """

    def __init__(self) -> None:
        self.using = router.db_for_write(OAuthConnection)
        self.has_begun = False
        self._open = ExitStack()

    def __enter__(self) -> SignInTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Begin the transaction of one attempt to write; inside another attempt it is a savepoint."""
        if self.has_begun:
            with transaction.atomic(using=self.using):
                yield
            return
        self.has_begun = True
        try:
            with ExitStack() as attempt:
                attempt.enter_context(transaction.atomic(using=self.using))
                yield
                self._open = attempt.pop_all()
        except BaseException:
            self.has_begun = False
            raise


def read_with_retry(read: Callable[[], T]) -> T:
    """Read, and if that fails, read again with a new connection.

    The database may have closed the connection during the requests to the provider.
    """
    try:
        return read()
    except STORE_FAULTS:
        drop_lost_connections()
    return read()


def drop_lost_connections() -> None:
    """Close the connections that do not work any more; the next use opens new ones."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and not connection.is_usable():
            connection.close()
