"""The pictures of the documentation, taken from the pages as they are: `make pictures` writes them into docs/images."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User as SiteUser
from playwright.sync_api import Page, expect

from oidc_login.models import SignedInSession
from tests.browser.conftest import NewPerson
from tests.browser.served_site import PASSWORD, ServedSite, choose, continue_to_provider, log_in
from tests.docs.pages import MAX_IMAGE_BYTES

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.heavy, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
WRITE = "OIDC_LOGIN_PICTURES"
GOOGLE = {"discovery_url": "https://accounts.google.com/.well-known/openid-configuration", "client_id": "client"}
MICROSOFT = {
    "class": "oidc_login.providers.MicrosoftProvider",
    "tenant": "11111111-2222-4333-8444-555555555555",
    "client_id": "client",
}
GITHUB = {"class": "oidc_login.providers.GitHubProvider", "client_id": "client"}


@pytest.fixture(autouse=True)
def in_utc(settings: Settings) -> None:
    settings.TIME_ZONE = "UTC"


@pytest.fixture
def person(new_person: NewPerson) -> Page:
    return new_person(viewport={"width": 480, "height": 700}, device_scale_factor=1).new_page()


def picture(page: Page, name: str, tmp_path: Path, *, of: str = "main") -> None:
    """Take a picture of a part of the page; it has to be one that the documentation shows."""
    assert (IMAGES / f"{name}.png").exists() or os.environ.get(WRITE)
    path = (IMAGES if os.environ.get(WRITE) else tmp_path) / f"{name}.png"
    page.locator(of).first.screenshot(path=path)
    assert path.stat().st_size <= MAX_IMAGE_BYTES


def add_providers(settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "oidc_login.contrib.icons"]
    settings.TEMPLATES = [{**settings.TEMPLATES[0]}]
    own = settings.OIDC_LOGIN_PROVIDERS["op"]
    settings.OIDC_LOGIN_PROVIDERS = {
        "google": {**GOOGLE, "label": "Google"},
        "microsoft": {**MICROSOFT, "label": "Microsoft"},
        "github": {**GITHUB, "label": "GitHub"},
        "op": own,
    }


def test_buttons_with_icons(person: Page, served: ServedSite, settings: Settings, tmp_path: Path) -> None:
    add_providers(settings)
    person.goto(f"{served.site}/oauth/")

    expect(person.get_by_role("button", name="Continue with Google")).to_be_visible()
    picture(person, "icons", tmp_path)


def test_connections_and_sessions(person: Page, served: ServedSite, settings: Settings, tmp_path: Path) -> None:
    add_providers(settings)
    settings.LOGIN_REDIRECT_URL = "oidc_login:connections"  # as in the quickstart: nowhere to go back to
    settings.OIDC_LOGIN_PROVIDERS = {key: settings.OIDC_LOGIN_PROVIDERS[key] for key in ("op", "github")}
    person.goto(f"{served.site}/oauth/")
    continue_to_provider(person)
    choose(person)
    expect(person.get_by_role("heading", name="How you sign in")).to_be_visible()
    user = SiteUser.objects.get()
    now = datetime.now(timezone.utc)
    served.connect(user, "2", provider_key="github", issuer="", email="alice@example.org", last_login_at=now)
    SignedInSession.objects.create(
        user=user, provider_key="github", subject="2", browser="Firefox, Android", expires_at=now + timedelta(days=1)
    )
    person.goto(f"{served.site}/oauth/connections/")

    expect(person.get_by_text("Firefox, Android")).to_be_visible()
    picture(person, "connections", tmp_path)


def test_one_more_step(person: Page, served: ServedSite, settings: Settings, tmp_path: Path) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.browser.test_accessibility.distrusts_local_addresses"
    settings.LOGIN_URL = "sign-in"
    SiteUser.objects.create_user("alice", "alice@example.org", PASSWORD)
    person.goto(served.site)
    continue_to_provider(person)
    choose(person)

    expect(person.get_by_role("heading", name="One more step")).to_be_visible()
    picture(person, "confirm-link", tmp_path)


def test_error_under_debug(person: Page, served: ServedSite, settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG = True
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**settings.OIDC_LOGIN_PROVIDERS["op"], "id_token_signing_algs": ["ES256"]}}
    person.goto(served.site)
    continue_to_provider(person)
    choose(person)

    expect(person.get_by_text("Shown because DEBUG is on")).to_be_visible()
    picture(person, "error-debug", tmp_path)


def test_connections_in_the_admin(new_person: NewPerson, served: ServedSite, tmp_path: Path) -> None:
    page = new_person(viewport={"width": 1400, "height": 420}).new_page()
    now = datetime.now(timezone.utc)
    reasons = {"alice": "signed_up", "carol": "verified_email", "dave": "connected"}
    for number, (name, reason) in enumerate(reasons.items()):
        user = SiteUser.objects.create_user(name, f"{name}@example.org")
        served.connect(user, str(number), email=user.email, link_reason=reason, last_login_at=now)
    log_in(page.context, served, SiteUser.objects.create_superuser("admin", password=PASSWORD))
    page.goto(f"{served.site}/admin/oidc_login/oauthconnection/")

    expect(page.locator("#result_list tbody tr")).to_have_count(3)
    picture(page, "admin", tmp_path, of="#result_list")
