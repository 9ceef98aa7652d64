"""The suite passes on PostgreSQL and on MariaDB, with both user models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.databases.servers import ServerMissing, mariadb, postgresql

ROOT = Path(__file__).resolve().parents[2]
# What does not touch a database, or would come back here.
WITHOUT_DATABASE = ("databases", "docs", "packaging", "protocol")
SECONDS = 900

SUITES = {
    "default_user": ["tests", *(f"--ignore=tests/{name}" for name in WITHOUT_DATABASE)],
    "custom_user": ["--ds", "tests.settings.custom_user", "tests/customuser"],
}


@pytest.mark.heavy
@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("server", [postgresql, mariadb], ids=["postgresql", "mariadb"])
def test_suite_passes(server: Callable[[], AbstractContextManager[str]], suite: str) -> None:
    try:
        with server() as url:
            done = run_suite(suite, url)
    except ServerMissing as missing:
        pytest.skip(str(missing))

    assert done.returncode == 0, done.stdout + done.stderr


def run_suite(suite: str, url: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, on the database of this URL."""
    marks = ["-m", "not heavy and not browser and not interop"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *marks, *SUITES[suite]],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        timeout=SECONDS,
        capture_output=True,
        text=True,
    )
