"""The suite passes on PostgreSQL, what writes also on MariaDB, with both user models; and a million users fit."""

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
SECONDS = 1800

# What does not touch a database, or would come back here.
APART = ("tests/docs", "tests/packaging", "tests/protocol", "tests/databases/test_other_databases.py")
EVERYTHING = ["tests", *(f"--ignore={path}" for path in APART)]
# What one database may do in another way than the next.
WRITING = [
    "tests/concurrency",
    "tests/databases",
    "tests/login",
    "tests/hostile/test_claims.py",
    f"--ignore={APART[-1]}",
]
CUSTOM_USER = ["--ds", "tests.settings.custom_user", "tests/customuser"]
# Two, since a process may have twenty connections open, and a server takes a hundred.
IN_PARALLEL = ["-n", "2", "--dist", "loadgroup"]

Server = Callable[[], AbstractContextManager[str]]

SUITES = {
    "postgresql": (postgresql, [*EVERYTHING, *IN_PARALLEL]),
    "postgresql, custom user": (postgresql, CUSTOM_USER),
    "mariadb": (mariadb, [*WRITING, *IN_PARALLEL]),
    "mariadb, custom user": (mariadb, CUSTOM_USER),
}


@pytest.mark.heavy
@pytest.mark.parametrize(("server", "suite"), SUITES.values(), ids=list(SUITES))
def test_suite_passes(server: Server, suite: list[str]) -> None:
    done = run_on(server, [*suite, "-m", "not heavy and not browser and not interop"])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.heavy
def test_scale() -> None:
    """The figures are printed: `pytest -m heavy -s`."""
    done = run_on(postgresql, ["tests/databases/test_scale.py", "-s", "-m", "heavy"])

    print(*(line for line in done.stdout.splitlines() if "million" in line or " users, " in line), sep="\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def run_on(server: Server, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own, on a database of its own."""
    try:
        with server() as url:
            return subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": url},
                timeout=SECONDS,
                capture_output=True,
                text=True,
            )
    except ServerMissing as missing:
        pytest.skip(str(missing))
