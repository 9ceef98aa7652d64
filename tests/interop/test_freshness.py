"""Sessions that real providers confirm, by refresh token and by `prompt=none`, and sessions that they do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from oidc_login.models import OAuthConnection
from oidc_login.session_state import KEYS
from tests.interop import providers
from tests.interop.browser import Browser, Page
from tests.interop.conftest import install_from_npm
from tests.interop.providers import CLIENT_SECRET, RealProvider, client_id
from tests.interop.variants import BY_NAME
from tests.interop.visits import sign_in

pytestmark = pytest.mark.interop

OFFLINE = BY_NAME["offline access"]


@pytest.fixture(scope="module")
def fresh_url(django_db_setup: None) -> Iterator[str]:
    """A site with the middleware."""
    middleware = [*site_settings.MIDDLEWARE, "oidc_login.middleware.SessionRefresh"]
    with override_settings(MIDDLEWARE=middleware):
        server = LiveServer("127.0.0.1")
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def npm(fresh_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    install_from_npm()
    with providers.oidc_provider_from_npm(fresh_url, tmp_path_factory.mktemp("oidc-provider") / "output") as provider:
        yield provider


@pytest.fixture(scope="module")
def toolkit(fresh_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProvider]:
    with providers.toolkit(fresh_url, tmp_path_factory.mktemp("django-oauth-toolkit") / "output") as provider:
        yield provider


@pytest.fixture
def site(fresh_url: str, transactional_db: None) -> str:
    return fresh_url


def grow_old() -> None:
    """Let the one session be due."""
    session: Any = SessionStore(Session.objects.get().session_key)
    session[KEYS["confirm_at"]] = time.time() - 10
    session.save()


def is_fresh() -> bool:
    return bool(SessionStore(Session.objects.get().session_key)[KEYS["confirm_at"]] > time.time())


def due(browser: Browser, site: str, provider: RealProvider, key: str) -> None:
    assert sign_in(browser, site, provider, "alice", key=key).text == "alice"
    grow_old()
    provider.program.forget_requests()


def hops(page: Page) -> list[str]:
    return [str(hop) for hop in page.hops]


def test_without_a_page(site: str, npm: RealProvider, browser: Browser, settings: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {npm.key: npm.site_settings()}
    due(browser, site, npm, npm.key)

    page = browser.open(f"{site}/?a=1")

    assert hops(page) == ["GET / 302", "GET /auth 303", "GET /oauth/npm/callback/ 302", "GET / 200"]
    assert (page.url, page.text) == (f"{site}/?a=1", "alice")
    assert npm.requests_of_the_site() == ["POST /token 200"]
    assert is_fresh()


def test_session_at_the_provider_is_over(site: str, npm: RealProvider, browser: Browser, settings: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {npm.key: npm.site_settings()}
    due(browser, site, npm, npm.key)
    for cookie in [cookie for cookie in browser.cookies if cookie.domain.startswith("localhost")]:
        browser.cookies.clear(cookie.domain, cookie.path, cookie.name)

    page = browser.open(f"{site}/")

    assert hops(page) == ["GET / 302", "GET /auth 303", "GET /oauth/npm/callback/ 302", "GET /oauth/ 200"]
    assert "could not confirm that you are still signed in" in page.text
    assert browser.open(f"{site}/").text == ""


def test_refresh_token(site: str, npm: RealProvider, browser: Browser, settings: Any) -> None:
    registered = {"client_id": client_id(OFFLINE.key), "client_secret": CLIENT_SECRET}
    settings.OIDC_LOGIN_PROVIDERS = {OFFLINE.key: {"issuer": npm.issuer, **registered, **OFFLINE.configured()}}
    due(browser, site, npm, OFFLINE.key)
    before = OAuthConnection.objects.get()

    page = browser.open(f"{site}/")

    assert (hops(page), page.text) == (["GET / 200"], "alice")
    assert npm.requests_of_the_site() == ["POST /token 200"]
    assert is_fresh()
    assert OAuthConnection.objects.get().access_token != before.access_token


def test_refresh_token_of_the_toolkit(site: str, toolkit: RealProvider, browser: Browser, settings: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {toolkit.key: toolkit.site_settings()}
    due(browser, site, toolkit, toolkit.key)

    page = browser.open(f"{site}/")

    assert (hops(page), page.text) == (["GET / 200"], "alice")
    assert toolkit.requests_of_the_site() == ["POST /o/token/ 200"]
    assert is_fresh()
