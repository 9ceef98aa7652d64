"""`SESSION_COOKIE_SAMESITE = "Strict"`: the browser withholds the session from whatever began at the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.markup import Markup
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def strict(settings: Settings) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"


@pytest.fixture
def user() -> User:
    made: User = get_user_model().objects.create_user("somebody")
    return made


def moves_on_to(response: Any) -> str:
    """Where the page leads by itself, and by its link."""
    assert response.status_code == 200
    seen = Markup(response.content.decode())
    target: str = seen.links["Continue"]
    refresh = [meta["content"] for meta in seen.all("meta") if meta.get("http-equiv") == "refresh"]
    assert refresh == [f"0;url={target}"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    return target


def test_sign_in_ends_in_a_page_that_moves_on(op: OpenIDProvider, browser: Browser, witness: Witness) -> None:
    response = browser.sign_in(op, next="/next/")

    assert moves_on_to(response) == "/next/"
    assert browser.jar["sessionid"]["samesite"] == "Strict"
    assert browser.get("/").content == b"alice"
    witness.assert_no_secrets(browser, response)


def test_connect_bounces_once_and_ends_in_its_session(
    op: OpenIDProvider, browser: Browser, user: User, witness: Witness
) -> None:
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin(view="connect", next="/settings/"))
    op.clear()

    first = browser.end(answer)
    target = moves_on_to(first)

    assert target.startswith("/oauth/op/callback/?answer=")
    assert op.asked() == [], "the flow is not taken yet"
    assert len(browser.flow_cookies) == 1
    witness.assert_no_secrets(browser, first)

    second = browser.get(target)

    assert moves_on_to(second) == "/settings/"
    assert OAuthConnection.objects.get().user == user
    assert browser.user == user


def test_connect_of_somebody_signed_out_meanwhile_bounces_once_alone(
    op: OpenIDProvider, browser: Browser, user: User, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin(view="connect"))
    browser.jar.pop("sessionid")
    target = moves_on_to(browser.end(answer))

    with assert_nothing_changed(browser, uses_flow=True) as failure:
        browser.named = [browser.begun[0]["state"]]
        failure.response = browser.get(target)

    assert failure.seen == (403, "connect_user_changed")


def test_connect_with_the_session_at_hand_needs_no_bounce(op: OpenIDProvider, browser: Browser, user: User) -> None:
    """A provider on the same site."""
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin(view="connect"))

    response = browser.get(answer.url.removeprefix("http://testserver"))

    assert moves_on_to(response) == "/"
    assert OAuthConnection.objects.get().user == user


@pytest.mark.parametrize("https", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("view", ["login", "connect"])
def test_posted_answer(op: OpenIDProvider, settings: Settings, user: User, https: bool, view: str) -> None:
    configure(settings, "op", response_mode="form_post")
    browser = Browser(https=https)
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin(view=view, next="/next/"))

    target = moves_on_to(browser.end(answer))
    response = browser.get(target)

    assert moves_on_to(response) == "/next/"
    assert OAuthConnection.objects.get().user == browser.user
    assert browser.user.username == ("somebody" if view == "connect" else "alice")


def test_visitor_keeps_what_their_session_holds(op: OpenIDProvider, browser: Browser, user: User) -> None:
    """Ended without it, the sign-in would make another session, and the cart would be gone."""
    browser.log_in(user)
    session = browser.session
    for name in list(session.keys()):
        del session[name]
    session["cart"] = ["book"]
    session.save()

    target = moves_on_to(browser.sign_in(op, next="/next/"))
    assert target.startswith("/oauth/op/callback/?answer=")

    assert moves_on_to(browser.get(target)) == "/next/"
    assert browser.session["cart"] == ["book"]


def test_failed_sign_in_leaves_whoever_is_signed_in(
    op: OpenIDProvider, browser: Browser, user: User, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(user)
    answer = browser.authorize(op, browser.begin())

    target = moves_on_to(browser.end(answer.with_(iss="https://evil.example")))
    with assert_nothing_changed(browser) as failure:
        browser.named = [browser.begun[0]["state"]]
        failure.response = browser.get(target)

    assert failure.seen == (400, "iss_mismatch")


@pytest.mark.parametrize("value", ["strict", "STRICT"])
def test_setting_is_read_as_django_reads_it(
    op: OpenIDProvider, browser: Browser, settings: Settings, value: str
) -> None:
    settings.SESSION_COOKIE_SAMESITE = value

    assert moves_on_to(browser.sign_in(op, next="/next/")) == "/next/"
