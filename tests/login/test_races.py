"""Two requests at once: made to happen at a chosen statement, and with threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connection, connections

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE, BOB

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

TABLE = "oidc_login_oauthconnection"


@contextmanager
def before(verb: str, table: str, act: Callable[[], Any], *, times: int = 1) -> Iterator[None]:
    """Let something happen just before a statement, the first times that it is sent."""
    left = [times]
    quoted = connection.ops.quote_name(table)

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if left[0] and sql.startswith(verb) and quoted in sql:
            left[0] -= 1
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def fail(error: type[Exception]) -> Callable[[], None]:
    def act() -> None:
        raise error("as a lost race or a lock looks")

    return act


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

    with before("UPDATE", "auth_user", elsewhere(lambda: OAuthConnection.objects.all().delete())):
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

    with before("UPDATE", "auth_user", elsewhere(lambda: get_user_model().objects.all().delete())):
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


# Threads.


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Call each in a thread of its own with its own connection; what they returned, or raised."""
    results: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            results[number] = calls[number]()
        except Exception as error:  # what went wrong in a thread is what the test looks at
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.fixture
def meeting(op: OpenIDProvider) -> Callable[[int], None]:
    """Let so many requests wait for each other at the provider, before their answers."""

    def of(number: int) -> None:
        barrier = threading.Barrier(number, timeout=5)

        def wait(answer: Answer) -> Answer:
            barrier.wait()
            return answer

        op.bend("token", wait)

    return of


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [2, 6])
def test_first_sign_ins_of_one_identity_make_one_user(
    op: OpenIDProvider, meeting: Callable[[int], None], number: int
) -> None:
    browsers = [Browser() for _ in range(number)]
    answers = [browser.authorize(op, browser.begin()) for browser in browsers]
    meeting(number)

    def end(browser: Browser, answer: Any) -> Callable[[], int]:
        return lambda: int(browser.end(answer).status_code)

    statuses = at_once(*map(end, browsers, answers))

    assert set(statuses) <= {302, 503}, statuses
    assert 302 in statuses
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 1
    signed_in = [browser.user for browser, status in zip(browsers, statuses, strict=True) if status == 302]
    assert set(signed_in) == {get_user_model().objects.get()}


@pytest.mark.django_db(transaction=True)
def test_two_people_with_one_username_are_two_users(op: OpenIDProvider, meeting: Callable[[int], None]) -> None:
    op.users.change("alice", email="")
    op.bend("userinfo", lambda a: _same_name(a))
    browsers = {sub: Browser() for sub in (ALICE.sub, BOB.sub)}
    answers = {sub: browser.authorize(op, browser.begin(), sub) for sub, browser in browsers.items()}
    meeting(2)

    statuses = at_once(*(lambda sub=sub: browsers[sub].end(answers[sub]).status_code for sub in browsers))

    assert set(statuses) <= {302, 503} and 302 in statuses
    assert get_user_model().objects.count() == OAuthConnection.objects.count() == statuses.count(302)


def _same_name(answer: Answer) -> Answer:
    answer.json = {"sub": answer.json["sub"], "preferred_username": "same"}
    return answer


@pytest.mark.django_db(transaction=True)
def test_connects_of_one_identity_by_two_people_have_one_winner(
    op: OpenIDProvider, meeting: Callable[[int], None], settings: Settings
) -> None:
    browsers = [Browser(), Browser()]
    for number, browser in enumerate(browsers):
        browser.log_in(get_user_model().objects.create_user(f"user{number}"))
    answers = [browser.authorize(op, browser.begin(view="connect")) for browser in browsers]
    meeting(2)

    statuses = at_once(lambda: browsers[0].end(answers[0]).status_code, lambda: browsers[1].end(answers[1]).status_code)

    assert statuses.count(302) == 1, statuses
    assert set(statuses) <= {302, 409, 503}
    assert OAuthConnection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_answer_brought_twice_at_once_is_exchanged_once(op: OpenIDProvider) -> None:
    browser, twin = Browser(), Browser()
    answer = browser.authorize(op, browser.begin())
    twin.jar = dict(browser.jar)

    statuses = at_once(lambda: browser.end(answer).status_code, lambda: twin.end(answer).status_code)

    assert sorted(statuses) == [302, 400]
    assert op.asked().count("token") == 1
