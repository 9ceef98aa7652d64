"""A site and its provider, and what people do there."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings as site_settings
from django.contrib.auth.models import User as SiteUser
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider, User, serve

if TYPE_CHECKING:
    from pytest_django import Settings

PEOPLE = [
    User("alice", name="Alice Ash", email="alice@example.org", email_verified=True),
    User("bob", name="Bob Birch", email="bob@example.org", email_verified=True),
    User("carol", name="Carol Cedar", email="carol@example.org"),
]
PASSWORD = "for the tests alone"
TEMPLATES = Path(__file__).resolve().parent / "templates"
LOCALE = "django.middleware.locale.LocaleMiddleware"


@dataclass
class ServedSite:
    """A site on 127.0.0.1 and its provider on localhost, which are two sites to a browser."""

    site: str
    provider: OpenIDProvider

    def connect(self, user: SiteUser, subject: str, **values: Any) -> OAuthConnection:
        """Make a connection of the site's user as if they had signed in with it."""
        identity = {"provider_key": "op", "issuer": self.provider.issuer, "provider_user_id": subject}
        connection = OAuthConnection(**{**identity, "user": user, "link_reason": "connected", **values})
        connection.save()
        return connection


Run = Callable[..., AbstractContextManager[ServedSite]]


@contextmanager
def serve_site(settings: Settings, *, tls: ssl.SSLContext | None = None, **arguments: Any) -> Iterator[ServedSite]:
    """Serve a site in the language of its visitors, and a provider that has `arguments` in the site's settings."""
    provider = OpenIDProvider(users=PEOPLE)
    with serve(provider, tls=tls) as issuer:
        entry = {"issuer": issuer, "client_id": "client", "client_secret": "secret", "label": "Example ID"}
        settings.OIDC_LOGIN_PROVIDERS = {"op": {**entry, **arguments}}
        settings.ROOT_URLCONF = "tests.browser.urls"
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOCALE]
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [TEMPLATES]}]
        with serve(WSGIHandler(), host="127.0.0.1", tls=tls) as site:
            yield ServedSite(site, provider)


# What people do.


def continue_to_provider(page: Page) -> None:
    page.get_by_role("button", name="Continue with Example ID").click()
    page.wait_for_url("http*://localhost:*/**")


def choose(page: Page, name: str = "Alice Ash") -> None:
    page.get_by_role("button", name=f"Continue as {name}").click()


def expect_signed_in(page: Page, email: str = "alice@example.org") -> None:
    expect(page.get_by_text(f"Signed in as {email}")).to_be_visible()


def sign_in(page: Page, served: ServedSite, name: str = "Alice Ash", **expected: str) -> None:
    page.goto(served.site)
    continue_to_provider(page)
    choose(page, name)
    expect_signed_in(page, **expected)


def sign_in_by_password(page: Page, username: str = "alice") -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def log_in(context: BrowserContext, served: ServedSite, user: SiteUser) -> None:
    """Give the browser a session of the user."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    name = site_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": served.site}])


def path_of(page: Page) -> str:
    return urlsplit(page.url).path
