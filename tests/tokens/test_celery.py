"""The example for Celery in docs/tokens.md, as it stands there: a worker in a process of its own, and a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from oidc_login.testing import User, serve
from tests.databases import servers
from tests.docs.pages import blocks
from tests.support.served import CLIENT_SECRET, RecordingOpenIDProvider
from tests.tokens.conftest import granted

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tokens.md"
ON_THIS_MACHINE = "redis://127.0.0.1:6379/15"
SECONDS = 60

SETTINGS = """
import os
from tests.settings.base import *
OIDC_LOGIN_PROVIDERS = {
    "op": {"issuer": os.environ["ISSUER"], "client_id": "client", "client_secret": os.environ["SECRET"]},
}
"""
CALENDARS = """
import os
def events_of(connection):
    response = connection.session().get(os.environ["ISSUER"] + "/userinfo")
    response.raise_for_status()
    return response.json()
"""
PREPARE = """
import django, sys
django.setup()
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone
from oidc_login.models import OAuthConnection
call_command("migrate", verbosity=0)
for line in sys.stdin.read().splitlines():
    sub, access_token, refresh_token = line.split()
    OAuthConnection(
        user=get_user_model().objects.create(username=sub), provider_key="op", issuer=sys.argv[1], provider_user_id=sub,
        link_reason="signed_up", access_token=access_token, refresh_token=refresh_token,
        access_token_expires_at=timezone.now() + timedelta(minutes=5),
    ).save()
"""
ASK = """
import django, json, sys
django.setup()
from shop import tasks
name, queue, *arguments = sys.argv[1:]
result = getattr(tasks, name).apply_async(arguments, queue=queue, ignore_result=False)
print(json.dumps(result.get(timeout=50)))
"""
READ = """
import django
django.setup()
from oidc_login.models import OAuthConnection
for connection in OAuthConnection.objects.all():
    print(connection.access_token, connection.refresh_token, connection.status)
"""


@contextmanager
def redis() -> Iterator[str]:
    """The Redis of this machine, or one that is started for the test."""
    try:
        Redis.from_url(ON_THIS_MACHINE).ping()
    except RedisError:
        with servers.redis() as url:
            yield url
    else:
        yield ON_THIS_MACHINE


@dataclass
class Project:
    """A site that has what the page tells people to write."""

    folder: Path
    env: dict[str, str]
    queue: str

    def python(self, code: str, *arguments: str, given: str = "") -> str:
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, input=given, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, task: str, *arguments: str) -> Any:
        """Send a task to the worker; return its result."""
        return json.loads(self.python(ASK, task, self.queue, *arguments))

    @contextmanager
    def worker(self) -> Iterator[None]:
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "shop",
            "worker",
            "--pool",
            "solo",
            "-l",
            "DEBUG",
            "-Q",
            self.queue,
        ]
        with open(self.folder / "log", "w") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)


@pytest.fixture
def op() -> Iterator[RecordingOpenIDProvider]:
    people = [User(f"person{number}") for number in range(3)]
    provider = RecordingOpenIDProvider(users=people, rotate_refresh_tokens=True, always_refresh_token=True)
    with serve(provider):
        yield provider


@pytest.fixture
def project(tmp_path: Path, op: RecordingOpenIDProvider) -> Iterator[Project]:
    shop = tmp_path / "shop"
    shop.mkdir()
    written = {block.module: block.code for block in blocks(PAGE) if block.module in ("shop.celery", "shop.tasks")}
    files = {"__init__": "", "settings": SETTINGS, "calendars": CALENDARS}
    files |= {str(name).removeprefix("shop."): code for name, code in written.items()}
    for name, code in files.items():
        (shop / f"{name}.py").write_text(code)
    queue = f"oidc-login-tests-{uuid.uuid4()}"
    try:
        with redis() as url:
            env = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "shop.settings",
                "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
                "DATABASE_URL": f"sqlite://{tmp_path}/db.sqlite3",
                "REDIS_URL": url,
                "ISSUER": op.issuer,
                "SECRET": CLIENT_SECRET,
            }
            yield Project(tmp_path, env, queue)
            server: Any = Redis.from_url(url)
            server.delete("", *server.keys(f"*{queue}*"))
    except servers.ServerMissing as missing:
        message = f"nobody listens on {ON_THIS_MACHINE}, and {missing}"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)


def test_example_refreshes_and_works_with_tokens(project: Project, op: RecordingOpenIDProvider) -> None:
    tokens = {person.sub: granted(op, person.sub) for person in op.users}
    lines = [f"{sub} {token.access_token} {token.refresh_token}" for sub, token in tokens.items()]
    project.python(PREPARE, op.issuer, given="\n".join(lines))

    with project.worker():
        summary = project.ask("refresh_tokens")
        events = project.ask("synchronise", "1")
        kept = everything_in(project.env["REDIS_URL"])

    assert (summary["due"], summary["refreshed"]) == (3, 3)
    assert events > 0
    stored = [line.split() for line in project.python(READ).splitlines()]
    assert all(op.grants.of_refresh_token(refresh_token) and status == "ok" for _, refresh_token, status in stored)
    secrets = op.secrets() | {part for line in lines for part in line.split()[1:]}
    told = kept + (project.folder / "log").read_text()
    assert "shop.tasks.refresh_tokens" in told
    assert not [secret for secret in secrets if secret and secret in told]


def everything_in(url: str) -> str:
    """What the broker and the results hold: texts, lists, hashes and sets."""
    server: Any = Redis.from_url(url)
    read = {
        b"string": server.get,
        b"list": lambda key: server.lrange(key, 0, -1),
        b"hash": server.hgetall,
        b"set": server.smembers,
        b"zset": lambda key: server.zrange(key, 0, -1),
    }
    return repr([(key, read[server.type(key)](key)) for key in server.keys("*") if server.type(key) in read])
