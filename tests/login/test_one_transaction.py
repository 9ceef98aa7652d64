"""User, connection, session and `last_login` of a sign-in are there together, or none of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, connections
from django.urls import get_resolver

from oidc_login import signals
from oidc_login.models import OAuthConnection
from oidc_login.models.session import SignedInSession
from oidc_login.testing import Answer, OpenIDProvider
from tests.support.backends import NotingTransactions
from tests.support.browser import Browser
from tests.support.databases import before, fail, failing
from tests.support.invariant import NothingChanged

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

STORES = ["db", "cached_db", "cache", "file", "signed_cookies"]
BUSY = (503, "site_unavailable")
CONNECTION, ROW = "oidc_login_oauthconnection", "oidc_login_signedinsession"


@pytest.fixture
def use_store(settings: Settings, tmp_path: Path) -> Callable[[str], None]:
    """Let the site keep its sessions in one of Django's stores."""

    def use(name: str) -> None:
        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
        settings.SESSION_FILE_PATH = str(tmp_path)

    return use


# The database fails.

WRITES = [
    ("alice", "UPDATE", CONNECTION),
    ("alice", "UPDATE", "auth_user"),
    ("alice", "INSERT", ROW),
    ("alice", "DELETE", ROW),
    ("bob", "INSERT", "auth_user"),
    ("bob", "INSERT", CONNECTION),
    ("bob", "UPDATE", "auth_user"),
    ("bob", "INSERT", ROW),
    ("bob", "DELETE", ROW),
]


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("second", "verb", "table"), WRITES)
def test_session_from_before_stays_whatever_write_fails(
    op: OpenIDProvider,
    browser: Browser,
    use_store: Callable[[str], None],
    assert_nothing_changed: NothingChanged,
    store: str,
    second: str,
    verb: str,
    table: str,
) -> None:
    """Alice comes once more, or Bob comes for the first time, in a browser where Alice is signed in."""
    use_store(store)
    browser.sign_in(op)
    sessions = list(SignedInSession.objects.values()), Session.objects.count()
    answer = browser.authorize(op, browser.begin(), second)

    with failing(table, verb=verb), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == BUSY
    assert (list(SignedInSession.objects.values()), Session.objects.count()) == sessions
    assert browser.get("/oauth/connections/").status_code == 200, "the session still opens pages"


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("second", ["alice", "bob"])
def test_session_from_before_ends_with_the_sign_in(
    op: OpenIDProvider, browser: Browser, use_store: Callable[[str], None], store: str, second: str
) -> None:
    use_store(store)
    browser.sign_in(op)
    old, before = Browser(), browser.session_key
    old.jar = dict(browser.jar)

    assert browser.sign_in(op, user=second).status_code == 302

    assert browser.session_key != before
    assert SignedInSession.objects.count() == 1
    if store != "signed_cookies":  # nobody can take a cookie back: the row is gone, and the middleware looks for it
        assert old.user is None
    if store in ("db", "cached_db"):
        assert Session.objects.count() == 1


