"""The suite's database: a file of its own per process, or what DATABASE_URL names."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
}

FOLDER = tempfile.TemporaryDirectory(prefix="oidc-login-tests-")
atexit.register(FOLDER.cleanup)


def database(url: str | None) -> dict[str, Any]:
    """Return the entry for postgres:// or mysql://user:password@host:port/name, for sqlite:///path, or for SQLite."""
    if not url:
        return sqlite()
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {**sqlite(), "NAME": parts.path}
    if parts.scheme == "mysql":
        use_pymysql()
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }


def sqlite() -> dict[str, Any]:
    """A file and not memory: threads then have connections, and locks, of their own."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(FOLDER.name) / "db.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA synchronous = OFF"},
        "TEST": {"NAME": str(Path(FOLDER.name) / "test.sqlite3")},
    }


def use_pymysql() -> None:
    """PyMySQL stands in for mysqlclient, which needs a compiler."""
    import pymysql

    pymysql.install_as_MySQLdb()
