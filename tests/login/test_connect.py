"""Connecting one more identity to the account of the person who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    made: User = get_user_model().objects.create_user("somebody", "somebody@example.org", "password")
    return made


@pytest.fixture
def signed_in(browser: Browser, user: User) -> Browser:
    browser.log_in(user)
    return browser


def test_identity_is_connected_whatever_its_address(op: OpenIDProvider, signed_in: Browser, user: User) -> None:
    session_key = signed_in.session_key

    response = signed_in.connect(op, next="/settings/")

    assert (response.status_code, response["Location"]) == (302, "/settings/")
    connection = OAuthConnection.objects.get()
    assert (connection.user, connection.link_reason) == (user, "connected")
    assert signed_in.user == user
    assert signed_in.session_key == session_key
    user.refresh_from_db()
    assert user.email == "somebody@example.org"


def test_person_is_told_that_it_is_connected(op: OpenIDProvider, signed_in: Browser) -> None:
    signed_in.connect(op)

    assert "connected" in signed_in.get("/oauth/").content.decode()


@pytest.mark.parametrize("owner", ["other", "inactive", "staff"])
def test_address_of_somebody_else_plays_no_part(op: OpenIDProvider, signed_in: Browser, user: User, owner: str) -> None:
    get_user_model().objects.create_user("owner", ALICE.email, is_active=owner != "inactive", is_staff=owner == "staff")

    assert signed_in.connect(op).status_code == 302
    assert OAuthConnection.objects.get().user == user


def test_unverified_address_and_linking_off_are_no_obstacle(
    op: OpenIDProvider, signed_in: Browser, user: User, settings: Settings
) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    settings.OIDC_LOGIN_ALLOW_SIGNUP = False

    assert signed_in.connect(op, user="bob").status_code == 302
    assert OAuthConnection.objects.get().user == user


def test_staff_may_connect(op: OpenIDProvider, signed_in: Browser, user: User) -> None:
    user.is_staff = True
    user.save()

    assert signed_in.connect(op).status_code == 302


def test_several_identities_of_one_provider(op: OpenIDProvider, signed_in: Browser, user: User) -> None:
    signed_in.connect(op, user="alice")
    signed_in.connect(op, user="bob")

    assert user.oauth_connections.count() == 2


def test_connecting_again_renews_the_tokens_of_the_same_row(op: OpenIDProvider, signed_in: Browser, user: User) -> None:
    signed_in.connect(op)
    before = OAuthConnection.objects.get()

    assert signed_in.connect(op).status_code == 302

    after = OAuthConnection.objects.get()
    assert (after.pk, after.user, after.link_reason) == (before.pk, user, "connected")
    assert after.access_token != before.access_token


def test_connected_identity_signs_in(op: OpenIDProvider, signed_in: Browser, user: User) -> None:
    signed_in.connect(op)
    elsewhere = Browser()

    elsewhere.sign_in(op)

    assert elsewhere.user == user


def test_identity_of_somebody_else_changes_nothing_on_either_side(
    op: OpenIDProvider, signed_in: Browser, assert_nothing_changed: NothingChanged
) -> None:
    op.always_refresh_token = True
    Browser().sign_in(op)
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))

    with assert_nothing_changed(signed_in) as failure:
        failure.response = signed_in.end(answer)

    assert failure.seen == (409, "identity_taken")


def test_identity_of_an_inactive_user_stays_theirs(
    op: OpenIDProvider, signed_in: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Browser().sign_in(op)
    get_user_model().objects.filter(username="alice").update(is_active=False)
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))

    with assert_nothing_changed(signed_in) as failure:
        failure.response = signed_in.end(answer)

    assert failure.seen == (409, "identity_taken")


@pytest.mark.parametrize("known", [False, True], ids=["new identity", "own identity"])
@pytest.mark.parametrize("how", ["signed out", "another user", "deactivated", "deleted"])
def test_person_who_began_is_not_there_any_more(
    op: OpenIDProvider,
    signed_in: Browser,
    user: User,
    assert_nothing_changed: NothingChanged,
    how: str,
    known: bool,
) -> None:
    if known:
        signed_in.connect(op)
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))
    if how == "signed out":
        signed_in.jar.pop("sessionid")
    elif how == "another user":
        signed_in.log_in(get_user_model().objects.create_user("another"))
    elif how == "deactivated":
        get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    else:
        signed_in.jar.pop("sessionid")
        user.delete()

    with assert_nothing_changed(signed_in) as failure:
        failure.response = signed_in.end(answer)

    assert failure.seen == (403, "connect_user_changed")


def test_deleted_user_whose_session_is_still_there(op: OpenIDProvider, signed_in: Browser, user: User) -> None:
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))
    user.delete()

    response = signed_in.end(answer)

    assert response.status_code == 403
    assert not OAuthConnection.objects.exists()


def test_login_that_ends_while_somebody_is_signed_in_connects_nothing(
    op: OpenIDProvider, browser: Browser, user: User
) -> None:
    """Begun as a sign-in in one tab, finished after a password sign-in in another one."""
    answer = browser.authorize(op, browser.begin())
    browser.log_in(user)

    browser.end(answer)

    assert not user.oauth_connections.exists()
    assert browser.user.username == "alice"


def test_policy_holds_for_connecting_too(
    op: OpenIDProvider, signed_in: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    configure(settings, "op", allowed_email_domains=["corp.example"])
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))

    with assert_nothing_changed(signed_in) as failure:
        failure.response = signed_in.end(answer)

    assert failure.seen == (403, "domain_not_allowed")


def test_callback_of_a_connect_that_comes_back_goes_on(op: OpenIDProvider, signed_in: Browser) -> None:
    answer = signed_in.authorize(op, signed_in.begin(view="connect", next="/settings/"))
    signed_in.end(answer)
    op.clear()

    assert signed_in.end(answer)["Location"] == "/settings/"
    assert op.asked() == []


def test_oauth2_identity_is_connected(github: GitHubStyleProvider, signed_in: Browser, user: User) -> None:
    assert signed_in.connect(github, "github").status_code == 302
    assert OAuthConnection.objects.get().user == user


def test_get_connects_nothing(op: OpenIDProvider, signed_in: Browser) -> None:
    assert signed_in.get("/oauth/op/connect/").status_code == 405