def test_csrf_token_of_open_forms_stays(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    before = browser.csrf_token()
    answer = browser.authorize(op, browser.begin(), "bob")

    with failing(ROW, verb="INSERT"):
        assert browser.end(answer).status_code == 503

    assert browser.jar[django_settings.CSRF_COOKIE_NAME].value == before


# The store of the sessions fails.


@pytest.mark.parametrize("is_member", [False, True], ids=["first visit", "member"])
def test_store_that_takes_no_session_leaves_nothing(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, is_member: bool
) -> None:
    if is_member:
        Browser().sign_in(op)
    answer = browser.authorize(op, browser.begin())

    with failing("django_session", verb="INSERT"), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == BUSY
    assert browser.sign_in(op).status_code == 302


def test_cache_that_takes_no_session_leaves_nothing(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.SESSION_CACHE_ALIAS = "sessions"
    settings.CACHES = {**settings.CACHES, "sessions": {"BACKEND": "tests.support.caches.BrokenCache"}}
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == BUSY


def test_step_up_whose_session_cannot_be_stored(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    settings.ROOT_URLCONF = "tests.login.test_step_up"
    browser.sign_in(op)
    away = browser.get("/now/")
    browser.begun.append(dict(parse_qsl(urlsplit(away["Location"]).query)))
    answer = browser.authorize(op, away)

    with failing("django_session", verb="INSERT"), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == BUSY


def test_connect_whose_session_cannot_be_stored(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    browser.sign_in(op)
    answer = browser.authorize(op, browser.begin(view="connect"), "bob")

    with failing("django_session", verb="UPDATE"), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == BUSY


# Code of the site.


@contextmanager
def receiving(signal: Any, receiver: Callable[..., Any]) -> Iterator[None]:
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def test_receiver_of_the_login_that_cannot_store_its_row(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    def store(**kwargs: Any) -> None:
        Group.objects.create(name=None)  # type: ignore[misc]  # that is its mistake

    answer = browser.authorize(op, browser.begin())
    with receiving(user_logged_in, store), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (500, "site_misconfigured")


def test_receiver_that_fails_after_the_commit_keeps_nobody_out(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**kwargs: Any) -> None:
        assert not connection.in_atomic_block
        raise RuntimeError("the mail server is away")

    with receiving(signals.user_signed_up, fail):
        assert browser.sign_in(op).status_code == 302

    assert browser.user is not None
    assert "the mail server is away" in caplog.text


def test_backend_that_refuses_in_the_end_leaves_nothing(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.support.backends.RefusingInTheEnd"]
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


# No transaction is open while a provider is asked.


def test_no_view_is_in_a_transaction_of_the_site() -> None:
    """Also not with ATOMIC_REQUESTS, which `_non_atomic_requests` is about (django.core.handlers.base)."""
    views = [pattern.callback for pattern in patterns(get_resolver("oidc_login.urls"))]

    assert views
    assert [view for view in views if view._non_atomic_requests != set(connections)] == []


def patterns(resolver: Any) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from patterns(pattern)
        else:
            yield pattern


@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
def test_provider_is_asked_outside_of_any_transaction(
    op: OpenIDProvider, browser: Browser, settings: Settings, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", atomic)
    settings.AUTHENTICATION_BACKENDS = ["tests.support.backends.NotingTransactions"]
    NotingTransactions.noted.clear()

    assert browser.sign_in(op).status_code == 302

    assert NotingTransactions.noted == {"get_token": False, "get_userinfo": False, "create_user": True}


# A connection to the database that fails while the provider is asked.


def test_read_that_fails_once_is_repeated(op: OpenIDProvider, browser: Browser) -> None:
    """A query that took too long, or a connection that was ended: the first one after the provider's answer."""
    answer = browser.authorize(op, browser.begin())

    with before("SELECT", CONNECTION, fail(OperationalError)):
        assert browser.end(answer).status_code == 302

    assert browser.user is not None


def test_read_that_fails_twice_is_503(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure, before("SELECT", CONNECTION, fail(OperationalError), times=2):
        failure.response = browser.end(answer)

    assert failure.seen == BUSY


@pytest.mark.skipif(connection.vendor != "postgresql", reason="ends a connection as PostgreSQL does")
@pytest.mark.parametrize("is_member", [False, True], ids=["first visit", "member"])
@pytest.mark.parametrize("backend", ["oidc_login.backends.OIDCLoginBackend", "tests.support.backends.Everything"])
@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
def test_connection_that_is_ended_during_the_exchange(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    is_member: bool,
    backend: str,
    atomic: bool,
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", atomic)
    settings.AUTHENTICATION_BACKENDS = [backend]
    if is_member:
        Browser().sign_in(op)
    browser.log_in(get_user_model().objects.create_user("somebody"))
    answer = browser.authorize(op, browser.begin())

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()

    def end_connection(answered: Answer) -> Answer:
        with connection.cursor() as cursor:  # of the thread that serves the provider
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])
        connections.close_all()
        return answered

    with op.bend("token", end_connection):
        assert browser.end(answer).status_code == 302

    assert OAuthConnection.objects.get().user == browser.user
