"""A store of the site fails: each entrance answers 503 with a page about this site, and nobody is signed in or out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pickle import PickleError
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import OperationalError
from django.urls import reverse
from django.utils import translation

from oidc_login import signals
from oidc_login.faults import seen_as
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.databases import failing, read_only
from tests.support.invariant import NothingChanged
from tests.support.served import BOB

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = (503, "site_unavailable")
TEXT = "This site cannot sign you in"
AWAY = {"BACKEND": "tests.support.caches.BrokenCache"}


def says_that_this_site_is_busy(response: Any) -> bool:
    assert int(response["Retry-After"]) > 0
    assert "The sign-in service" not in response.content.decode()
    return response.status_code == 503 and TEXT in response.content.decode()


def sign_out(op: OpenIDProvider, browser: Browser) -> Any:
    return browser.post(reverse("oidc_login:logout"))


def disconnect(op: OpenIDProvider, browser: Browser) -> Any:
    return browser.post(reverse("oidc_login:disconnect", args=["op"]), {"provider_user_id": BOB.sub})


def end_other_sessions(op: OpenIDProvider, browser: Browser) -> Any:
    return browser.post(reverse("oidc_login:end_other_sessions"))


CHANGES = [sign_out, disconnect, end_other_sessions]


@pytest.fixture
def members(op: OpenIDProvider, browser: Browser) -> Browser:
    """A person who has two identities and is signed in twice."""
    browser.sign_in(op)
    browser.connect(op, user="bob")
    Browser().sign_in(op)
    browser.csrf_token()
    return browser


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_database_that_takes_no_writes_is_503(
    op: OpenIDProvider,
    members: Browser,
    change: Callable[[OpenIDProvider, Browser], Any],
    assert_nothing_changed: NothingChanged,
) -> None:
    with assert_nothing_changed(members) as failure, read_only():
        failure.response = change(op, members)

    assert failure.seen == BUSY
    assert says_that_this_site_is_busy(failure.response)
    assert change(op, members).status_code == 302, "a moment later it works"


def test_the_log_names_the_store_and_no_value(
    op: OpenIDProvider, members: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with read_only():
        sign_out(op, members)

    told = [record for record in caplog.records if record.name.startswith("oidc_login.faults")]
    assert [(record.levelno, record.__dict__["reason"]) for record in told] == [(logging.ERROR, "database")]


def test_a_cache_that_keeps_the_sessions_and_is_away_is_503(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    """The client library of each cache has errors of its own."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    settings.SESSION_CACHE_ALIAS = "sessions"
    settings.CACHES = {**settings.CACHES, "sessions": AWAY}
    answer = browser.authorize(op, browser.begin())
    op.clear()

    response = browser.end(answer)

    assert says_that_this_site_is_busy(response)
    assert browser.user is None


@pytest.mark.parametrize("name", ["connections", "confirm_link"])
def test_a_page_whose_session_cannot_be_read_is_503(op: OpenIDProvider, members: Browser, name: str) -> None:
    """Also where the site's own frame around the page reads the session, which fails once more."""
    with failing("django_session", verb="SELECT"):
        response = members.get(reverse(f"oidc_login:{name}"))

    assert says_that_this_site_is_busy(response)


def test_a_receiver_that_needs_the_database_changes_nothing_about_the_answer(
    op: OpenIDProvider, members: Browser
) -> None:
    """A site may count failures in its database."""

    def count(**kwargs: Any) -> None:
        Session.objects.all().delete()

    signals.login_failed.connect(count)
    try:
        with read_only():
            response = sign_out(op, members)
    finally:
        signals.login_failed.disconnect(count)

    assert says_that_this_site_is_busy(response)


def test_an_error_about_a_value_is_a_mistake_in_code() -> None:
    """Django reports it: to try again would not help."""
    cache = caches["default"]

    with pytest.raises((TypeError, AttributeError, PickleError)) as caught:
        cache.set("key", lambda: None)

    assert seen_as(caught.value) is None


def test_an_error_of_somebody_else_is_none_of_a_store() -> None:
    with pytest.raises(ConnectionError) as caught:
        raise ConnectionError("of the site's own code")

    assert seen_as(caught.value) is None


def test_people_read_it_in_their_language() -> None:
    seen = seen_as(OperationalError())

    with translation.override("de"):
        assert "Diese Website" in str(seen)
