"""What a person does at the site."""

from __future__ import annotations

from tests.interop.browser import Browser, Page
from tests.interop.providers import RealProvider


def begin(browser: Browser, site_url: str, key: str) -> Page:
    """Press the button of a provider."""
    return browser.submit(browser.open(f"{site_url}/oauth/{key}/login/"))


def sign_in(browser: Browser, site_url: str, provider: RealProvider, name: str, *, key: str = "") -> Page:
    """Sign in through a provider and agree to everything there."""
    return provider.agree(browser, begin(browser, site_url, key or provider.key), name)


def callback_url(site_url: str, key: str) -> str:
    return f"{site_url}/oauth/{key}/callback/"


def sign_out(browser: Browser, site_url: str, provider: RealProvider) -> Page:
    """Press the site's button, and confirm at the provider."""
    page = browser.submit(browser.open(f"{site_url}/oauth/logout/"))
    return page if page.location or not page.is_at(provider.issuer) else provider.confirm_logout(browser, page)
