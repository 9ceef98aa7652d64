"""Where a page would be redirected, a program gets 401: the same problem document everywhere, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from oidc_login.decorators import reauthentication_required, scopes_required
from oidc_login.testing import Answer
from tests.headless.frontend import API, ORIGIN, FrontEnd, problem
from tests.sessions.conftest import OVERDUE, grow_old, remove_connections_beside_django
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

PROGRAMS = {
    "XHR": {"X-Requested-With": "XMLHttpRequest"},
    "fetch": {"Sec-Fetch-Dest": "empty"},
    "JSON": {"Accept": "application/json"},
}
FETCH = PROGRAMS["fetch"]


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the page")


urlpatterns = [
    path("", page, name="home"),
    path("oauth/", include("oidc_login.urls")),
    path("api/auth/", include("oidc_login.contrib.headless.urls")),
    path("private/", page),
    path("recent/", reauthentication_required(max_age=60, acr_values=["gold"])(page)),
    path("calendar/", scopes_required("op", "phone")(page)),
]


@pytest.fixture(autouse=True)
def views(site: Settings) -> None:
    site.ROOT_URLCONF = __name__


def read(browser: Browser, url: str, **headers: str) -> Any:
    return browser.get(url, headers=headers or FETCH)


# Nobody is signed in.

PROTECTED = ["/recent/", "/calendar/", "/oauth/connections/", "/private/"]


@pytest.fixture
def login_required(site: Settings) -> None:
    site.MIDDLEWARE = [*site.MIDDLEWARE, "oidc_login.middleware.LoginRequiredMiddleware"]


@pytest.mark.parametrize("headers", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("url", PROTECTED)
def test_program_of_a_visitor(browser: Browser, login_required: None, url: str, headers: dict[str, str]) -> None:
    response = read(browser, url, **headers)
    assert problem(response) == (401, "not_signed_in")
    assert response.json()["login_url"] == "/oauth/"
    assert response["WWW-Authenticate"] == "Session"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", PROTECTED)
def test_page_of_a_visitor_is_redirected(browser: Browser, login_required: None, url: str) -> None:
    response = browser.get(url, headers={"Sec-Fetch-Dest": "document", "Accept": "text/html"})
    assert (response.status_code, response["Location"]) == (302, f"/oauth/?next={url}")


@pytest.mark.parametrize("url", ["op/connect/", "op/disconnect/", "connections/sessions/end-others/"])
@pytest.mark.parametrize("middleware", [True, False])
def test_program_that_posts_for_a_visitor(browser: Browser, site: Settings, url: str, middleware: bool) -> None:
    if middleware:
        site.MIDDLEWARE = [*site.MIDDLEWARE, "oidc_login.middleware.LoginRequiredMiddleware"]
    response = browser.post(f"/oauth/{url}", headers=FETCH)
    assert problem(response) == (401, "not_signed_in")


# The sign-in is too old or too weak.


def test_program_learns_what_a_step_up_takes(frontend: FrontEnd, op: RecordingOpenIDProvider, witness: Witness) -> None:
    frontend.sign_in(op)
    response = read(frontend.browser, "/recent/")
    assert problem(response) == (401, "reauthentication_required")
    document = response.json()
    assert (document["provider"], document["max_age"], document["acr_values"]) == ("op", 60, "gold")
    assert not frontend.browser.flow_cookies, "no flow begins that nobody follows"
    assert not witness.errors, "it is no failed sign-in"

    begun = frontend.post("op/reauthenticate/", {"max_age": 60, "acr_values": "gold", "next": f"{ORIGIN}/"})
    assert frontend.end(op, begun)["Location"] == f"{ORIGIN}/"
    assert read(frontend.browser, "/recent/").content == b"the page"


def test_program_of_somebody_who_cannot_step_up(browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("local"))
    assert problem(read(browser, "/recent/")) == (403, "refused_by_site")


def test_program_that_changes_the_ways_in(frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings) -> None:
    frontend.sign_in(op)
    site.OIDC_LOGIN_REAUTHENTICATION_AGE = 0
    response = frontend.browser.post("/oauth/op/connect/", headers=FETCH)
    assert problem(response) == (401, "reauthentication_required")


# Scopes.


def test_program_learns_which_scopes_are_missing(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    response = read(frontend.browser, "/calendar/")
    assert problem(response) == (401, "scopes_required")
    scopes = response.json()["scopes"]
    begun = frontend.post("op/connect/", {"scopes": scopes, "next": f"{ORIGIN}/"})
    assert "phone" in begun.json()["authorization_url"]
    frontend.end(op, begun)
    assert read(frontend.browser, "/calendar/").content == b"the page"


def test_program_of_somebody_who_declined(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    frontend.sign_in(op)
    scopes = read(frontend.browser, "/calendar/").json()["scopes"]
    op.bend("token", lambda good: Answer.of_json({**good.json, "scope": "openid email profile"}))
    frontend.end(op, frontend.post("op/connect/", {"scopes": scopes, "next": f"{ORIGIN}/"}))
    assert problem(read(frontend.browser, "/calendar/")) == (403, "scope_not_granted")


@pytest.mark.parametrize("scopes", ["calendar", "x" * 80, "another person's"])
def test_front_end_cannot_choose_scopes(frontend: FrontEnd, op: RecordingOpenIDProvider, scopes: str) -> None:
    if scopes == "another person's":
        other = FrontEnd()
        other.sign_in(op, "bob")
        scopes = read(other.browser, "/calendar/").json()["scopes"]
    frontend.sign_in(op)
    assert problem(frontend.post("op/connect/", {"scopes": scopes})) == (400, "parameter_invalid")


# A link waits for its person.


def test_program_learns_which_link_waits(frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings) -> None:
    assert problem(read(frontend.browser, "/oauth/confirm-link/")) == (401, "not_signed_in")
    user = get_user_model().objects.create_user("local", email=ALICE.email, password="secret")
    site.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.headless.test_programs.never"
    assert frontend.sign_in(op, next=f"{ORIGIN}/")["Location"] == f"{ORIGIN}/?error=confirm_link"

    response = read(frontend.browser, "/oauth/confirm-link/")
    assert problem(response) == (401, "confirm_link")
    assert (response.json()["provider"], response.json()["email"]) == ("op", ALICE.email)
    session = frontend.get("session/")
    assert session.json()["confirm_link"] == {"provider": "op", "email": ALICE.email}

    frontend.browser.log_in(user)
    assert frontend.get("connections/").json()["connections"][0]["link_reason"] == "confirmed"


def never(user: Any) -> bool:
    return False


# The session has to be confirmed in the browser.


@pytest.fixture
def confirming(site: Settings) -> None:
    site.MIDDLEWARE = [*site.MIDDLEWARE, "oidc_login.middleware.SessionRefresh"]


@pytest.fixture
def overdue(frontend: FrontEnd, op: RecordingOpenIDProvider, confirming: None) -> FrontEnd:
    """A front end whose session no refresh token confirms."""
    frontend.sign_in(op)
    grow_old(frontend.browser, OVERDUE)
    return frontend


def test_program_with_an_unconfirmed_session(overdue: FrontEnd) -> None:
    response = read(overdue.browser, "/private/")
    assert problem(response) == (401, "session_unconfirmed")
    assert (response.json()["provider"], response.json()["login_url"]) == ("op", "/oauth/op/login/")
    assert problem(overdue.browser.get(f"{API}connections/", headers=FETCH)) == (401, "session_unconfirmed")


def test_front_end_with_an_unconfirmed_session_signs_in_again(overdue: FrontEnd, op: RecordingOpenIDProvider) -> None:
    response = overdue.get("session/")
    assert problem(response) == (401, "session_unconfirmed")
    assert response.json()["providers"]
    assert response.json()["csrf_token"]
    assert overdue.sign_in(op, next=f"{ORIGIN}/")["Location"] == f"{ORIGIN}/"
    assert overdue.get("session/").status_code == 200
    assert read(overdue.browser, "/private/").content == b"the page"


def test_front_end_whose_session_ended(overdue: FrontEnd) -> None:
    remove_connections_beside_django()
    assert problem(overdue.get("session/")) == (401, "not_signed_in")
    assert overdue.browser.user is None


def test_session_is_not_confirmed_without_the_middleware(
    frontend: FrontEnd, op: RecordingOpenIDProvider, site: Settings
) -> None:
    frontend.sign_in(op)
    grow_old(frontend.browser, OVERDUE)
    assert frontend.get("session/").status_code == 200
