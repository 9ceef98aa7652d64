"""`SessionLogout`: what it lets through, what it costs, and how long a row is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils import timezone

from oidc_login.models import SignedInSession
from oidc_login.sessions import records as sessions
from tests.logout.notices import notify
from tests.settings.urls import urlpatterns as base_urlpatterns
from tests.support.browser import Browser
from tests.support.databases import failing, read_only
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_middleware")]

Op = RecordingOpenIDProvider


def untouched(request: HttpRequest) -> HttpResponse:
    """A page that needs neither the session nor the user."""
    return HttpResponse("open to all")


def visit(request: HttpRequest) -> HttpResponse:
    """A page that changes the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


urlpatterns = [*base_urlpatterns, path("untouched/", untouched), path("visit/", visit)]


def mark_of(browser: Browser) -> str:
    mark = sessions.mark_of(browser.session)
    assert mark is not None
    return mark.key


def row_of(browser: Browser) -> SignedInSession:
    return SignedInSession.objects.get(pk=mark_of(browser))


# Who gets through.


def test_session_stands_as_long_as_its_row(op: Op, browser: Browser) -> None:
    browser.sign_in(op)
    assert browser.get("/").content == b"alice"

    SignedInSession.objects.all().delete()

    assert browser.get("/").content == b""
    assert browser.user is None
    assert browser.get("/").content == b""


def test_refused_session_is_flushed(op: Op, browser: Browser) -> None:
    browser.sign_in(op)
    session = browser.session
    session["basket"] = ["theirs"]
    session.save()
    SignedInSession.objects.all().delete()

    browser.get("/")

    assert "basket" not in browser.session
    assert not session.exists(str(session.session_key))


def test_site_hears_that_somebody_was_signed_out(op: Op, browser: Browser) -> None:
    heard: list[Any] = []

    def receive(*, user: Any, **kwargs: Any) -> None:
        heard.append(user.get_username())

    browser.sign_in(op)
    SignedInSession.objects.all().delete()
    user_logged_out.connect(receive)
    try:
        browser.get("/")
    finally:
        user_logged_out.disconnect(receive)

    assert heard == ["alice"]


