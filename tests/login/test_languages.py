"""A site in several languages: one redirect URI, and logouts that a server posts without a language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import translation

from oidc_login.testing import OpenIDProvider
from tests.logout.notices import notify
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


urlpatterns = [path("oauth/", include("oidc_login.urls")), *i18n_patterns(path("", home, name="home"))]


@pytest.fixture(autouse=True)
def locale(settings: Settings) -> Iterator[None]:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    with translation.override("en"):  # what the middleware activates is for this test alone
        yield


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_language_has_the_same_redirect_uri(op: OpenIDProvider, browser: Browser, language: str) -> None:
    begun = browser.post("/oauth/op/login/", headers={"accept-language": language})
    assert parse_qs(urlsplit(begun["Location"]).query)["redirect_uri"] == ["http://testserver/oauth/op/callback/"]

    ended = browser.end(browser.authorize(op, begun), headers={"accept-language": language})

    assert ended["Location"] == f"/{language}/"
    assert browser.user.username == "alice"


def test_logout_that_a_server_posts_is_not_redirected(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    assert notify(op.logout_token(user="alice")).status_code == 200
    assert browser.user is None
