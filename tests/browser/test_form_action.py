"""`form-action` in Chromium, which applies it to the redirect after a POST as well (CSP Level 3, 6.4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from playwright.sync_api import Page, expect

from oidc_login.decorators import reauthentication_required, scopes_required
from tests.browser.served_site import (
    PASSWORD,
    Run,
    ServedSite,
    choose,
    continue_to_provider,
    expect_signed_in,
    log_in,
    sign_in,
    sign_in_by_password,
)
from tests.browser.urls import shop
from tests.browser.urls import urlpatterns as site

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

POLICY = "form-action 'self'"
AT_PROVIDER = "http://localhost:*/**"

urlpatterns = [
    *site,
    path("step-up/", reauthentication_required(max_age=300)(shop)),
    path("scopes/", scopes_required("op", "phone")(shop)),
]


class Policy:
    """Sends the policy with every page of the site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response


@pytest.fixture
def policed(run: Run, settings: Settings) -> Iterator[ServedSite]:
    settings.MIDDLEWARE = [f"{__name__}.Policy", *settings.MIDDLEWARE]
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    settings.LOGIN_URL = "sign-in"
    with run() as served:
        settings.ROOT_URLCONF = __name__
        yield served


def test_redirect_alone_is_stopped(page: Page, policed: ServedSite, settings: Settings) -> None:
    """Without the page the button does nothing, and nobody is told why: this is what it is for."""
    settings.OIDC_LOGIN_REDIRECT_BY_PAGE = False
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(policed.site)

    page.get_by_role("button", name="Continue with Example ID").click()

    page.wait_for_timeout(2000)
    assert page.url == f"{policed.site}/"
    assert "form-action" in " ".join(complaints)


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_sign_in(new_person: Callable[..., object], policed: ServedSite, java_script_enabled: bool) -> None:
    page = new_person(java_script_enabled=java_script_enabled).new_page()  # type: ignore[attr-defined]

    sign_in(page, policed)


def test_sign_out_at_the_provider(page: Page, policed: ServedSite) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, policed)
    page.goto(f"{policed.site}/oauth/logout/")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("Nobody is signed in.")).to_be_visible()
    assert any(url.startswith(policed.provider.metadata()["end_session_endpoint"]) for url in asked)


def test_connect(page: Page, policed: ServedSite) -> None:
    log_in(page.context, policed, get_user_model().objects.create_user("alice", email="alice@example.org"))
    page.goto(policed.site)

    page.get_by_role("button", name="Connect op").click()
    choose(page)

    page.goto(policed.site)
    expect(page.get_by_text("Signed in as alice@example.org, 1 connected.")).to_be_visible()


@pytest.mark.parametrize("way", ["step-up", "scopes"])
def test_page_that_the_password_form_leads_to(page: Page, policed: ServedSite, way: str) -> None:
    """The redirect to the provider follows another one of our site's, and belongs to its form."""
    user = get_user_model().objects.create_user("alice", email="alice@example.org", password=PASSWORD)
    policed.connect(user, "alice", scope="openid")
    page.goto(f"{policed.site}/sign-in/?next=/{way}/")

    sign_in_by_password(page)
    page.wait_for_url(AT_PROVIDER)
    choose(page)

    expect_signed_in(page)
    assert page.url == f"{policed.site}/{way}/"


def test_page_in_between_leaves_no_trace_in_the_history(page: Page, policed: ServedSite) -> None:
    page.goto(policed.site)
    continue_to_provider(page)

    page.go_back()

    expect(page.get_by_role("button", name="Continue with Example ID")).to_be_visible()
