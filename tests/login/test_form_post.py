"""Answers that the provider posts (OAuth 2.0 Form Post Response Mode): found, and the visitor's session left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def posts_its_answers(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", response_mode="form_post")


@pytest.fixture(params=[True, False], ids=["https", "http"])
def browser(request: pytest.FixtureRequest) -> Browser:
    return Browser(https=request.param)


@pytest.fixture
def user() -> User:
    made: User = get_user_model().objects.create_user("somebody")
    return made


def bounce(browser: Browser, response: Any) -> Any:
    """Follow the one redirect by which the site hands the answer to itself."""
    assert response.status_code == 303
    assert response["Location"].startswith("/oauth/op/callback/?answer=")
    return browser.get(response["Location"], cross_site=True)


def test_provider_is_asked_to_post(op: OpenIDProvider, browser: Browser) -> None:
    browser.begin()

    assert browser.begun[0]["response_mode"] == "form_post"


def test_sign_in_ends_after_one_bounce(op: OpenIDProvider, browser: Browser, witness: Witness) -> None:
    answer = browser.authorize(op, browser.begin(next="/next/"))

    posted = browser.end(answer)
    response = bounce(browser, posted)

    assert (response.status_code, response["Location"]) == (302, "/next/")
    assert browser.user.username == "alice"
    assert not browser.flow_cookies
    for step in (posted, response):
        assert "no-store" in step["Cache-Control"]
        witness.assert_no_secrets(browser, step)


def test_bounce_touches_neither_session_nor_flow(op: OpenIDProvider, browser: Browser, user: User) -> None:
    """A cross-site POST comes without the session: an answer to it must not set another one."""
    browser.log_in(user)
    key = browser.session_key
    answer = browser.authorize(op, browser.begin())
    op.clear()

    posted = browser.end(answer)

    assert "sessionid" not in posted.cookies
    assert (browser.session_key, browser.user) == (key, user)
    assert len(browser.flow_cookies) == 1
    assert op.asked() == []


def test_connect_ends_in_the_session_it_began_in(op: OpenIDProvider, browser: Browser, user: User) -> None:
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin(view="connect", next="/settings/"))

    response = bounce(browser, browser.end(answer))

    assert (response.status_code, response["Location"]) == (302, "/settings/")
    assert OAuthConnection.objects.get().user == user
    assert browser.user == user


def test_session_cookie_that_comes_along_needs_no_bounce(op: OpenIDProvider, settings: Settings, user: User) -> None:
    settings.SESSION_COOKIE_SAMESITE = "None"
    settings.SESSION_COOKIE_SECURE = True
    browser = Browser(https=True)
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin(view="connect"))

    assert browser.end(answer).status_code == 302
    assert OAuthConnection.objects.get().user == user


def test_bounced_answer_is_good_once(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    posted = browser.end(browser.authorize(op, browser.begin()))
    bounce(browser, posted)
    browser.jar.pop("sessionid")
    op.clear()

    with assert_nothing_changed(browser) as failure:
        failure.response = bounce(browser, posted)

    assert failure.seen == (400, "state_used")
    assert op.asked() == []


def test_bounced_answer_of_another_browser(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    attacker = Browser(https=browser.https)
    posted = attacker.end(attacker.authorize(op, attacker.begin()))

    with assert_nothing_changed(browser) as failure:
        failure.response = bounce(browser, posted)

    assert failure.seen == (400, "state_unknown")


def test_bounced_answer_gets_old(
    op: OpenIDProvider,
    browser: Browser,
    later: Callable[[float], None],
    assert_nothing_changed: NothingChanged,
) -> None:
    posted = browser.end(browser.authorize(op, browser.begin()))
    later(300)

    with assert_nothing_changed(browser) as failure:
        failure.response = bounce(browser, posted)

    assert failure.seen == (400, "parameter_invalid")


@pytest.mark.parametrize("value", ["", "garbage", "\u00e9", "A" * 5000])
def test_made_up_answer(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, value: str
) -> None:
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.get("/oauth/op/callback/?" + urlencode({"answer": value}))

    assert failure.seen == (400, "parameter_invalid")


def test_answer_sealed_for_another_provider(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    configure(settings, "second", **settings.OIDC_LOGIN_PROVIDERS["op"])
    posted = browser.end(browser.authorize(op, browser.begin()))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.get(posted["Location"].replace("/op/", "/second/"))

    assert failure.seen == (400, "parameter_invalid")


def test_answer_says_nothing_in_clear(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin())

    location = browser.end(answer)["Location"]

    assert not [value for _, value in answer.parameters if len(value) > 9 and value in location]


@pytest.mark.parametrize("is_signed_in", [True, False], ids=["signed in", "anonymous"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda a: a.without("state"), "state_missing", id="no state"),
        pytest.param(lambda a: a.and_also("state", "x"), "parameter_invalid", id="state twice"),
    ],
)
def test_post_that_names_no_flow_leaves_the_session_alone(
    op: OpenIDProvider,
    browser: Browser,
    user: User,
    assert_nothing_changed: NothingChanged,
    change: Callable[[Any], Any],
    code: str,
    is_signed_in: bool,
) -> None:
    if is_signed_in:
        browser.log_in(user)
    parameters = change(browser.authorize(op, browser.begin())).parameters
    body = urlencode(parameters)

    with assert_nothing_changed(browser, uses_flow=False) as failure:
        failure.response = _post(browser, body)

    assert failure.seen == (400, code)
    assert "sessionid" not in failure.response.cookies


def _post(browser: Browser, body: str) -> Any:
    return browser.request(
        "POST", "/oauth/op/callback/?" if not body else "/oauth/op/callback/", _pairs(body), cross_site=True
    )


def _pairs(body: str) -> dict[str, list[str]]:
    from urllib.parse import parse_qs

    return parse_qs(body)


def test_foreign_post_with_a_guessed_state_ends_nothing(
    op: OpenIDProvider, browser: Browser, user: User, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(user)
    posted = browser.request("POST", "/oauth/op/callback/", {"state": "guessed", "code": "c"}, cross_site=True)

    with assert_nothing_changed(browser) as failure:
        failure.response = bounce(browser, posted)

    assert failure.seen == (400, "state_unknown")
    assert browser.user == user


def test_parameters_in_the_query_of_a_post_are_not_read(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, browser.begin())
    url = "/oauth/op/callback/?" + urlencode(answer.parameters)

    with assert_nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.request("POST", url, {}, cross_site=True)

    assert failure.seen == (400, "state_missing")


def test_cancelling_by_post(op: OpenIDProvider, browser: Browser) -> None:
    response = bounce(browser, browser.end(browser.authorize(op, browser.begin(next="/next/"), user=None)))

    assert response["Location"] == "/oauth/?next=%2Fnext%2F"


def test_answer_that_comes_by_redirect_after_all(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin())
    answer.response_mode = "query"

    assert browser.end(answer).status_code == 302


def test_post_to_a_provider_that_redirects_is_refused(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", response_mode=None)

    assert browser.request("POST", "/oauth/op/callback/", {"state": "s", "code": "c"}).status_code == 405
    assert browser.request("POST", "/oauth/nobody/callback/", {"state": "s"}).status_code == 404
