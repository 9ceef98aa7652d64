"""With a million users a sign-in costs what it costs with a thousand, where addresses have their index.

It needs PostgreSQL: tests/databases/test_other_databases.py runs it there. `pytest -s` shows the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Index
from django.db.models.functions import Upper

from oidc_login.models import OAuthConnection
from oidc_login.testing import User
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the rows are made by PostgreSQL"),
]

FEW, MANY = 1_000, 1_000_000
VISITS = 30
# Nothing grows but the depth of the indexes; a scan of all users is a thousand times slower.
BOUND = 3
INDEXES = (Index(Upper("email"), name="user_email_upper"), Index(Upper("username"), name="user_name_upper"))

USERS = """
INSERT INTO auth_user (username, email, password, first_name, last_name, is_superuser, is_staff, is_active, date_joined)
SELECT 'user' || n, 'User' || n || '@example.org', '!', '', '', false, false, true, now()
FROM generate_series(%s, %s) AS n
"""
CONNECTIONS = """
INSERT INTO oidc_login_oauthconnection (user_id, provider_key, issuer, provider_user_id, email, email_verified,
    access_token, refresh_token, refresh_lease, nonce_hash, scope, claims, link_reason, status, created_at, updated_at)
SELECT id, 'op', %s, 'sub-' || username, email, true, '', '', '', '', '', '{}', 'signed_up', 'ok', now(), now()
FROM auth_user WHERE username LIKE 'user%%'
    AND NOT EXISTS (SELECT 1 FROM oidc_login_oauthconnection WHERE user_id = auth_user.id)
"""


class Clock:
    """Adds up the time that statements take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        def wrapper(execute: Callable[..., Any], *statement: Any) -> Any:
            begun = time.perf_counter()
            try:
                return execute(*statement)
            finally:
                self.seconds += time.perf_counter() - begun

        with connection.execute_wrapper(wrapper):
            yield


@pytest.fixture
def callback(op: RecordingOpenIDProvider) -> Callable[[str, str], tuple[float, float]]:
    """The seconds that the last request of a sign-in takes, and those of them in the database."""

    def measure(subject: str, address: str) -> tuple[float, float]:
        op.users.add(User(subject, email=address, email_verified=True, preferred_username=subject))
        browser, clock = Browser(), Clock()
        answer = browser.authorize(op, browser.begin(), subject)
        with clock.running():
            begun = time.perf_counter()
            response = browser.end(answer)
            seconds = time.perf_counter() - begun
        assert response.status_code == 302
        return seconds, clock.seconds

    return measure


def fill(issuer: str, first: int, last: int) -> None:
    """Have users with numbers from `first` to `last`, each with a connection."""
    with connection.cursor() as cursor:
        cursor.execute(USERS, [first, last])
        cursor.execute(CONNECTIONS, [issuer])
        cursor.execute("VACUUM ANALYZE auth_user")
        cursor.execute("VACUUM ANALYZE oidc_login_oauthconnection")
        cursor.execute("CHECKPOINT")


def test_a_million_users(op: RecordingOpenIDProvider, callback: Callable[[str, str], tuple[float, float]]) -> None:
    figures: dict[tuple[str, int], tuple[float, float]] = {}

    def measure(number: int, *, visits: int = VISITS, label: str = "") -> None:
        numbers = range(1, number, number // visits)
        known = [callback(f"sub-user{n}", f"user{n}@example.org") for n in numbers]
        names = [f"new-{len(figures)}-{n}" for n in numbers]
        new = [callback(name, f"{name}@example.org") for name in names]
        for kind, times in (("repeat sign-in", known), ("sign-up", new)):
            # The shortest, since whatever else the machine does only adds to it.
            figures[kind + label, number] = tuple(map(min, zip(*times, strict=True)))

    with connection.schema_editor() as editor:
        for index in INDEXES:
            editor.add_index(get_user_model(), index)
    try:
        fill(op.issuer, 1, FEW)
        measure(FEW)
        fill(op.issuer, FEW + 1, MANY)
        assert OAuthConnection.objects.count() > MANY
        measure(MANY)
    finally:
        with connection.schema_editor() as editor:
            for index in INDEXES:
                editor.remove_index(get_user_model(), index)
    measure(MANY, visits=3, label=" without the indexes")

    for (kind, number), (seconds, in_database) in figures.items():
        print(f"{number:,} users, {kind}: {seconds * 1e3:.1f} ms, {in_database * 1e3:.2f} ms of them in the database")
    for kind in ("repeat sign-in", "sign-up"):
        ratios = [many / few for many, few in zip(figures[kind, MANY], figures[kind, FEW], strict=True)]
        print(f"{kind}: a million users cost {ratios[0]:.2f} times as much, in the database {ratios[1]:.2f} times")
        assert max(ratios) < BOUND
