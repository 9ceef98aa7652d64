"""Two requests at once, made to happen at a chosen statement. Those in threads: tests/concurrency."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connections

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, OpenIDProvider
from tests.support.browser import Browser
from tests.support.databases import TABLE, before, fail
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE
from tests.support.threads import at_once

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def make_connection(op: OpenIDProvider, user: Any, sub: str = ALICE.sub) -> OAuthConnection:
    return OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=op.issuer, provider_user_id=sub, link_reason="signed_up"
    )


@pytest.mark.django_db(transaction=True)
def test_identity_signed_up_meanwhile_is_found(op: OpenIDProvider, browser: Browser) -> None:
    """The loser of two first sign-ins ends as the winner's user, and leaves no orphan."""
    answer = browser.authorize(op, browser.begin())

    def win() -> None:
        make_connection(op, get_user_model().objects.create_user("winner"))

    with before("SELECT", "auth_user", win):
        response = browser.end(answer)

    assert response.status_code == 302
    assert browser.user.username == "winner"
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1


def test_integrity_error_is_never_a_login(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    get_user_model().objects.create_user("alice", email="somebody@example.org")
    answer = browser.authorize(op, browser.begin())

    with (
        before("INSERT", "auth_user", fail(IntegrityError), times=2),
        assert_nothing_changed(browser) as failure,
    ):
        failure.response = browser.end(answer)

    assert failure.seen == (503, "site_unavailable")


@pytest.mark.parametrize("error", [OperationalError, IntegrityError])
@pytest.mark.parametrize(("verb", "known"), [("INSERT", False), ("UPDATE", True)])
def test_lock_or_lost_race_is_tried_once_more(
    op: OpenIDProvider, browser: Browser, error: type[Exception], verb: str, known: bool
) -> None:
    """Also inside a transaction that the site began, as here the test's own."""
    if known:
        Browser().sign_in(op)
    answer = browser.authorize(op, browser.begin())

    with before(verb, TABLE, fail(error)):
        response = browser.end(answer)

    assert response.status_code == 302
    assert browser.user.username == "alice"
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1


@pytest.mark.parametrize(("verb", "known"), [("INSERT", False), ("UPDATE", True)])
def test_second_lock_is_503(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, verb: str, known: bool
) -> None:
    if known:
        Browser().sign_in(op)
    answer = browser.authorize(op, browser.begin())
    op.clear()

    with before(verb, TABLE, fail(OperationalError), times=2), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (503, "site_unavailable")
    assert op.asked().count("token") == 1, "the code is posted once"


def elsewhere(act: Callable[[], Any]) -> Callable[[], None]:
    """Do it in another request: by another connection, and committed."""
    return lambda: at_once(act)[0]


@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
@pytest.mark.django_db(transaction=True)
def test_connection_removed_meanwhile_is_made_again(
    op: OpenIDProvider, browser: Browser, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    """Disconnected in another tab between reading and writing: from there on it is an identity that nobody has."""
    Browser().sign_in(op)
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", atomic)
    answer = browser.authorize(op, browser.begin())

    with before("UPDATE", TABLE, elsewhere(lambda: OAuthConnection.objects.all().delete())):
        response = browser.end(answer)

    assert response.status_code == 302
    made = OAuthConnection.objects.get()
    assert made.user == browser.user
    assert made.access_token
    assert made.link_reason == "verified_email"
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_user_removed_meanwhile_is_made_again(op: OpenIDProvider, browser: Browser) -> None:
    Browser().sign_in(op)
    answer = browser.authorize(op, browser.begin())

    with before("UPDATE", TABLE, elsewhere(lambda: get_user_model().objects.all().delete())):
        response = browser.end(answer)

    assert response.status_code == 302
    assert OAuthConnection.objects.get().user == browser.user


@pytest.mark.parametrize("linking", ["verified", "never"])
@pytest.mark.django_db(transaction=True)
def test_account_that_appeared_meanwhile_is_the_persons_own(
    op: OpenIDProvider, browser: Browser, settings: Settings, linking: str
) -> None:
    """Signed up in another tab after the identity was looked for and before the address was: no conflict."""
    settings.OIDC_LOGIN_EMAIL_LINKING = linking
    answer = browser.authorize(op, browser.begin())

    def sign_up_elsewhere(userinfo: Answer) -> Answer:
        make_connection(op, get_user_model().objects.create_user("winner", ALICE.email))
        connections.close_all()
        return userinfo

    with op.bend("userinfo", sign_up_elsewhere):
        response = browser.end(answer)

    assert response.status_code == 302
    assert browser.user.username == "winner"
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_connect_of_an_identity_taken_meanwhile(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    other = get_user_model().objects.create_user("other")
    browser.log_in(get_user_model().objects.create_user("somebody"))
    answer = browser.authorize(op, browser.begin(view="connect"))

    def take(userinfo: Answer) -> Answer:
        make_connection(op, other)
        connections.close_all()
        return userinfo

    with op.bend("userinfo", take):
        response = browser.end(answer)

    assert response.status_code == 409
    assert response.context["oauth_error"].code == "identity_taken"
    assert OAuthConnection.objects.get().user == other


def test_session_that_cannot_be_written_is_503(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin())

    with before("INSERT", "django_session", fail(OperationalError), times=9):
        response = browser.end(answer)

    assert response.status_code == 503
    assert browser.user is None
