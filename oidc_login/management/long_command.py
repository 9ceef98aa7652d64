"""What commands have in common that take a while."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from oidc_login.management.progress import Progress
from oidc_login.models import OAuthConnection

# Exit statuses.
FAILED = 1  # as with any other command of Django's
LEFT_OVER = 3  # all is well, but something is left to be done
STOPPED = 130  # as a shell says of Ctrl-C


class LongCommand(BaseCommand):
    """Shows how far it has come, can be stopped (Ctrl-C, SIGTERM), and goes on when it is begun again."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database",
            default=router.db_for_write(OAuthConnection),
            help="Alias of the database that the connections are in (%(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(self.stderr, verbosity=options["verbosity"], style=self.style)
        was_stopped = False
        self.prepare(options)
        try:
            with interrupted_by(signal.SIGTERM):
                self.work(progress)
        except KeyboardInterrupt:
            was_stopped = True
        finally:
            progress.end()
        status, problems = self.tell(options)
        if was_stopped:
            status, problems = STOPPED, [*problems, "Stopped. Run the command again to go on."]
        if problems:
            raise CommandError("\n".join(problems), returncode=status)

    def prepare(self, options: dict[str, Any]) -> None:
        """Judge the options, before anything is done."""
        raise NotImplementedError

    def work(self, progress: Progress) -> None:
        """Do it."""
        raise NotImplementedError

    def tell(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        """Say what became of it; return the exit status and what is wrong."""
        raise NotImplementedError


@contextmanager
def interrupted_by(number: signal.Signals) -> Iterator[None]:
    """Let a signal end the work as Ctrl-C does: an orchestrator sends SIGTERM, and kills later."""
    if threading.current_thread() is not threading.main_thread():  # where Python lets nobody listen to signals
        yield
        return
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)
