"""Every page of the package, judged by axe-core in each width and colour scheme, and looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User as SiteUser
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from oidc_login import exceptions
from oidc_login.models import SignedInSession
from tests.browser.conftest import SIZES, WCAG, Judge, NewPerson
from tests.browser.served_site import PASSWORD, Run, ServedSite, choose, log_in, sign_in

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Donaudampfschifffahrtsgesellschaft Directory"
USED = datetime(2026, 9, 30, 12, tzinfo=timezone.utc)


def providers(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/?next=/basket/")


def cancelled(page: Page, served: ServedSite) -> None:
    providers(page, served)
    page.locator(".oidc-login-button").click()
    page.get_by_role("button", name="Cancel").click()


def one_button(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/op/login/")


def unknown_state(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/op/callback/?state=s&code=c")


def unknown_provider(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/nobody/login/")


def address_taken(page: Page, served: ServedSite) -> None:
    SiteUser.objects.create_user("carol", "carol@example.org", PASSWORD)
    providers(page, served)
    page.locator(".oidc-login-button").click()
    choose(page, "Carol Cedar")


def address_to_confirm(page: Page, served: ServedSite) -> None:
    SiteUser.objects.create_user("alice", "alice@example.org", PASSWORD)
    providers(page, served)
    page.locator(".oidc-login-button").click()
    choose(page)


def nothing_connected(page: Page, served: ServedSite) -> None:
    log_in(page.context, served, SiteUser.objects.create_user("alice", password=PASSWORD))
    page.goto(f"{served.site}/oauth/connections/")


def several_connected(page: Page, served: ServedSite) -> None:
    user = SiteUser.objects.create_user("alice", password=PASSWORD)
    served.connect(user, "1", email="alice@example.org", last_login_at=USED)
    served.connect(user, "2", email="alice.elisabeth.annabelle.ash@engineering.example.org", status="needs_reauth")
    served.connect(user, "3", provider_key="the-one-that-was-removed", email="alice@example.com")
    log_in(page.context, served, user)
    page.goto(f"{served.site}/oauth/connections/")


def last_way_in(page: Page, served: ServedSite) -> None:
    user = SiteUser.objects.create_user("alice")
    served.connect(user, "1", email="alice@example.org", last_login_at=USED)
    log_in(page.context, served, user)
    page.goto(f"{served.site}/oauth/connections/")


def last_way_in_refused(page: Page, served: ServedSite) -> None:
    error = exceptions.LastLoginMethod()
    page.set_content(render_to_string("oidc_login/error.html", {"oauth_error": error}))


def signed_in_elsewhere(page: Page, served: ServedSite) -> None:
    sign_in(page, served)
    for browser in ("Firefox, Linux", "", "Samsung Internet, Android"):
        signed_in(SiteUser.objects.get(), browser=browser)
    page.goto(f"{served.site}/oauth/connections/")
    expect(page.locator(".oidc-login-sessions > li")).to_have_count(4)


def signed_in(user: SiteUser, *, browser: str) -> None:
    """Let the user be signed in by one more browser."""
    expires_at = datetime.now(timezone.utc) + timedelta(days=1)
    SignedInSession.objects.create(user=user, provider_key="op", subject="1", browser=browser, expires_at=expires_at)


def sign_out(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/logout/?next=/basket/")


def moving_on(page: Page, served: ServedSite) -> None:
    text = render_to_string("oidc_login/moving_on.html", {"next_url": "/"})
    page.set_content(text.replace('http-equiv="refresh"', 'name="stays"'))


def admin_login(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/admin/login/?next=/admin/")


PAGES = [
    providers,
    cancelled,
    one_button,
    unknown_state,
    unknown_provider,
    address_taken,
    address_to_confirm,
    nothing_connected,
    several_connected,
    last_way_in,
    last_way_in_refused,
    signed_in_elsewhere,
    sign_out,
    moving_on,
]


def distrusts_local_addresses(user: SiteUser) -> bool:
    """A site's rule for `OIDC_LOGIN_LOCAL_EMAIL_VERIFIED`."""
    return False


@pytest.fixture(autouse=True)
def careful_site(settings: Settings) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"{__name__}.distrusts_local_addresses"
    settings.LOGIN_URL = "sign-in"


@pytest.mark.parametrize("open_page", PAGES, ids=lambda page: page.__name__)
def test_page_keeps_nobody_out(
    page: Page, served: ServedSite, judge: Judge, open_page: Callable[[Page, ServedSite], None]
) -> None:
    open_page(page, served)

    judge(page, "en")


def test_buttons_on_the_admins_login_page_keep_nobody_out(page: Page, served: ServedSite, judge: Judge) -> None:
    admin_login(page, served)

    # What is good practice beyond WCAG is for Django to say here.
    judge(page, "en", rules=WCAG)
    # The admin floats what it shows: nothing of that squeezes the buttons.
    for size in SIZES.values():
        page.set_viewport_size({"width": size[0], "height": size[1]})
        box = page.get_by_role("button", name="Continue with Example ID").bounding_box()
        assert box is not None and box["width"] >= 240


@pytest.mark.parametrize(("language", "heading"), [("de", "Anmelden"), ("fr", "Connexion")])
def test_pages_fit_other_languages_and_long_names(
    new_person: NewPerson, run: Run, judge: Judge, language: str, heading: str
) -> None:
    page = new_person(locale=language).new_page()
    with run(label=LONG) as served:
        providers(page, served)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        judge(page, f"{language}-providers")
        for open_page in (unknown_state, address_taken, several_connected):
            open_page(page, served)
            judge(page, f"{language}-{open_page.__name__}")
