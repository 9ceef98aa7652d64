"""The CSRF check of the package's own forms: what it refuses, and the way on for somebody who signed in elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse

from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.markup import Markup

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

FORMS = {
    "oidc_login:login": "/basket/?size=xl",
    "oidc_login:connect": "/basket/?size=xl",
    "oidc_login:disconnect": "/basket/?size=xl",
    "oidc_login:end_session": "/basket/?size=xl",
    "oidc_login:end_other_sessions": "/basket/?size=xl",
    "oidc_login:logout": "/oauth/logout/",
}
WITHOUT_PROVIDER = ("oidc_login:end_session", "oidc_login:end_other_sessions", "oidc_login:logout")
every_form = pytest.mark.parametrize(("name", "way_on"), FORMS.items(), ids=FORMS)


def form(browser: Browser, name: str, *, next: str = "/basket/?size=xl") -> tuple[str, dict[str, Any]]:
    """A form of a page that is open in a tab: where it posts to, and what."""
    url = reverse(name, args=[] if name in WITHOUT_PROVIDER else ["op"])
    return url, {"csrfmiddlewaretoken": browser.csrf_token(), "next": next}


@every_form
def test_button_of_a_tab_from_before_the_sign_in(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, name: str, way_on: str
) -> None:
    url, fields = form(browser, name)
    browser.sign_in(op)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.request("POST", url, fields)

    page = Markup(failure.response.content.decode())
    assert failure.response.status_code == 403
    assert page.links == {"Continue": way_on}
    assert page.balanced and page.forms == []
    assert "no-store" in failure.response["Cache-Control"]
    assert browser.flow_cookies == {}


@pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_way_on_stays_on_this_host(op: OpenIDProvider, browser: Browser, next: str) -> None:
    url, fields = form(browser, "oidc_login:login", next=next)
    browser.sign_in(op)

    refused = browser.request("POST", url, fields)

    assert Markup(refused.content.decode()).links == {"Continue": "/"}


VISITORS = {**FORMS, "oidc_login:login": "/oauth/op/login/?next=%2Fbasket%2F%3Fsize%3Dxl"}


@pytest.mark.parametrize(("name", "way_on"), VISITORS.items(), ids=VISITORS)
def test_visitor_whose_page_is_out_of_date_reads_so_and_goes_on(
    op: OpenIDProvider, browser: Browser, name: str, way_on: str
) -> None:
    url, fields = form(browser, name)

    refused = browser.request("POST", url, {**fields, "csrfmiddlewaretoken": "x" * 64})

    page = Markup(refused.content.decode())
    assert refused.status_code == 403
    assert "This page was open for too long" in page.texts["p"]
    assert page.links == {"Continue": way_on}
    assert page.forms == []


def site_page(request: HttpRequest, reason: str) -> Any:
    from django.http import HttpResponseForbidden

    return HttpResponseForbidden("the site's own page")


def test_failure_view_of_the_site(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.CSRF_FAILURE_VIEW = f"{__name__}.site_page"

    assert browser.request("POST", "/oauth/op/login/", {}).content == b"the site's own page"


@every_form
def test_page_of_another_origin_is_not_led_on(op: OpenIDProvider, browser: Browser, name: str, way_on: str) -> None:
    browser.sign_in(op)
    url, fields = form(browser, name)

    refused = browser.request("POST", url, fields, headers={"origin": "https://evil.example"})

    assert refused.status_code == 403
    assert "CSRF verification failed" in refused.content.decode()
    assert browser.user.username == "alice"


@every_form
@pytest.mark.parametrize("without", [True, False], ids=["no token", "a wrong one"])
@pytest.mark.parametrize("middleware", [True, False], ids=["with middleware", "without"])
def test_form_without_the_right_token_does_nothing(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    name: str,
    way_on: str,
    without: bool,
    middleware: bool,
) -> None:
    if not middleware:
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "csrf" not in path]
    browser.sign_in(op)
    url, fields = form(browser, name)
    fields.pop("csrfmiddlewaretoken") if without else fields.update(csrfmiddlewaretoken="x" * 64)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.request("POST", url, fields)

    assert failure.response.status_code == 403


class TrustingOneMoreOrigin(CsrfViewMiddleware):
    """A site's own middleware, for hosts that stand in no setting."""

    def _origin_verified(self, request: HttpRequest) -> bool:
        trusted: bool = super()._origin_verified(request)  # type: ignore[misc]  # Django's stubs lack it
        return trusted or request.META["HTTP_ORIGIN"] == "https://tenant.example"


@pytest.mark.parametrize(("origin", "status"), [("https://tenant.example", 302), ("https://evil.example", 403)])
def test_check_of_the_site_is_the_one_that_counts(
    op: OpenIDProvider, browser: Browser, settings: Settings, origin: str, status: int
) -> None:
    own = f"{__name__}.TrustingOneMoreOrigin"
    settings.MIDDLEWARE = [own if "csrf" in path else path for path in settings.MIDDLEWARE]

    assert browser.post("/oauth/op/login/", headers={"origin": origin}).status_code == status


def test_session_keeps_the_token_where_the_site_says_so(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.CSRF_USE_SESSIONS = True
    page = Markup(browser.get("/oauth/").content.decode())

    begun = browser.request("POST", page.forms[0].action, dict(page.forms[0].fields))

    browser.end(browser.authorize(op, begun))
    stale = browser.request("POST", page.forms[0].action, dict(page.forms[0].fields))
    assert Markup(stale.content.decode()).links == {"Continue": "/"}