def test_sessions_of_other_sign_ins_are_left_alone(op: Op, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert browser.get("/").content == b"somebody"


def test_session_from_before_the_package_kept_rows_is_left_alone(op: Op, browser: Browser) -> None:
    browser.sign_in(op)
    session = browser.session
    del session["oidc_login_mark"]
    session.save()
    SignedInSession.objects.all().delete()

    assert browser.get("/").content == b"alice"


def test_password_sign_in_takes_over_the_session(op: Op, browser: Browser) -> None:
    """From then on the provider has no part in it."""
    browser.sign_in(op)
    user = browser.user
    browser.log_in(user)

    notify(op.logout_token(user="alice"))

    assert browser.get("/").content == b"alice"
    assert not SignedInSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_asynchronous_handler_refuses_too(op: Op, browser: Browser, settings: Settings) -> None:
    browser.sign_in(op)
    client = AsyncClient()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(browser.session_key)
    assert async_to_sync(client.get)("/").content == b"alice"

    SignedInSession.objects.all().delete()

    assert async_to_sync(client.get)("/").content == b""


# What it costs.


def test_it_costs_one_query_by_primary_key(
    op: Op, browser: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.sign_in(op)

    with django_assert_num_queries(3) as queries:  # the session, the row, the user
        browser.get("/")

    (sql,) = [query["sql"] for query in queries.captured_queries if SignedInSession._meta.db_table in query["sql"]]
    where = sql.split("WHERE")[1]
    assert (sql.startswith("SELECT 1"), where.count("mark"), mark_of(browser) in where) == (True, 1, True)
    assert " AND " not in where


def test_session_is_found_by_whatever_brings_its_key(op: Op, browser: Browser, settings: Settings) -> None:
    """A site may take the key from elsewhere than Django's cookie."""
    browser.sign_in(op)
    settings.MIDDLEWARE = [
        f"{__name__}.HeaderSessionMiddleware" if "SessionMiddleware" in path else path for path in settings.MIDDLEWARE
    ]
    header = {"x-session": str(browser.session_key)}
    assert Client().get("/", headers=header).content == b"alice"

    SignedInSession.objects.all().delete()

    assert Client().get("/", headers=header).content == b""


class HeaderSessionMiddleware(SessionMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        request.session = self.SessionStore(request.headers.get("x-session"))


@pytest.mark.urls(__name__)
def test_visitor_without_a_session_costs_nothing(op: Op, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/untouched/")

    assert "Vary" not in response


# How long a row is kept.


@pytest.mark.urls(__name__)
def test_row_outlives_a_session_that_is_used(op: Op, browser: Browser, settings: Settings) -> None:
    """A session lives on each time that it is saved, and with it what ends it."""
    browser.sign_in(op)
    settings.SESSION_COOKIE_AGE *= 2
    before = row_of(browser).expires_at

    browser.get("/visit/")

    after = row_of(browser).expires_at
    assert after > before
    assert after > timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    assert browser.get("/").content == b"alice"


@pytest.mark.urls(__name__)
def test_row_is_not_written_each_time(
    op: Op, browser: Browser, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    browser.sign_in(op)
    before = row_of(browser).expires_at

    for _ in range(3):
        browser.get("/visit/")
        browser.get("/untouched/")

    assert row_of(browser).expires_at == before


@pytest.mark.urls(__name__)
def test_session_that_is_saved_with_every_request_keeps_its_row(op: Op, browser: Browser, settings: Settings) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    browser.sign_in(op)
    settings.SESSION_COOKIE_AGE *= 2
    before = row_of(browser).expires_at

    browser.get("/untouched/")

    assert row_of(browser).expires_at > before


def test_session_that_is_only_read_is_not_prolonged(op: Op, browser: Browser, settings: Settings) -> None:
    browser.sign_in(op)
    settings.SESSION_COOKIE_AGE *= 2
    before = row_of(browser).expires_at

    response = browser.get("/")

    assert row_of(browser).expires_at == before
    assert settings.SESSION_COOKIE_NAME not in response.cookies


def test_row_lives_longer_than_its_session(op: Op, browser: Browser, settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE = 1000
    browser.sign_in(op)

    left = (row_of(browser).expires_at - timezone.now()).total_seconds()

    assert 1090 < left <= 1100


def test_row_of_a_cookie_session_holds_no_cookie(op: Op, browser: Browser, settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser.sign_in(op)

    assert SignedInSession.objects.get().session_key == ""


def test_another_sign_in_in_the_same_browser_replaces_the_row(op: Op, browser: Browser) -> None:
    browser.sign_in(op)
    first = mark_of(browser)

    browser.sign_in(op)
    browser.sign_in(op, user="bob")

    assert mark_of(browser) != first
    assert SignedInSession.objects.count() == 1
    assert row_of(browser).user.get_username() == "bob"
    assert row_of(browser).session_key == browser.session_key


# Cleaning.


def test_expired_rows_are_removed_and_others_stay(op: Op, browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    browser.sign_in(op)
    user = browser.user
    long_ago = timezone.now() - timedelta(seconds=1)
    expired = [
        SignedInSession(user=user, provider_key="op", subject="x", expires_at=long_ago)
        for _ in range(sessions.BATCH + 1)
    ]
    SignedInSession.objects.bulk_create(expired)

    call_command("oidc_login_clearsessions")

    assert SignedInSession.objects.get() == row_of(browser)
    assert f"Removed {sessions.BATCH + 1} expired sessions." in capsys.readouterr().out
    assert browser.get("/").content == b"alice"


def test_row_that_is_prolonged_meanwhile_stays(op: Op, browser: Browser) -> None:
    browser.sign_in(op)
    SignedInSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    prolonged: list[int] = []

    def prolong_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("DELETE") and not prolonged:
            prolonged.append(1)
            SignedInSession.objects.update(expires_at=timezone.now() + timedelta(days=1))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(prolong_first):
        assert sessions.clear_expired() == 0

    assert prolonged
    assert browser.get("/").content == b"alice"


def test_command_can_be_silent(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("oidc_login_clearsessions", verbosity=0)

    assert capsys.readouterr().out == ""


# A store that fails.


@pytest.mark.django_db(transaction=True)
def test_a_session_that_was_ended_is_not_shown_while_it_cannot_be_removed(op: Op, browser: Browser) -> None:
    browser.sign_in(op)
    SignedInSession.objects.all().delete()

    with read_only():
        page = browser.get("/")
        script = browser.get("/", headers={"x-requested-with": "XMLHttpRequest"})

    assert (page.status_code, script.status_code) == (503, 503)
    assert int(page["Retry-After"]) > 0
    assert script.json()["code"] == "site_unavailable"
    assert script["Retry-After"] == page["Retry-After"]
    assert browser.get("/").content == b""


@pytest.mark.django_db(transaction=True)
def test_a_row_that_cannot_be_prolonged_costs_no_page(op: Op, browser: Browser, settings: Settings) -> None:
    settings.SESSION_COOKIE_AGE = 1000
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.ROOT_URLCONF = __name__
    browser.sign_in(op)
    settings.SESSION_COOKIE_AGE = 5000
    until = row_of(browser).expires_at

    with failing("oidc_login_signedinsession", verb="UPDATE"):
        assert browser.get("/visit/").content == b"1"

    assert row_of(browser).expires_at == until
    assert browser.get("/visit/").content == b"2"
    assert row_of(browser).expires_at > until, "the next page has tried again"
