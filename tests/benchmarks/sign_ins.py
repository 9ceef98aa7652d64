"""Measures sign-ins that end at the same moment, against a real server: `python -m tests.benchmarks.sign_ins`.

Each person begins a sign-in first. Then all callbacks are sent at once, and the provider takes its time for each code.
The report names what the server used meanwhile: CPU, threads, and connections to the database.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests

from oidc_login.testing import OpenIDProvider, User, serve

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
MIGRATE = """
import tests.benchmarks.site
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
SERVERS = {
    "uvicorn": ["uvicorn", "tests.benchmarks.site:asgi", "--host=127.0.0.1", "--port={port}", "--log-level=error"],
    "gunicorn": [
        *("gunicorn", "tests.benchmarks.site:wsgi", "--bind=127.0.0.1:{port}", "--log-level=error"),
        *("--workers=1", "--worker-class=gthread", "--threads={threads}", "--backlog=2048"),
    ],
}


@dataclass
class Used:
    """What the server used while the callbacks ran."""

    threads: int = 0
    connections: int = 0
    cpu_seconds: float = 0
    wall_seconds: float = 0
    latencies: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def report(self) -> str:
        slow = quantiles(self.latencies, n=20)[-1] if len(self.latencies) > 1 else self.latencies[0]
        return (
            f"{len(self.latencies) / self.wall_seconds:6.1f} sign-ins/s  wall {self.wall_seconds:5.2f} s  "
            f"cpu {self.cpu_seconds:5.2f} s ({self.cpu_seconds / self.wall_seconds:3.0%})  "
            f"median {median(self.latencies):5.2f} s  p95 {slow:5.2f} s  threads {self.threads}  "
            f"connections {self.connections}  answers {dict(self.answers)}"
        )


class SlowProvider:
    """Waits before each token response, as a provider far away does."""

    def __init__(self, provider: OpenIDProvider, delay: float) -> None:
        self.provider, self.delay = provider, delay

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == urlsplit(self.provider.token_endpoint).path:
            time.sleep(self.delay)
        return self.provider(environ, start_response)


# The server.


@contextmanager
def database(url: str) -> Iterator[str]:
    """A database of this run's own on the server that `url` names."""
    name = f"oidc_login_benchmark_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{url.rsplit('/', 1)[0]}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def served(command: list[str], environment: dict[str, str], port: int) -> Iterator[int]:
    """Run a server until it is not needed any more; yields the process that answers requests."""
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment)
    try:
        wait_until(lambda: is_listening(port))
        yield children_of(process.pid)[-1] if command[0] == "gunicorn" else process.pid
    finally:
        process.terminate()
        process.wait(30)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > ends_at:
            raise TimeoutError
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    wait_until(lambda: bool(listed.read_text().split()))
    return [int(child) for child in listed.read_text().split()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


# The people.


def begin(site: str, provider: OpenIDProvider, user: str) -> tuple[requests.Session, str]:
    """Go to the provider and choose; return the browser and the URL of the callback."""
    browser = requests.Session()
    browser.headers["Connection"] = "close"  # the server may close a kept one while the others begin
    page = browser.get(f"{site}/oauth/op/login/", timeout=60)
    token = CSRF_FIELD.search(page.text)
    assert token is not None, page.text[:500]
    sent = {"csrfmiddlewaretoken": token[1]}
    begun = browser.post(f"{site}/oauth/op/login/", sent, allow_redirects=False, timeout=60)
    return browser, provider.authorize(begun.headers["Location"], user)


def end_all(begun: list[tuple[requests.Session, str]], pid: int, watcher: psycopg.Connection[Any], name: str) -> Used:
    """Send all callbacks at the same moment."""
    used, barrier, is_over = Used(), threading.Barrier(len(begun) + 1), threading.Event()

    def end(browser: requests.Session, url: str) -> None:
        barrier.wait()
        started = time.perf_counter()
        try:
            answer = str(browser.get(url, allow_redirects=False, timeout=120).status_code)
        except requests.RequestException as error:
            answer = type(error).__name__
        used.latencies.append(time.perf_counter() - started)
        used.answers[answer] += 1

    def watch() -> None:
        while not is_over.wait(0.05):
            used.threads = max(used.threads, threads_of(pid))
            found = watcher.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
            used.connections = max(used.connections, found[0] if found else 0)

    with ThreadPoolExecutor(len(begun) + 1) as pool:
        watching = pool.submit(watch)
        ends = [pool.submit(end, *person) for person in begun]
        barrier.wait()
        started, cpu = time.perf_counter(), cpu_of(pid)
        for each in ends:
            each.result()
        used.wall_seconds, used.cpu_seconds = time.perf_counter() - started, cpu_of(pid) - cpu
        is_over.set()
        watching.result()
    return used


def measure(arguments: argparse.Namespace, server: str, delay: float) -> Used:
    people = [User(f"user-{n}", email=f"user-{n}@example.org", email_verified=True) for n in range(arguments.people)]
    provider, port = OpenIDProvider(users=people), free_port()
    with database(arguments.database) as database_url, serve(SlowProvider(provider, delay), host="127.0.0.1") as issuer:
        provider.base_url = issuer
        environment = {
            **os.environ,
            "BENCHMARK_DATABASE": database_url,
            "BENCHMARK_ISSUER": provider.issuer,
            "BENCHMARK_BOUND": str(arguments.bound),
            "DJANGO_SETTINGS_MODULE": "",
        }
        subprocess.run([sys.executable, "-c", MIGRATE], cwd=ROOT, env=environment, check=True)
        command = [part.format(port=port, threads=arguments.threads) for part in SERVERS[server]]
        with served(command, environment, port) as pid, psycopg.connect(arguments.database, autocommit=True) as watcher:
            site, name = f"http://127.0.0.1:{port}", urlsplit(database_url).path.lstrip("/")
            for rounds in range(2):  # the first opens the accounts, and loads what is loaded once
                begun = [begin(site, provider, person.sub) for person in people]
                used = end_all(begun, pid, watcher, name)
                print(f"{server:9} delay {delay * 1000:4.0f} ms  round {rounds + 1}: {used.report()}", flush=True)
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--bound", type=int, default=250, help="OIDC_LOGIN_MAX_EXCHANGES and ..._PER_PROVIDER")
    parser.add_argument("--threads", type=int, default=200, help="of gunicorn")
    parser.add_argument("--server", choices=sorted(SERVERS), action="append")
    parser.add_argument("--delay", type=float, action="append", help="seconds that the provider takes for a code")
    arguments = parser.parse_args()
    for server in arguments.server or sorted(SERVERS):
        for delay in arguments.delay or (0.0, 0.5):
            measure(arguments, server, delay)


if __name__ == "__main__":
    main()
