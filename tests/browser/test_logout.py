"""People sign out in one browser, and another one sees it; the provider speaks to the site, or by frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from oidc_login.models import SignedInSession
from oidc_login.testing import Answer, serve
from oidc_login.testing.application import Endpoint, ProviderApplication
from tests.browser.conftest import NewPerson, Shoot
from tests.browser.served_site import ServedSite, choose, continue_to_provider, expect_signed_in, path_of, sign_in

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ENGINES = ["db", "signed_cookies"]


@pytest.fixture(autouse=True)
def with_middleware(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oidc_login.middleware.SessionLogout"]
    settings.LOGOUT_REDIRECT_URL = "/basket/"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Before `served`, whose site reads the settings as it starts."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"


def expect_nobody(page: Page, served: ServedSite) -> None:
    page.goto(served.site)
    expect(page.get_by_text("Nobody is signed in.")).to_be_visible()


def sign_out(page: Page, served: ServedSite) -> None:
    page.goto(f"{served.site}/oauth/logout/")
    page.get_by_role("button", name="Sign out").click()


def test_signs_out_here_and_at_the_provider(page: Page, served: ServedSite, shoot: Shoot) -> None:
    sign_in(page, served)
    page.goto(f"{served.site}/oauth/logout/?next=/basket/%3Fa%3D1")
    shoot(page, "sign-out")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("Nobody is signed in.")).to_be_visible()
    assert page.url == f"{served.site}/basket/?a=1"
    assert not served.provider.sessions
    assert [cookie for cookie in page.context.cookies() if "logout" in cookie["name"]] == []
    continue_to_provider(page)
    expect(page.get_by_role("button", name="Continue as Alice Ash")).to_be_visible()


@pytest.mark.usefixtures("engine")
def test_two_browsers_see_the_logout_of_one_another(new_person: NewPerson, served: ServedSite) -> None:
    """The provider tells the site by its back channel that the person has signed out everywhere."""
    served.provider.backchannel_logout_uri = f"{served.site}/oauth/op/backchannel-logout/"
    served.provider.logout_everywhere = True
    laptop, phone, bobs = (new_person().new_page() for _ in range(3))
    sign_in(bobs, served, "Bob Birch", email="bob@example.org")
    for leaving, staying in ((laptop, phone), (phone, laptop)):
        sign_in(laptop, served)
        sign_in(phone, served)

        sign_out(leaving, served)

        expect(leaving.get_by_text("Nobody is signed in.")).to_be_visible()
        staying.reload()
        expect(staying.get_by_text("Nobody is signed in.")).to_be_visible()
        bobs.reload()
        expect_signed_in(bobs, "bob@example.org")


@pytest.mark.usefixtures("engine")
def test_signing_out_at_the_provider_alone_ends_the_session_here(page: Page, served: ServedSite) -> None:
    served.provider.backchannel_logout_uri = f"{served.site}/oauth/op/backchannel-logout/"
    sign_in(page, served)

    page.goto(served.provider.url("/end_session"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()

    expect_nobody(page, served)


@pytest.mark.usefixtures("engine")
def test_frame_of_the_provider_ends_the_session_without_its_cookie(page: Page, served: ServedSite) -> None:
    """To the browser the site is a third party there: what it sends is the address alone."""
    served.provider.frontchannel_logout_uri = f"{served.site}/oauth/op/frontchannel-logout/"
    sign_in(page, served)
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request) if "/frontchannel-logout/" in request.url else None)
    complaints = complaints_of(page)

    page.goto(served.provider.url("/end_session"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()

    (request,) = sent
    assert request.response().status == 200
    assert "cookie" not in request.all_headers()
    assert complaints == []
    expect_nobody(page, served)


def test_page_of_somebody_else_cannot_frame_it(page: Page, served: ServedSite) -> None:
    complaints = complaints_of(page)
    with framing_page(f"{served.site}/oauth/op/frontchannel-logout/?iss={served.provider.issuer}&sid=guessed") as url:
        page.goto(url)
        expect(page.get_by_role("heading", name="Evil")).to_be_visible()

    assert [text for text in complaints if "frame-ancestors" in text]


def complaints_of(page: Page) -> list[str]:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    return complaints


class FramingSite(ProviderApplication):
    """A page that loads another one in a frame."""

    def __init__(self, framed: str) -> None:
        super().__init__()
        self.framed = framed

    def endpoints(self) -> dict[str, Endpoint]:
        html = f'<title>Evil</title><h1>Evil</h1><iframe src="{self.framed}"></iframe>'
        return {"/": Endpoint("page", lambda request: Answer.of_page(html), back_channel=False)}


@contextmanager
def framing_page(framed: str) -> Iterator[str]:
    with serve(FramingSite(framed), host="127.0.0.1") as url:
        yield url


# Where a person is signed in.


@pytest.mark.usefixtures("engine")
def test_person_ends_a_session_of_theirs_elsewhere(new_person: NewPerson, served: ServedSite, shoot: Shoot) -> None:
    laptop, phone, tablet = (new_person().new_page() for _ in range(3))
    for page in (laptop, phone, tablet):
        sign_in(page, served)
    laptop.goto(f"{served.site}/oauth/connections/")
    listed = laptop.locator(".oidc-login-sessions > li")
    expect(listed).to_have_count(3)
    expect(listed.first).to_contain_text("(this browser)")
    shoot(laptop, "sessions")

    listed.nth(1).get_by_role("button").click()

    expect(laptop.get_by_role("status")).to_contain_text("You signed out on that device.")
    expect(listed).to_have_count(2)
    assert path_of(laptop) == "/oauth/connections/"
    tablet.reload()
    expect(tablet.get_by_text("Nobody is signed in.")).to_be_visible()

    laptop.get_by_role("button", name="Sign out everywhere else").click()

    expect(laptop.get_by_role("status")).to_contain_text("You signed out on 1 other device.")
    expect(listed).to_have_count(1)
    expect(laptop.get_by_role("button", name="Sign out everywhere else")).to_have_count(0)
    expect_nobody(phone, served)
    laptop.goto(served.site)
    expect_signed_in(laptop)
    assert SignedInSession.objects.count() == 1


def test_signs_in_again_after_being_signed_out_from_elsewhere(page: Page, served: ServedSite) -> None:
    sign_in(page, served)
    SignedInSession.objects.all().delete()
    expect_nobody(page, served)

    continue_to_provider(page)
    choose(page)

    expect_signed_in(page)
