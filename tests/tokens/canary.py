"""Tokens that are easy to find, and a search for them in everything that a site shows, sends or keeps."""

from __future__ import annotations

import logging
import pickle
import traceback
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection as database
from django.http import HttpRequest

from oidc_login.testing import User
from oidc_login.testing.grants import Grants
from tests.support.browser import Browser
from tests.support.invariant import CANARY as CLAIM
from tests.support.invariant import Witness, _everything_in
from tests.support.served import RecordingOpenIDProvider

WORD = "CANARY-bird-7f3a"  # of every token, code and secret
SECRET = f"{WORD}-client-secret: with a % sign"
ALICE = User("sub-alice", name="Alice", email="alice@example.org", email_verified=True, preferred_username="alice")
BOB = User("sub-bob", name="Bob", email="bob@example.org", email_verified=True, preferred_username="bob")


class CanaryGrants(Grants):
    """Issues codes and tokens that hold the word."""

    def _issue(self, tokens: Any, grant: Any, lifetime: float, token: str) -> str:
        return super()._issue(tokens, grant, lifetime, f"{WORD}-{token}")


class CanaryProvider(RecordingOpenIDProvider):
    def __init__(self) -> None:
        super().__init__(
            client_secret=SECRET, users=[ALICE, BOB], rotate_refresh_tokens=True, always_refresh_token=True
        )
        self.grants = CanaryGrants(now=lambda: self.now())


class Watched(Browser):
    """A browser whose pages are kept, with their headers."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self.evidence = evidence

    def request(self, method: str, url: str, data: Any = None, **options: Any) -> Any:
        response = super().request(method, url, data, **options)
        # The way to the provider holds state, nonce and challenge for it, and nothing else does.
        headers = {name: value for name, value in response.headers.items() if "/authorize?" not in value}
        self.evidence.add("pages", response.content, repr(headers), repr(response.cookies))
        return response


class Evidence:
    """Everything that was shown, sent or kept, by the kind of place."""

    def __init__(self) -> None:
        self.found: dict[str, list[bytes]] = defaultdict(list)

    def add(self, place: str, *texts: str | bytes) -> None:
        self.found[place] += [text if isinstance(text, bytes) else text.encode(errors="replace") for text in texts]

    def add_error(self, error: BaseException) -> None:
        told = traceback.format_exception(error)
        self.add("exceptions", *told, repr(error), str(error), repr(error.args), repr(vars(error)))

    def add_object(self, thing: Any) -> None:
        self.add("reprs", repr(thing), str(thing), repr(getattr(thing, "__dict__", "")))

    def add_signal(self, **kwargs: Any) -> None:
        self.add("signals", repr(kwargs))
        for value in kwargs.values():
            if not isinstance(value, HttpRequest):  # which holds the sign-in that it ends
                self.add("signals", str(value), repr(getattr(value, "__dict__", "")))

    def collect(self, caplog_records: Iterable[logging.LogRecord]) -> None:
        """Add what lies about by now."""
        self.add("logs", *map(_everything_in, caplog_records))
        self.add("mails", *(str(sent.message()) + repr(vars(sent)) for sent in mail.outbox))
        self.add("cache", *everything_in_cache())
        for session in Session.objects.all():
            self.add("sessions", session.session_data, repr(session.get_decoded()))
        dump = StringIO()
        call_command("dumpdata", stdout=dump)
        self.add("dumpdata", dump.getvalue())
        self.add("tables", *everything_in_tables())
        self.add("database files", *everything_in_files())

    def finds(self, secrets: Iterable[str]) -> dict[str, str]:
        """Return the places where one of the secrets stands, in whatever spelling, each with what is around it."""
        needles = {spelling for secret in secrets for spelling in spellings(secret)}
        found = {}
        for place, texts in self.found.items():
            text = b"\n".join(texts)
            positions = (text.find(needle) for needle in needles)
            position = next((position for position in positions if position >= 0), None)
            if position is not None:
                found[place] = text[max(0, position - 500) : position + 100].decode(errors="replace")
        return found


def spellings(secret: str) -> Iterator[bytes]:
    """A secret as it is and in a URL; the word of all tokens also within base64 of whatever stands around it."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    for offset in range(3) if secret == WORD else ():
        inner = b64encode(b"\0" * offset + raw).rstrip(b"=")
        middle = inner[offset + 1 if offset else 0 : -2]
        yield middle
        yield middle.replace(b"+", b"-").replace(b"/", b"_")


def secrets_of(witness: Witness, browsers: Iterable[Browser]) -> set[str]:
    """The word, and what does not hold it: states, nonces, verifiers, ID tokens, and how the client proves itself."""
    found = set().union(*(witness.secrets(browser) for browser in browsers))
    return {WORD, *(secret for secret in found if len(secret) >= 12 and WORD not in secret and secret != CLAIM)}


def everything_in_cache() -> Iterator[bytes]:
    for key, pickled in caches["default"]._cache.items():  # type: ignore[attr-defined]  # of LocMemCache
        yield str(key).encode()
        yield bytes(pickled)
        yield repr(pickle.loads(pickled)).encode()


def everything_in_tables() -> Iterator[str]:
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            yield from map(repr, cursor.fetchall())


def everything_in_files() -> Iterator[bytes]:
    """The database as it lies on the disk, where its files can be read from here."""
    for path in database_files():
        try:
            yield path.read_bytes()
        except OSError:  # another user's, another machine's, or gone meanwhile
            continue


def database_files() -> list[Path]:
    name = str(database.settings_dict["NAME"])
    if database.vendor == "sqlite":
        return [path for path in (Path(name), Path(f"{name}-wal"), Path(f"{name}-journal")) if path.exists()]
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("CHECKPOINT")
            cursor.execute("SHOW data_directory")
            folder = Path(cursor.fetchone()[0])
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            folder = folder / "base" / str(cursor.fetchone()[0])
        else:
            tables = map(database.ops.quote_name, database.introspection.table_names(cursor))
            cursor.execute(f"FLUSH TABLES {', '.join(tables)} FOR EXPORT")  # what a checkpoint is elsewhere
            cursor.execute("UNLOCK TABLES")
            cursor.execute("SELECT @@datadir")
            folder = Path(cursor.fetchone()[0]) / name
    # Not the logs of the whole server: they also hold what other runs have written, some with a fault on purpose.
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
