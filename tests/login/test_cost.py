"""What a sign-in costs the database: statements, and commits that a disk is waited for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

pytestmark = pytest.mark.django_db(transaction=True)

OF_TRANSACTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
WRITES = ("INSERT", "UPDATE", "DELETE")


def statements_of_callback(op: RecordingOpenIDProvider) -> list[str]:
    """Return the statements of a callback by a new browser, as the database gets them."""
    browser = Browser()
    answer = browser.authorize(op, browser.begin())
    with CaptureQueriesContext(connection) as queries:
        response = browser.end(answer)
    assert response.status_code == 302
    assert browser.user.username == "alice"
    return [query["sql"] for query in queries.captured_queries]


def counted(statements: list[str]) -> list[str]:
    return [sql for sql in statements if not sql.startswith(OF_TRANSACTIONS)]


def commits(statements: list[str]) -> int:
    """Count the transactions, and the writes outside of them, which are committed one by one."""
    is_open, count = False, 0
    for sql in statements:
        is_open = sql.startswith("BEGIN") or (is_open and not sql.startswith("COMMIT"))
        count += sql.startswith("COMMIT") or (sql.startswith(WRITES) and not is_open)
    return count


def test_repeat_sign_in(op: RecordingOpenIDProvider) -> None:
    Browser().sign_in(op)
    statements_of_callback(op)

    statements = statements_of_callback(op)

    assert len(counted(statements)) <= 7, "\n".join(statements)
    assert commits(statements) <= 2, "that of the sign-in, and that of SessionMiddleware"


def test_sign_up(op: RecordingOpenIDProvider) -> None:
    Browser().sign_in(op, user="bob")  # a process asks every ten seconds whether a window for linking is open

    statements = statements_of_callback(op)

    assert len(counted(statements)) <= 9, "\n".join(statements)
    assert commits(statements) <= 2, "that of the sign-in, and that of SessionMiddleware"
