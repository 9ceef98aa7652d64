"""Throw-away PostgreSQL, MariaDB and Redis servers on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Debian keeps PostgreSQL's programs off the path.
DEBIAN_POSTGRESQL = "/usr/lib/postgresql"
SECONDS = 120


class ServerMissing(Exception):
    """The server's programs are not on this machine."""


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL and yield the URL of an empty database."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    with folder_of("postgres") as (folder, account):
        data, port = folder / "data", free_port()
        run([initdb, "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"], account)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run([pg_ctl, "-D", data, "-l", folder / "log", "-o", options, "-w", "start"], account)
        try:
            yield f"postgres://tests@127.0.0.1:{port}/postgres"
        finally:
            run([pg_ctl, "-D", data, "-m", "immediate", "stop"], account)


@contextmanager
def mariadb() -> Iterator[str]:
    """Run MariaDB and yield the URL of an empty database."""
    install, server, admin = program("mariadb-install-db"), program("mariadbd"), program("mariadb-admin")
    with folder_of("mysql") as (folder, account):
        data, port, sock = folder / "data", free_port(), folder / "sock"
        normal = "--auth-root-authentication-method=normal"
        run([install, "--no-defaults", f"--datadir={data}", normal, "--skip-test-db"], account)
        options = [f"--datadir={data}", f"--port={port}", f"--socket={sock}", "--bind-address=127.0.0.1"]
        options.append("--character-set-server=utf8mb4")  # as Debian's configuration says, which is not read here
        process = subprocess.Popen([server, "--no-defaults", *options, f"--log-error={folder / 'log'}"], **account)
        try:
            run([admin, "--no-defaults", f"--socket={sock}", "--user=root", f"--wait={SECONDS}", "ping"], account)
            yield f"mysql://root@127.0.0.1:{port}/tests"
        finally:
            process.terminate()
            process.wait(SECONDS)


@contextmanager
def redis() -> Iterator[str]:
    """Run Redis, which keeps nothing, and yield the URL of an empty database."""
    server, port = program("redis-server"), free_port()
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(SECONDS)


def wait_for(port: int) -> None:
    """Return when somebody listens there."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


def program(name: str) -> str:
    """Return the path of a program."""
    newest_first = sorted(Path(DEBIAN_POSTGRESQL).glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *map(str, newest_first)])
    found = shutil.which(name, path=path)
    if found is None:
        raise ServerMissing(f"{name} is not on this machine")
    return found


@contextmanager
def folder_of(owner: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a folder, and what makes a program run as its owner: these servers refuse to run as root."""
    account: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="oidc-login-database-") as name:
        if os.getuid() == 0:
            entry = pwd.getpwnam(owner)
            os.chown(name, entry.pw_uid, entry.pw_gid)
            account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        yield Path(name), account


def run(command: list[str | Path], account: dict[str, Any]) -> None:
    """Run a program to its end; what it printed is in the failure."""
    # Into a file and not a pipe: a server that pg_ctl leaves behind would hold a pipe open.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(command, cwd="/", stdout=output, stderr=output, timeout=SECONDS, **account)
        output.seek(0)
        assert done.returncode == 0, output.read()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
