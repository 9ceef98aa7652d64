"""Callback addresses of other packages: the provider keeps being sent what is registered there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.core.checks import run_checks
from django.template import engines
from django.urls import clear_url_caches, reverse

from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ADDRESSES = [
    ("allauth", "/accounts/op/login/callback/"),
    ("allauth:oidc/my-company", "/accounts/oidc/my-company/login/callback/"),
    ("social_auth", "/social/complete/op/"),
    ("social_auth:google-oauth2", "/social/complete/google-oauth2/"),
    ("adfs", "/oauth2/callback"),
    ("pyoidc", "/pyoidc/op-callback"),
    ("pyoidc:keycloak", "/pyoidc/keycloak-callback"),
    ("oauth_login", "/oauthlogin/op/callback/"),
]


@pytest.fixture
def keep(op: OpenIDProvider, settings: Settings) -> Iterator[Any]:
    """Let the entry "op" keep an old address. The URLs are made again, as when a site starts."""

    def kept(callback: str, **others: Any) -> None:
        entry = settings.OIDC_LOGIN_PROVIDERS["op"]
        settings.OIDC_LOGIN_PROVIDERS = {"op": {**entry, "callback": callback}, **others}
        forget_urls()
        settings.ROOT_URLCONF = "tests.moving.urls"

    yield kept
    forget_urls()


def forget_urls() -> None:
    for name in [name for name in sys.modules if name.startswith("oidc_login.compat.")]:
        if not name.endswith((".views", ".patterns")):
            del sys.modules[name]
    sys.modules.pop("tests.moving.urls", None)
    clear_url_caches()


@pytest.mark.parametrize(("callback", "path"), ADDRESSES, ids=[callback for callback, _ in ADDRESSES])
def test_old_address_is_sent_in_both_requests(keep: Any, op: Any, browser: Browser, callback: str, path: str) -> None:
    keep(callback)

    response = browser.sign_in(op)

    assert (response.status_code, browser.user is not None) == (302, True)
    assert urlsplit(browser.begun[-1]["redirect_uri"]).path == path
    assert reverse("oidc_login:callback", args=["op"]) != path


@pytest.mark.parametrize(
    ("callback", "name", "args"),
    [
        ("allauth", "op_login", []),
        ("allauth:oidc/my-company", "openid_connect_login", ["my-company"]),
        ("social_auth:google-oauth2", "social:begin", ["google-oauth2"]),
        ("adfs", "django_auth_adfs:login", []),
        ("pyoidc:keycloak", "keycloak-login", []),
        ("oauth_login", "oauthlogin:login", ["op"]),
    ],
)
def test_old_name_of_the_login_shows_the_button(
    keep: Any, browser: Browser, callback: str, name: str, args: list[str]
) -> None:
    keep(callback)

    response = browser.get(reverse(name, args=args))

    assert response.status_code == 200
    assert f'action="{reverse("oidc_login:login", args=["op"])}"' in response.content.decode()


def test_address_of_nobody_is_unknown(keep: Any, browser: Browser) -> None:
    keep("allauth")

    assert browser.get("/accounts/github/login/callback/", {"state": "s", "code": "c"}).status_code == 404
    assert browser.get("/social/complete/op/", {"state": "s", "code": "c"}).status_code == 404


def test_answer_of_another_provider_is_refused_there(keep: Any, op: Any, browser: Browser, settings: Settings) -> None:
    """A flow ends only at its own provider, whatever address the answer comes to (RFC 9700 4.4)."""
    keep("allauth", other={**settings.OIDC_LOGIN_PROVIDERS["op"], "callback": "social_auth"})
    answer = browser.authorize(op, browser.begin("op"))

    response = browser.get(f"/social/complete/other/?{urlsplit(answer.url).query}")

    assert (response.status_code, browser.user) == (400, None)


def messages() -> list[str]:
    return [str(message.id) for message in run_checks() if str(message.id).startswith("oidc_login.E21")]


def test_check_names_the_missing_include(keep: Any, settings: Settings) -> None:
    keep("allauth")
    settings.ROOT_URLCONF = "tests.settings.urls"

    assert messages() == ["oidc_login.E211"]


def test_check_knows_the_packages(keep: Any) -> None:
    keep("all-auth")

    assert messages() == ["oidc_login.E210"]


def test_check_finds_a_shared_address(keep: Any, settings: Settings) -> None:
    entry = {**settings.OIDC_LOGIN_PROVIDERS["op"], "client_id": "another", "callback": "adfs"}
    keep("adfs", other=entry)

    assert messages() == ["oidc_login.E212"]


def test_check_accepts_an_old_address(keep: Any) -> None:
    keep("allauth:oidc/company")

    assert messages() == []


def test_template_tag_of_allauth(keep: Any, settings: Settings) -> None:
    keep("allauth")
    (templates,) = settings.TEMPLATES
    libraries = {"socialaccount": "oidc_login.compat.socialaccount_tags"}
    settings.TEMPLATES = [{**templates, "OPTIONS": {**templates["OPTIONS"], "libraries": libraries}}]
    page = engines["django"].from_string('{% load socialaccount %}{% provider_login_url "op" next="/a b/" %}')

    assert page.render() == "/oauth/op/login/?next=%2Fa+b%2F"


def customer_entries() -> dict[str, dict[str, Any]]:
    return {"a-customer": {"issuer": "https://op.example", "client_id": "c", "callback": "adfs"}}


def test_loader_takes_no_address_away(keep: Any, op: Any, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.customer_entries"
    keep("adfs")

    assert browser.sign_in(op).status_code == 302
    assert browser.user is not None
