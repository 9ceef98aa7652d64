"""The running site: its processes, its stores, and the provider, each of which can be made to fail."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from oidc_login.testing import User, serve
from tests.databases.servers import free_port, postgresql, program, wait_for
from tests.support.served import CLIENT_SECRET, RecordingOpenIDProvider

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 3
PEOPLE = 60


class Redis:
    """A Redis that can be killed and started again at its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


class Site:
    """Processes that serve one port, and what they depend on."""

    def __init__(self, folder: Path, database_url: str, redis: Redis, op: RecordingOpenIDProvider) -> None:
        self.folder = folder
        self.database_url = database_url
        self.redis = redis
        self.op = op
        self.port = free_port()
        self.may_refresh = threading.Event()
        self.may_refresh.set()
        self._env = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "ISSUER": op.issuer,
            "CLIENT_SECRET": CLIENT_SECRET,
            "LOG_FOLDER": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        }
        self._processes: list[subprocess.Popen[str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def python(self, code: str) -> str:
        """Run code of the site in a process of its own, and return what it printed."""
        command = [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"]
        done = subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_process(self) -> None:
        command = [sys.executable, "-m", "tests.chaos.worker", str(self.port)]
        process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        self._processes.append(process)

    def kill_process(self) -> None:
        """Kill one and start another, as the server's master does."""
        process = self._processes.pop(random.randrange(len(self._processes)))
        process.kill()
        process.wait(30)
        self.start_process()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(30)

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        """A connection to the database that is not ended with the others."""
        import psycopg  # of the extra for heavy tests

        with psycopg.connect(self.database_url.replace("postgres:", "postgresql:"), autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            yield connection

    def end_connections(self, administrator: Any) -> None:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
        )

    def logged(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    people = [User(f"person-{number}", preferred_username=f"person{number}") for number in range(PEOPLE)]
    op = RecordingOpenIDProvider(users=people, rotate_refresh_tokens=True, always_refresh_token=True)
    with postgresql() as url, serve(op):
        redis = Redis()
        site = Site(folder, url, redis, op)
        try:
            site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
            for _ in range(PROCESSES):
                site.start_process()
            yield site
        finally:
            site.stop()
            with suppress(ProcessLookupError):
                redis.process.send_signal(signal.SIGCONT)
            redis.kill()


# What fails, and for how long.


@contextmanager
def processes_killed(site: Site, seconds: float) -> Iterator[None]:
    """Nobody refreshes meanwhile: what a process has just received dies with it."""
    site.may_refresh.clear()
    time.sleep(1)
    try:
        for _ in repeated(seconds, pause=1.5):
            site.kill_process()
        yield
    finally:
        site.may_refresh.set()


@contextmanager
def database_connections_ended(site: Site, seconds: float) -> Iterator[None]:
    with site.administrator() as administrator:
        for _ in repeated(seconds, pause=0.3):
            site.end_connections(administrator)
    yield


@contextmanager
def database_read_only(site: Site, seconds: float) -> Iterator[None]:
    """A failover: for a few seconds the connections lead to the server that takes no writes any more."""
    with site.administrator() as administrator:
        name = administrator.info.dbname
        administrator.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        try:
            site.end_connections(administrator)
            time.sleep(min(seconds, 3))
        finally:
            administrator.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            site.end_connections(administrator)
    yield


@contextmanager
def redis_killed(site: Site, seconds: float) -> Iterator[None]:
    site.redis.kill()
    try:
        time.sleep(seconds)
        yield
    finally:
        site.redis.start()


@contextmanager
def redis_hung(site: Site, seconds: float) -> Iterator[None]:
    site.redis.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
        yield
    finally:
        site.redis.process.send_signal(signal.SIGCONT)


@contextmanager
def provider_slow(site: Site, seconds: float) -> Iterator[None]:
    """Five seconds an answer, which is within the time-out."""

    def slowly(good: Any) -> Any:
        good.delay = 5
        return good

    with site.op.bend("token", slowly):
        time.sleep(seconds)
        yield


@contextmanager
def provider_half_open(site: Site, seconds: float) -> Iterator[None]:
    """It takes requests and never ends its answer. Not for tokens: who has been given new ones would be a guess."""

    def begin(write: Callable[[bytes], None]) -> None:
        write(b"HTTP/1.1 200 OK\r\nContent-Len")
        time.sleep(seconds)

    def begun(good: Any) -> Any:
        good.raw = begin
        return good

    with site.op.bend("userinfo", begun), site.op.bend("jwks", begun):
        time.sleep(seconds)
        yield


@contextmanager
def provider_rotating_keys(site: Site, seconds: float) -> Iterator[None]:
    for _ in repeated(seconds, pause=2):
        site.op.rotate_keys()
    yield


def repeated(seconds: float, *, pause: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(pause)


FAULTS = (
    processes_killed,
    database_connections_ended,
    database_read_only,
    redis_killed,
    redis_hung,
    provider_slow,
    provider_half_open,
    provider_rotating_keys,
)
