"""The access tokens of a real provider open the site's own API to the person who signed in there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from oidc_login.models import OAuthConnection
from tests.interop.browser import Browser
from tests.interop.providers import OIDCProviderFromNpm
from tests.interop.visits import sign_in

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.interop
API = "https://api.example.org"


@pytest.fixture
def provider(oidc_provider: OIDCProviderFromNpm, site: str, settings: Settings) -> OIDCProviderFromNpm:
    settings.ROOT_URLCONF = "tests.drf.api_urls"
    settings.OIDC_LOGIN_PROVIDERS = {oidc_provider.key: oidc_provider.site_settings()}
    return oidc_provider


def call(path: str, token: str) -> tuple[int, str]:
    response = Client().get(path, headers={"Authorization": f"Bearer {token}"})
    return response.status_code, response.content.decode()


def test_opaque_token_of_this_client(
    provider: OIDCProviderFromNpm, site: str, settings: Settings, browser: Browser
) -> None:
    settings.OIDC_LOGIN_BEARER_PROVIDERS = [provider.key]
    sign_in(browser, site, provider, "alice")

    token = OAuthConnection.objects.get().access_token

    assert call("/whoami/", token) == (200, '{"user":"alice"}')
    assert [call(f"/{name}/", token)[0] for name in ("drf", "ninja", "plain")] == [200, 200, 200]
    assert call("/whoami/", f"{token}x")[0] == 401


def test_jwt_for_the_api(provider: OIDCProviderFromNpm, site: str, settings: Settings, browser: Browser) -> None:
    entry = provider.site_settings()
    entry |= {"scope": "openid orders.read", "authorization_params": {"resource": API}, "userinfo": "never"}
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: entry}
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {provider.key: API}
    sign_in(browser, site, provider, "alice")
    provider.program.forget_requests()

    token = OAuthConnection.objects.get().access_token
    statuses = [call(f"/{name}/orders/", token)[0] for name in ("drf", "ninja", "plain")]

    assert (statuses, provider.requests_of_the_site()) == ([200, 200, 200], [])
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {provider.key: "https://other.example"}
    assert call("/orders/", token)[0] == 401
