"""People sign out: at the site and with it at real providers, or at the provider and with it at the site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_login.models import OAuthConnection, SignedInSession
from tests.interop.browser import Browser, Page
from tests.interop.providers import OIDCProviderFromNpm, RealProvider, logout_done_url
from tests.interop.visits import sign_in, sign_out

pytestmark = pytest.mark.interop
certified = pytest.mark.parametrize("provider", ["oidc_provider"], indirect=True)

TAKEN = "backchannel.success"


@pytest.fixture(autouse=True)
def with_middleware(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oidc_login.middleware.SessionLogout"]


def shown(browser: Browser, site: str) -> str:
    """Who is signed in, as a page of the site says it."""
    return browser.open(site).text


def asked_again(browser: Browser, site: str, provider: RealProvider, key: str = "") -> bool:
    """Whether the provider wants to know who somebody is: its own session is over."""
    page = browser.submit(browser.open(f"{site}/oauth/{key or provider.key}/login/"))
    return page.is_at(provider.issuer)


# From the site: oidcc-client-test-rp-init-logout and its neighbours.


def test_signs_out_here_and_there(site: str, provider: RealProvider, browser: Browser) -> None:
    sign_in(browser, site, provider, "alice")

    page = sign_out(browser, site, provider)

    assert (page.url.rstrip("/"), page.text) == (site, "")
    assert f"GET {urlsplit(logout_done_url(site)).path} 302" in [str(hop) for hop in page.hops]
    assert shown(browser, site) == ""
    assert asked_again(browser, site, provider)
    assert not SignedInSession.objects.exists()


def test_provider_accepts_the_hint_and_returns_the_state(site: str, provider: RealProvider, browser: Browser) -> None:
    sign_in(browser, site, provider, "alice")
    browser.stop_before = provider.issuer
    page = browser.submit(browser.open(f"{site}/oauth/logout/"))
    sent = dict(parse_qsl(urlsplit(page.location).query))
    assert shown(browser, site) == ""
    browser.stop_before = logout_done_url(site)

    page = provider.confirm_logout(browser, browser.open(page.location, came_from=page))

    assert sent["id_token_hint"].count(".") == 2
    assert dict(parse_qsl(urlsplit(page.location).query)) == {"state": sent["state"]}


CHANGES = [
    pytest.param(lambda url: url + "_INVALID", id="another state"),
    pytest.param(lambda url: url.partition("?")[0], id="no state"),
]


@certified
@pytest.mark.parametrize("change", CHANGES)
def test_return_that_is_not_expected_does_nothing(
    site: str, provider: RealProvider, browser: Browser, change: Callable[[str], str]
) -> None:
    sign_in(browser, site, provider, "alice")
    browser.stop_before = logout_done_url(site)
    page = sign_out(browser, site, provider)
    browser.stop_before = None

    page = browser.open(change(page.location), came_from=page)

    assert (page.status, page.text, page.url.rstrip("/")) == (200, "", site)


def test_who_declines_at_the_provider_is_signed_out_here(site: str, provider: RealProvider, browser: Browser) -> None:
    sign_in(browser, site, provider, "alice")

    browser.submit(browser.open(f"{site}/oauth/logout/"))

    assert shown(browser, site) == ""


def test_provider_asks_whoever_comes_without_a_hint(
    site: str, provider: RealProvider, browser: Browser, settings: Any
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: {**provider.site_settings(), "store_tokens": False}}
    sign_in(browser, site, provider, "alice")

    page = sign_out(browser, site, provider)

    assert (page.url.rstrip("/"), shown(browser, site)) == (site, "")


# From the provider: oidcc-client-test-rp-backchannel-rpinitlogout.


@certified
def test_logout_token_after_the_local_logout_is_taken(site: str, provider: RealProvider, browser: Browser) -> None:
    sign_in(browser, site, provider, "alice")

    sign_out(browser, site, provider)

    assert provider.program.events() == [TAKEN]


@certified
def test_session_ends_here_that_ends_there(site: str, provider: RealProvider, browser: Browser) -> None:
    """Somebody signs out at the provider, without the site: it names the session."""
    sign_in(browser, site, provider, "alice")
    elsewhere = Browser()
    sign_in(elsewhere, site, provider, "alice")
    assert SignedInSession.objects.exclude(sid="").count() == 2

    sign_out_at(provider, browser)

    assert provider.program.events() == [TAKEN]
    assert (shown(browser, site), shown(elsewhere, site)) == ("", "alice")


@certified
def test_all_sessions_of_a_person_end_where_none_is_named(
    site: str, provider: OIDCProviderFromNpm, settings: Any
) -> None:
    key = provider.key_without_sid
    settings.OIDC_LOGIN_PROVIDERS = {key: provider.site_settings(key)}
    one, other, bob = Browser(), Browser(), Browser()
    for browser, name in ((one, "alice"), (other, "alice"), (bob, "bob")):
        sign_in(browser, site, provider, name, key=key)
    assert set(SignedInSession.objects.values_list("sid", flat=True)) == {""}

    sign_out_at(provider, one)

    assert provider.program.events() == [TAKEN]
    assert [shown(browser, site) for browser in (one, other, bob)] == ["", "", "bob"]


@certified
def test_signs_in_again_after_a_logout_at_the_provider(site: str, provider: RealProvider, browser: Browser) -> None:
    sign_in(browser, site, provider, "alice")
    sign_out_at(provider, browser)

    assert sign_in(browser, site, provider, "alice").text == "alice"
    assert OAuthConnection.objects.count() == 1


@certified
def test_site_that_expects_another_algorithm_takes_no_logout_token(
    site: str, provider: RealProvider, browser: Browser, settings: Any
) -> None:
    sign_in(browser, site, provider, "alice")
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: {**provider.site_settings(), "id_token_signing_algs": ["ES256"]}}

    sign_out_at(provider, browser)

    assert provider.program.events() == ["backchannel.error"]
    assert shown(browser, site) == "alice"


def sign_out_at(provider: RealProvider, browser: Browser) -> Page:
    """Sign out at the provider itself."""
    return provider.confirm_logout(browser, browser.open(f"{provider.issuer}/session/end"))
