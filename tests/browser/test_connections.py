"""What people do with the identities of their account, and with an account that they have already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User as SiteUser
from playwright.sync_api import Locator, Page, expect

from oidc_login.models import OAuthConnection
from tests.browser.conftest import Shoot
from tests.browser.served_site import (
    PASSWORD,
    ServedSite,
    choose,
    continue_to_provider,
    expect_signed_in,
    log_in,
    path_of,
    sign_in,
    sign_in_by_password,
)

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CONNECTIONS = "/oauth/connections/"


@pytest.fixture
def alice(db: None) -> SiteUser:
    """A user of the site who has a password."""
    return SiteUser.objects.create_user("alice", "alice@example.org", PASSWORD)


def connections(page: Page) -> Locator:
    return page.locator(".oidc-login-connections > li")


def open_connections(page: Page, served: ServedSite, user: SiteUser) -> None:
    log_in(page.context, served, user)
    page.goto(served.site + CONNECTIONS)


def distrusts_local_addresses(user: SiteUser) -> bool:
    """A site's rule for `OIDC_LOGIN_LOCAL_EMAIL_VERIFIED`."""
    return False


# The person's own connections.


def test_person_connects_and_disconnects_an_identity(page: Page, served: ServedSite, alice: SiteUser) -> None:
    open_connections(page, served, alice)
    expect(page.get_by_text("You have not connected any other accounts yet.")).to_be_visible()

    page.get_by_role("button", name="Connect Example ID").click()
    choose(page, "Bob Birch")
    expect(page.get_by_role("status")).to_contain_text("The account has been connected.")
    expect(connections(page)).to_have_count(1)
    expect(connections(page)).to_contain_text("bob@example.org")
    assert path_of(page) == CONNECTIONS

    page.get_by_role("button", name="Disconnect Example ID bob@example.org").click()
    expect(page.get_by_role("status")).to_contain_text("has been disconnected")
    expect(connections(page)).to_have_count(0)
    assert path_of(page) == CONNECTIONS


def test_person_who_cancels_connecting_is_back_at_their_connections(
    page: Page, served: ServedSite, alice: SiteUser
) -> None:
    open_connections(page, served, alice)
    page.get_by_role("button", name="Connect Example ID").click()
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("status")).to_be_visible()
    assert path_of(page) == CONNECTIONS


def test_last_way_in_has_no_button_that_removes_it(page: Page, served: ServedSite) -> None:
    sign_in(page, served)
    page.goto(served.site + CONNECTIONS)

    expect(page.get_by_text("This is your only way to sign in")).to_be_visible()
    expect(page.get_by_role("button", name="Disconnect")).to_have_count(0)


def test_last_way_in_stays_when_two_tabs_remove_the_last_two(page: Page, served: ServedSite, shoot: Shoot) -> None:
    sign_in(page, served)
    served.connect(SiteUser.objects.get(), "another", email="another@example.org")
    tabs = (page, page.context.new_page())
    for tab in tabs:
        tab.goto(served.site + CONNECTIONS)
    for tab, email in zip(tabs, ("alice@example.org", "another@example.org"), strict=True):
        tab.get_by_role("button", name=f"Disconnect Example ID {email}").click()

    expect(tabs[1].get_by_role("alert")).to_contain_text("your only way to sign in")
    shoot(tabs[1], "refused")
    tabs[1].get_by_role("link", name="Back to how you sign in").click()
    expect(connections(tabs[1])).to_have_count(1)
    assert OAuthConnection.objects.get().email == "another@example.org"


def test_person_reconnects_what_the_provider_ended(page: Page, served: ServedSite, alice: SiteUser) -> None:
    served.connect(alice, "bob", email="bob@example.org", status="needs_reauth")
    open_connections(page, served, alice)
    page.get_by_role("button", name="Reconnect Example ID bob@example.org").click()
    choose(page, "Bob Birch")

    expect(connections(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Reconnect")).to_have_count(0)
    assert path_of(page) == CONNECTIONS
    assert OAuthConnection.objects.get().status == "ok"


def test_identity_of_somebody_else_is_not_connected(
    page: Page, served: ServedSite, alice: SiteUser, shoot: Shoot
) -> None:
    served.connect(SiteUser.objects.create_user("bob"), "bob")
    open_connections(page, served, alice)
    page.get_by_role("button", name="Connect Example ID").click()
    choose(page, "Bob Birch")

    expect(page.get_by_role("alert")).to_contain_text("connected to another user")
    shoot(page, "refused")
    page.get_by_role("link", name="Back to how you sign in").click()
    expect(page.get_by_text("You have not connected any other accounts yet.")).to_be_visible()


# An account that is there already.


def test_link_is_made_once_the_person_signs_in_by_password(
    page: Page, served: ServedSite, alice: SiteUser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"{__name__}.distrusts_local_addresses"
    settings.LOGIN_URL = "sign-in"
    page.goto(served.site)
    continue_to_provider(page)
    choose(page)
    expect(page.get_by_text("There is already an account with your email address.")).to_be_visible()
    page.goto(f"{served.site}/oauth/confirm-link/")
    page.get_by_role("link", name="Sign in to your account").click()
    sign_in_by_password(page)

    expect(page.get_by_role("status")).to_contain_text("The account has been connected.")
    expect(connections(page)).to_contain_text("alice@example.org")
    assert path_of(page) == CONNECTIONS
    assert OAuthConnection.objects.get().user == alice


def test_person_of_an_unverified_address_signs_in_the_usual_way_and_connects(
    page: Page, served: ServedSite, settings: Settings
) -> None:
    carol = SiteUser.objects.create_user("carol", "carol@example.org", PASSWORD)
    settings.LOGIN_URL = "sign-in"
    page.goto(served.site)
    continue_to_provider(page)
    choose(page, "Carol Cedar")
    page.get_by_role("link", name="Sign in the way you usually do").click()
    sign_in_by_password(page, "carol")
    page.get_by_role("button", name="Connect Example ID").click()
    choose(page, "Carol Cedar")

    expect(connections(page)).to_contain_text("carol@example.org")
    assert OAuthConnection.objects.get().user == carol


# The admin.


def test_staff_sign_in_to_the_admin_with_a_provider(page: Page, served: ServedSite) -> None:
    staff = SiteUser.objects.create_superuser("root")
    served.connect(staff, "alice")
    page.goto(f"{served.site}/admin/auth/user/")
    continue_to_provider(page)
    choose(page)

    expect(page.get_by_role("heading", name="Select user to change")).to_be_visible()
    assert path_of(page) == "/admin/auth/user/"


def test_somebody_else_stays_out_of_the_admin_and_is_told(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/admin/")
    continue_to_provider(page)
    choose(page)

    expect(page.get_by_text("not authorized to access this page")).to_be_visible()
    assert path_of(page) == "/admin/login/"
    page.goto(served.site)
    expect_signed_in(page)
