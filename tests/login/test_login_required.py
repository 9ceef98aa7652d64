"""`LoginRequiredMiddleware`: whoever signs in has no session yet, and a provider's server never has one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, reverse

import oidc_login
from oidc_login.middleware.requests import EXEMPT_NAMES, EXEMPT_UPSTREAM_NAMES
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PROTECTED = {
    "oidc_login:connections",
    "oidc_login:connect",
    "oidc_login:disconnect",
    "oidc_login:end_session",
    "oidc_login:end_other_sessions",
}
ENTRANCES = {f"oidc_login:{name}" for name in EXEMPT_NAMES} | EXEMPT_UPSTREAM_NAMES
# At the addresses of another package. The other URLs of `compat` and all of `contrib` answer by themselves.
PROTECTED_OLD = {"oauthlogin:connect", "oauthlogin:disconnect"}
MIDDLEWARE = "django.contrib.auth.middleware.LoginRequiredMiddleware"
SIGN_IN = "/oauth/?next=/oauth/connections/"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


urlpatterns = [path("oauth/", include("oidc_login.urls")), path("", page, name="home"), path("private/", page)]


@pytest.fixture(autouse=True)
def login_required(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]


def urlconfs() -> Iterator[str]:
    """Yield every module of URLs that a site can include, also those of `contrib` and for URLs of other packages."""
    for module in pkgutil.walk_packages(oidc_login.__path__, "oidc_login."):
        parts = module.name.split(".")
        may_be = (parts[-1] == "urls" or parts[1] == "compat") and "demo" not in parts
        if may_be and hasattr(importlib.import_module(module.name), "urlpatterns"):
            yield module.name


def views_of(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from views_of(each.url_patterns, each.namespace or namespace)
        elif isinstance(each, URLPattern):
            yield f"{namespace}:{each.name}".removeprefix(":"), each.callback


ALL = [
    pytest.param(urlconf, name, view, id=f"{urlconf}-{name}")
    for urlconf in urlconfs()
    for name, view in views_of(importlib.import_module(urlconf).urlpatterns)
]


@pytest.mark.parametrize(("urlconf", "name", "view"), ALL)
def test_every_view_is_an_entrance_or_protected(urlconf: str, name: str, view: Any) -> None:
    """A URL that is in neither set needs a decision, and a line in docs/deployment.md."""
    if urlconf == "oidc_login.urls":
        assert (name in ENTRANCES) != (name in PROTECTED), f"{name} is in neither set, or in both"
    assert getattr(view, "login_required", True) == (name in PROTECTED | PROTECTED_OLD)


@pytest.mark.parametrize("name", sorted(ENTRANCES))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_entrance_answers_itself(op: OpenIDProvider, browser: Browser, name: str, method: str) -> None:
    arguments = ["op"] if name.rpartition(":")[2] not in WITHOUT_PROVIDER else []
    url = reverse(name, args=arguments)

    response = browser.get(url) if method == "GET" else browser.post(url)

    assert not response.get("Location", "").startswith(f"/oauth/?next={url}"), response["Location"]


WITHOUT_PROVIDER = {"providers", "confirm_link", "logout", "logout_done", *EXEMPT_UPSTREAM_NAMES}


def test_whole_sign_in(op: OpenIDProvider, browser: Browser) -> None:
    assert browser.get("/private/")["Location"] == "/oauth/?next=/private/"

    response = browser.sign_in(op, next="/private/")

    assert response["Location"] == "/private/"
    assert browser.get("/private/").content == b"alice"
    assert browser.get("/oauth/connections/").status_code == 200


@pytest.mark.parametrize("name", sorted(PROTECTED - {"oidc_login:connections"}))
def test_what_takes_a_post_leads_back_to_a_page(op: OpenIDProvider, browser: Browser, name: str) -> None:
    """The middleware would send the browser back by GET to where only a POST is allowed."""
    arguments = ["op"] if name in ("oidc_login:connect", "oidc_login:disconnect") else []

    assert browser.post(reverse(name, args=arguments))["Location"] == SIGN_IN


def test_connections_page_is_protected(op: OpenIDProvider, browser: Browser) -> None:
    assert browser.get("/oauth/connections/")["Location"] == SIGN_IN
    browser.log_in(get_user_model().objects.create_user("somebody"))
    assert browser.get("/oauth/connections/").status_code == 200
    assert browser.begin(view="connect")["Location"].startswith(op.authorization_endpoint)
