"""Sites in processes of their own, served by Django's `runserver`."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.demo.browser import Browser, Page

START_SECONDS = 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the end of the block."""
    silent = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=silent, stderr=silent)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def opened(browser: Browser, url: str) -> Page:
    """Open a page of a server that is about to start."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return browser.open(url)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
