"""Many threads in several processes, and a provider that ends the grant of a refresh token that is used twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from oidc_login.testing import Answer, User, serve
from tests.databases.servers import ServerMissing, mariadb, postgresql
from tests.support.served import RecordingOpenIDProvider

ROOT = Path(__file__).resolve().parents[2]

PREPARE = """
import sys, django
from django.conf import settings
django.setup()
from django.core.management import call_command
from django.contrib.auth import get_user_model
from oidc_login.models import OAuthConnection
call_command("migrate", verbosity=0)
for line in sys.stdin.read().splitlines():
    sub, access_token, refresh_token = line.split()
    connection = OAuthConnection(
        user=get_user_model().objects.create(username=sub), provider_key="op", issuer=sys.argv[1],
        provider_user_id=sub, link_reason="signed_up", access_token=access_token, refresh_token=refresh_token,
    )
    connection.save()
"""
READ = """
import django
django.setup()
from oidc_login.models import OAuthConnection
for connection in OAuthConnection.objects.all():
    print(connection.access_token, connection.refresh_token, connection.status)
"""


@contextmanager
def provider() -> Iterator[RecordingOpenIDProvider]:
    op = RecordingOpenIDProvider(
        users=[User(f"person{number}") for number in range(8)], rotate_refresh_tokens=True, always_refresh_token=True
    )
    op.bend("token", _slow)
    with serve(op):
        yield op


def _slow(good: Answer) -> Answer:
    good.delay = 0.02
    return good


def storm(
    url: str, op: RecordingOpenIDProvider, *, connections: int, processes: int, threads: int, seconds: float, way: str
) -> tuple[Counter[str], int]:
    """Return what the refreshes came to, and how many connections were lost."""
    from tests.tokens.conftest import granted

    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings.base"}
    people = [person.sub for person in op.users][:connections]
    tokens = {sub: granted(op, sub) for sub in people}
    lines = "\n".join(f"{sub} {token.access_token} {token.refresh_token}" for sub, token in tokens.items())
    run([sys.executable, "-c", PREPARE, op.issuer], env, lines)
    arguments = [op.issuer, str(seconds), str(threads), way]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.tokens.storm", *arguments],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    outcomes: Counter[str] = Counter()
    for process in running:
        out, err = process.communicate(timeout=seconds + 120)
        assert process.returncode == 0, err
        outcomes.update(json.loads(out))
    stored = [line.split() for line in run([sys.executable, "-c", READ], env).splitlines()]
    lost = [row for row in stored if op.grants.of_refresh_token(row[1]) is None or row[2] != "ok"]
    return outcomes, len(lost)


def run(command: list[str], env: dict[str, str], given: str = "") -> str:
    done = subprocess.run(command, cwd=ROOT, env=env, input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.heavy
@pytest.mark.parametrize("server", [postgresql, mariadb], ids=["postgresql", "mariadb"])
def test_storm_loses_no_connection(server: Callable[[], Any]) -> None:
    """More than 50 threads in 4 processes for a minute."""
    seconds = float(os.environ.get("STORM_SECONDS", "60"))
    try:
        with server() as url, provider() as op:
            if server is mariadb:
                create_database(url)
            outcomes, lost = storm(url, op, connections=5, processes=4, threads=13, seconds=seconds, way="safe")
            used_twice = outcomes_of_reuse(op)
    except ServerMissing as missing:
        pytest.skip(str(missing))

    print(dict(outcomes), "requests to the provider:", op.asked().count("token"))
    assert lost == 0, outcomes
    assert outcomes["refreshed"] > 100
    assert set(outcomes) == {"refreshed"}, outcomes
    assert used_twice == 0


@pytest.mark.heavy
def test_naive_way_loses_connections() -> None:
    """The storm is one: what is usually written does not survive it."""
    try:
        with postgresql() as url, provider() as op:
            outcomes, lost = storm(url, op, connections=5, processes=4, threads=5, seconds=5, way="naive")
    except ServerMissing as missing:
        pytest.skip(str(missing))

    print(dict(outcomes), "lost:", lost)
    assert lost > 0, outcomes


def test_small_storm_loses_no_connection(tmp_path: Path) -> None:
    """The same on the database at hand, for every day."""
    with provider() as op:
        url = f"sqlite://{tmp_path}/storm.sqlite3"
        outcomes, lost = storm(url, op, connections=2, processes=2, threads=4, seconds=2, way="safe")
        used_twice = outcomes_of_reuse(op)

    assert (lost, used_twice) == (0, 0), outcomes
    assert outcomes["refreshed"] > 5


def outcomes_of_reuse(op: RecordingOpenIDProvider) -> int:
    """How many refresh tokens were posted more than once."""
    posted = Counter(request.form["refresh_token"] for request in op.requests if request.endpoint == "token")
    return sum(1 for number in posted.values() if number > 1)


def create_database(url: str) -> None:
    """MariaDB's throw-away server has no database yet."""
    import pymysql

    host, _, port = url.partition("@")[2].partition("/")[0].partition(":")
    with pymysql.connect(host=host, port=int(port), user="root") as server, server.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS tests CHARACTER SET utf8mb4")
