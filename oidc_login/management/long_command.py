"""The base class of commands that take a while."""

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
LEFT_OVER = 3  # no error, but some work is left
STOPPED = 130  # as a shell reports Ctrl-C


class LongCommand(BaseCommand):
    """Shows its progress, can be stopped (Ctrl-C, SIGTERM), and continues when it is run again."""

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
        status, problems = self.print_results(options)
        if was_stopped:
            status, problems = STOPPED, [*problems, "Stopped. Run the command again to continue."]
        if problems:
            raise CommandError("\n".join(problems), returncode=status)

    def prepare(self, options: dict[str, Any]) -> None:
        """Validate the options before any work is done."""
        raise NotImplementedError

    def work(self, progress: Progress) -> None:
        """Do the work."""
        raise NotImplementedError

    def print_results(self, options: dict[str, Any]) -> tuple[int, list[str]]:
        """Print the results; return the exit status and the problems."""
        raise NotImplementedError


@contextmanager
def interrupted_by(number: signal.Signals) -> Iterator[None]:
    """Let a signal stop the work as Ctrl-C does: orchestrators send SIGTERM before they kill."""
    if threading.current_thread() is not threading.main_thread():  # Python handles signals only in the main thread
        yield
        return
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)
