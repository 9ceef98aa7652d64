"""A provider with `allow_login` off: it can be connected, and nobody signs in with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from oidc_login.models import OAuthConnection
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def drive(op: RecordingOpenIDProvider, settings: Settings) -> RecordingOpenIDProvider:
    """The provider with the key "op", for connecting only."""
    entry = {**settings.OIDC_LOGIN_PROVIDERS["op"], "allow_login": False}
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}
    return op


def test_its_sign_in_does_not_begin(
    drive: RecordingOpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    with assert_nothing_changed(browser, uses_flow=False) as failure:
        failure.response = browser.begin()
    assert failure.seen == (403, "login_not_allowed")
    assert not drive.requests


def test_its_sign_in_page_offers_none(drive: RecordingOpenIDProvider, browser: Browser) -> None:
    assert browser.get(reverse("oidc_login:login", args=["op"])).status_code == 403


def test_a_sign_in_that_was_begun_before_does_not_end(
    op: RecordingOpenIDProvider, settings: Settings, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, browser.begin())
    entry = {**settings.OIDC_LOGIN_PROVIDERS["op"], "allow_login": False}
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == (403, "login_not_allowed")


def test_sign_in_pages_have_no_button_for_it(drive: RecordingOpenIDProvider, browser: Browser) -> None:
    assert reverse("oidc_login:login", args=["op"]) not in browser.get(reverse("oidc_login:providers")).content.decode()


def test_a_user_connects_it_and_disconnects_it(drive: RecordingOpenIDProvider, browser: Browser) -> None:
    user = get_user_model().objects.create_user("local", password="secret")
    browser.log_in(user)
    page = browser.get(reverse("oidc_login:connections")).content.decode()
    assert reverse("oidc_login:connect", args=["op"]) in page
    browser.connect(drive)
    assert OAuthConnection.objects.get().user == user


def test_a_third_party_does_not_begin_a_sign_in_with_it(
    drive: RecordingOpenIDProvider, settings: Settings, browser: Browser
) -> None:
    entry = {**settings.OIDC_LOGIN_PROVIDERS["op"], "third_party_initiated_login": True}
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}
    response = browser.get("/oauth/op/initiate/", {"iss": drive.issuer}, cross_site=True)
    assert response.status_code == 403


def test_it_is_not_the_way_in_that_lets_another_go(drive: RecordingOpenIDProvider, settings: Settings) -> None:
    """Without a password, the account would be closed to its owner."""
    user = get_user_model().objects.create_user("local")
    entries = {**settings.OIDC_LOGIN_PROVIDERS, "other": {"issuer": drive.issuer, "client_id": "other"}}
    settings.OIDC_LOGIN_PROVIDERS = entries
    for key in ("op", "other"):
        OAuthConnection.objects.create(user=user, provider_key=key, provider_user_id="1", link_reason="connected")

    assert not OAuthConnection.objects.get(provider_key="other").can_be_disconnected()
    assert OAuthConnection.objects.get(provider_key="op").can_be_disconnected()
