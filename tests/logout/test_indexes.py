"""What is asked of the rows for each logout and each request is found by an index, however many rows there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.logout.notices import notify, sid_of
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("with_middleware"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="others read a small table whole"),
]

TABLE = "oidc_login_signedinsession"

Op = RecordingOpenIDProvider


def plans(captured: CaptureQueriesContext) -> list[str]:
    """How SQLite would find the rows of each statement."""
    found = []
    for query in captured.captured_queries:
        if TABLE in query["sql"] and not query["sql"].startswith("INSERT"):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
                found += [str(row[-1]) for row in cursor.fetchall()]
    return [plan for plan in found if TABLE in plan]


@pytest.mark.parametrize("names", [("sid",), ("user",), ("user", "sid")], ids=" and ".join)
def test_logout_finds_its_sessions_by_an_index(op: Op, browser: Browser, names: tuple[str, ...]) -> None:
    browser.sign_in(op)
    values = {"user": "alice", "sid": sid_of(op)}
    token = op.logout_token(**{name: values[name] for name in names})

    with CaptureQueriesContext(connection) as captured:
        assert notify(token).status_code == 200

    found = plans(captured)
    assert len(found) >= 2
    assert [plan for plan in found if not plan.startswith("SEARCH")] == []


def test_requests_and_pages_find_theirs_by_an_index(op: Op, browser: Browser) -> None:
    browser.sign_in(op)

    with CaptureQueriesContext(connection) as captured:
        browser.get("/")
        browser.get("/oauth/connections/")
        browser.post("/oauth/connections/sessions/end-others/")
        browser.post("/oauth/logout/")

    found = plans(captured)
    assert len(found) >= 6
    assert [plan for plan in found if not plan.startswith("SEARCH")] == []
