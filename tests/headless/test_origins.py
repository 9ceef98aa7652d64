"""Which pages may use the endpoints: CSRF tokens, CORS, and the system checks of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.contrib.headless.checks import check_frontends
from tests.headless.frontend import API, ORIGIN, FrontEnd, problem
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CHANGING = ["op/begin/", "op/connect/", "op/reauthenticate/", "logout/"]


@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize("middleware", [True, False], ids=["with the middleware", "without the middleware"])
def test_what_changes_something_takes_a_csrf_token(
    frontend: FrontEnd, site: Settings, path: str, middleware: bool
) -> None:
    if not middleware:
        site.MIDDLEWARE = [name for name in site.MIDDLEWARE if "csrf" not in name]
    frontend.csrf_token()
    assert problem(frontend.post(path, token="")) == (403, "csrf_failed")
    assert problem(frontend.post(path, token="x" * 32)) == (403, "csrf_failed")


@pytest.mark.parametrize("path", ["connections/1/", "sessions/x/"])
def test_what_removes_something_takes_a_csrf_token(frontend: FrontEnd, path: str) -> None:
    assert problem(frontend.delete(path, token="")) == (403, "csrf_failed")


def test_a_page_of_another_origin_begins_nothing(frontend: FrontEnd) -> None:
    token = frontend.csrf_token()
    other = FrontEnd(origin="https://evil.example")
    other.browser.jar = frontend.browser.jar
    assert problem(other.post("op/begin/", token=token)) == (403, "csrf_failed")


def test_a_configured_origin_reads_the_answers(frontend: FrontEnd) -> None:
    response = frontend.get("session/")
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in response["Vary"]


def test_a_configured_origin_reads_refusals(frontend: FrontEnd) -> None:
    assert frontend.post("op/begin/", token="")["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "*",
        "http://app.example.com",
        "https://app.example.com:444",
        "https://sub.app.example.com",
        "https://app.example.com.evil.example",
        "https://APP.example.com",
        "https://app.example.com/",
    ],
)
def test_another_origin_reads_nothing(frontend: FrontEnd, origin: str) -> None:
    frontend.origin = origin
    response = frontend.get("session/")
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response


def test_null_is_never_an_origin(frontend: FrontEnd, site: Settings) -> None:
    site.OIDC_LOGIN_FRONTEND_ORIGINS = ["null"]
    frontend.origin = "null"
    assert "Access-Control-Allow-Origin" not in frontend.get("session/")


def test_a_preflight_request_is_answered(frontend: FrontEnd, op: RecordingOpenIDProvider) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    response = frontend.browser.request("OPTIONS", API + "op/begin/", headers=headers)
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert "X-CSRFToken" in response["Access-Control-Allow-Headers"]
    assert not op.requests


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("https://evil.example", None), ("null", None)])
def test_front_ends_call_views_of_the_site(
    frontend: FrontEnd, site: Settings, origin: str, allowed: str | None
) -> None:
    """Also those that another middleware refuses."""
    site.MIDDLEWARE = [
        "oidc_login.contrib.headless.middleware.FrontendMiddleware",
        *site.MIDDLEWARE,
        "oidc_login.middleware.LoginRequiredMiddleware",
    ]
    headers = {"Origin": origin, "Sec-Fetch-Dest": "empty"}
    response = frontend.browser.request("GET", "/", headers=headers)
    assert (response.status_code, response.get("Access-Control-Allow-Origin")) == (401, allowed)
    asking = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    preflight = frontend.browser.request("OPTIONS", "/", headers=asking)
    assert preflight.get("Access-Control-Allow-Origin") == allowed
    assert ("PUT" in preflight.get("Access-Control-Allow-Methods", "")) == bool(allowed)


@pytest.mark.parametrize(
    ("origins", "ids"),
    [
        (["https://app.example.com"], []),
        (["http://localhost:5173"], ["oidc_login_headless.W001"]),
        ("https://app.example.com", ["oidc_login_headless.E001"]),
        (["https://app.example.com/"], ["oidc_login_headless.E002"]),
        (["https://*.example.com"], ["oidc_login_headless.E002"]),
        (["http://app.example.com"], ["oidc_login_headless.E002"]),
        (["https://App.example.com"], ["oidc_login_headless.E002"]),
        (["https://app.example.com:443"], ["oidc_login_headless.E002"]),
        (["app.example.com"], ["oidc_login_headless.E002"]),
        (["https://app.example.com/path"], ["oidc_login_headless.E002"]),
        (["null"], ["oidc_login_headless.E002"]),
        ([3], ["oidc_login_headless.E002"]),
        (["https://other.example.com"], ["oidc_login_headless.W001"]),
    ],
)
def test_checks_find_wrong_origins(site: Settings, origins: Any, ids: list[str]) -> None:
    site.OIDC_LOGIN_FRONTEND_ORIGINS = origins
    assert [found.id for found in check_frontends(None)] == ids


def test_checks_find_a_cookie_that_does_not_come_along(site: Settings) -> None:
    site.SESSION_COOKIE_SAMESITE = "Strict"
    assert [found.id for found in check_frontends(None)] == ["oidc_login_headless.W002"]
