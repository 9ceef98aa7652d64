"""Sign-ins on a site whose users have a UUID and an email, and no username."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, GitHubStyleProvider, OpenIDProvider
from tests.customuser.models import Member
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", ["op", "github"])
def test_sign_up_and_sign_in_again(op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser, key: str) -> None:
    provider = {"op": op, "github": github}[key]

    assert browser.sign_in(provider, key).status_code == 302
    again = Browser()
    assert again.sign_in(provider, key).status_code == 302

    member = Member.objects.get()
    assert browser.user == again.user == member
    assert isinstance(member.pk, uuid.UUID)
    assert member.email == ALICE.email
    assert not member.has_usable_password()
    assert OAuthConnection.objects.get().user_id == member.pk


def test_verified_address_links(op: OpenIDProvider, browser: Browser) -> None:
    member = Member.objects.create_user(ALICE.email.upper(), "password")

    browser.sign_in(op)

    assert browser.user == member
    assert OAuthConnection.objects.get().link_reason == "verified_email"


@pytest.mark.parametrize("user", ["bob", "carol"], ids=["not verified", "none"])
def test_account_needs_a_verified_address(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, user: str
) -> None:
    """This user model cannot do without one, and says so."""
    answer = browser.authorize(op, browser.begin(), user)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "email_required")
    assert "confirmed email address" in failure.response.content.decode()


def test_account_needs_an_address_that_counts(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    """A provider whose addresses link nobody opens no account for this user model, and the page says why."""
    settings.OIDC_LOGIN_PROVIDERS["op"]["link_by_email"] = "never"
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "email_required")
    assert "cannot create an account this way" in failure.response.content.decode()


def test_unverified_address_of_a_member_is_a_conflict(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Member.objects.create_user("victim@example.org", "password")
    op.users.change("bob", email="victim@example.org")
    answer = browser.authorize(op, browser.begin(), "bob")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "email_not_verified")


def test_connect(op: OpenIDProvider, browser: Browser) -> None:
    """The key of a user goes through the flow as text."""
    member = Member.objects.create_user("somebody@example.org", "password")
    browser.log_in(member)

    assert browser.connect(op, user="carol").status_code == 302
    assert OAuthConnection.objects.get().user == member


def test_connect_of_another_member(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(Member.objects.create_user("a@example.org"))
    answer = browser.authorize(op, browser.begin(view="connect"))
    browser.log_in(Member.objects.create_user("b@example.org"))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "connect_user_changed")


def test_callback_that_comes_back_goes_on(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin(next="/next/"))
    browser.end(answer)

    assert browser.end(answer)["Location"] == "/next/"


def test_look_alike_address_is_another_member(op: OpenIDProvider, browser: Browser) -> None:
    existing = Member.objects.create_user("mi\u212ae@example.org")
    op.users.change("alice", email="mike@example.org")

    browser.sign_in(op)

    assert browser.user != existing


def test_claims_that_fit_no_field_are_left_out(op: OpenIDProvider, browser: Browser) -> None:
    def change(answer: Answer) -> Answer:
        answer.json |= {"given_name": "x" * 500, "name": ["y"]}
        return answer

    op.bend("userinfo", change)

    assert browser.sign_in(op).status_code == 302


def test_inactive_member(op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged) -> None:
    Member.objects.create_user(ALICE.email, is_active=False)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "inactive")


def test_staff_member(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    Member.objects.create_superuser(ALICE.email)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "staff_linking_off")


def test_backend_knows_members() -> None:
    member: Any = Member.objects.create_user("a@example.org")

    assert OIDCLoginBackend().get_user(member.pk) == member
    assert OIDCLoginBackend().get_user(uuid.uuid4()) is None
