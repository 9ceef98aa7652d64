"""SQLite's one lock, held by another connection: a request waits for it, tries once more, then says 503."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.urls import reverse

from oidc_login.models import OAuthConnection
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE, RecordingOpenIDProvider

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases lock rows"),
]

UNAVAILABLE = (503, "site_unavailable")
SHORT = 50  # milliseconds
LONG = 10_000


class Lock:
    """The write lock of the database, as another process holds it."""

    def __init__(self, name: str) -> None:
        # Released by other threads than the one that took it.
        self._other = sqlite3.connect(name, isolation_level=None, check_same_thread=False)

    def hold(self) -> None:
        self._other.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        if self._other.in_transaction:
            self._other.execute("ROLLBACK")

    def close(self) -> None:
        self._other.close()


@pytest.fixture
def lock() -> Iterator[Lock]:
    """The lock, for which the site waits a short time only."""
    wait_for_locks(SHORT)
    lock = Lock(str(connection.settings_dict["NAME"]))
    yield lock
    lock.close()
    connection.close()


def wait_for_locks(milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")


def begun(browser: Browser, op: RecordingOpenIDProvider, view: str = "login") -> Any:
    answer = browser.authorize(op, browser.begin(view=view))
    op.clear()
    return answer


def somebody() -> Any:
    return get_user_model().objects.create_user("somebody", password="password")


@pytest.mark.parametrize("known", [False, True], ids=["sign-up", "repeat sign-in"])
def test_sign_in_behind_a_lock_is_503(
    op: RecordingOpenIDProvider, browser: Browser, lock: Lock, assert_nothing_changed: NothingChanged, known: bool
) -> None:
    if known:
        Browser().sign_in(op)
    answer = begun(browser, op)

    with assert_nothing_changed(browser) as failure:
        lock.hold()
        failure.response = browser.end(answer)
        lock.release()

    assert failure.seen == UNAVAILABLE
    assert failure.response["Retry-After"]
    assert op.asked().count("token") == 1
    assert Browser().sign_in(op).status_code == 302, "as soon as the lock is gone"


@pytest.mark.parametrize("known", [False, True], ids=["sign-up", "repeat sign-in"])
def test_lock_that_is_gone_at_the_second_attempt(
    op: RecordingOpenIDProvider, browser: Browser, lock: Lock, caplog: pytest.LogCaptureFixture, known: bool
) -> None:
    if known:
        Browser().sign_in(op)
    answer = begun(browser, op)
    released_by = ReleasedBy("sign-in retried", lock)

    lock.hold()
    caplog.handler.addFilter(released_by)
    try:
        response = browser.end(answer)
    finally:
        caplog.handler.removeFilter(released_by)

    assert released_by.done
    assert response.status_code == 302
    assert op.asked().count("token") == 1
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1


class ReleasedBy:
    """Releases the lock at a log record: that is between the two attempts."""

    def __init__(self, text: str, lock: Lock) -> None:
        self._text, self._lock = text, lock
        self.done = False

    def filter(self, record: Any) -> bool:
        if self._text in record.getMessage():
            self._lock.release()
            self.done = True
        return True


def test_sign_up_waits_for_a_writer(
    op: RecordingOpenIDProvider, browser: Browser, lock: Lock, caplog: pytest.LogCaptureFixture
) -> None:
    """A transaction that has read cannot wait any more: SQLite refuses it at once, whatever the time-out."""
    answer = begun(browser, op)
    wait_for_locks(LONG)
    lock.hold()
    timer = threading.Timer(0.3, lock.release)
    timer.start()

    response = browser.end(answer)

    timer.join()
    assert response.status_code == 302
    assert "sign-in retried" not in caplog.text


def test_connect_behind_a_lock_is_503(
    op: RecordingOpenIDProvider, browser: Browser, lock: Lock, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(somebody())
    answer = begun(browser, op, "connect")

    with assert_nothing_changed(browser) as failure:
        lock.hold()
        failure.response = browser.end(answer)
        lock.release()

    assert failure.seen == UNAVAILABLE


def test_disconnect_behind_a_lock_is_503(
    op: RecordingOpenIDProvider, browser: Browser, lock: Lock, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(somebody())
    browser.connect(op)
    op.clear()

    with assert_nothing_changed(browser, uses_flow=False) as failure:
        lock.hold()
        url = reverse("oidc_login:disconnect", args=["op"])
        failure.response = browser.post(url, {"provider_user_id": ALICE.sub})
        lock.release()

    assert failure.seen == (503, "site_unavailable")
    assert not op.asked(), "no token is revoked of a connection that stays"


def test_disconnect_waits_for_a_writer(op: RecordingOpenIDProvider, browser: Browser, lock: Lock) -> None:
    browser.log_in(somebody())
    browser.connect(op)
    wait_for_locks(LONG)
    lock.hold()
    timer = threading.Timer(0.3, lock.release)
    timer.start()

    response = browser.post(reverse("oidc_login:disconnect", args=["op"]), {"provider_user_id": ALICE.sub})

    timer.join()
    assert response.status_code == 302
    assert not OAuthConnection.objects.exists()
