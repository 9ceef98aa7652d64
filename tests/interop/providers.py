"""The real providers: how each is configured, and how a person uses its pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from jwcrypto.jwk import JWK

from tests.interop.browser import Browser, Page
from tests.interop.programs import Program, running
from tests.interop.variants import VARIANTS

HERE = Path(__file__).resolve().parent
MAX_PAGES = 5
PASSWORD = "the same at both of them"
# Each character means something in a form, in HTTP Basic or in a URL.
CLIENT_SECRET = "40 bytes: 100% of them, a+b/c&d=e? ~and!"

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "alice": {
        "given_name": "Alice",
        "family_name": "Example",
        "preferred_username": "alice",
        "email": "alice@example.test",
        "email_verified": True,
    },
    "bob": {
        "given_name": "Bob",
        "family_name": "Example",
        "preferred_username": "bob",
        "email": "bob@example.test",
        "email_verified": False,
    },
}


class RealProvider:
    """A provider that runs; subclasses know its pages."""

    # The key in OIDC_LOGIN_PROVIDERS.
    key: ClassVar[str]
    # What the site asks for at a first sign-in, and at the next.
    first_requests: ClassVar[list[str]]
    next_requests: ClassVar[list[str]]

    def __init__(self, program: Program) -> None:
        self.program = program
        self.issuer = program.await_issuer()

    def site_settings(self, key: str = "") -> dict[str, Any]:
        """Return what a site writes into OIDC_LOGIN_PROVIDERS."""
        return {"issuer": self.issuer, "client_id": client_id(key or self.key), "client_secret": CLIENT_SECRET}

    def requests_of_the_site(self) -> list[str]:
        return [str(exchange) for exchange in self.program.requests_of_the_site()]

    def agree(self, browser: Browser, page: Page, name: str) -> Page:
        """Sign in at the provider and agree to everything, until it sends the browser back."""
        for _ in range(MAX_PAGES):
            if page.location or not page.is_at(self.issuer) or not page.forms:
                return page
            page = self.go_on(browser, page, name)
        raise AssertionError(f"the provider keeps asking: {page.url}")

    def go_on(self, browser: Browser, page: Page, name: str) -> Page:
        """Fill in one page of the provider."""
        raise NotImplementedError

    def cancel(self, browser: Browser, page: Page, name: str) -> Page:
        """Refuse at the provider."""
        raise NotImplementedError

    def confirm_logout(self, browser: Browser, page: Page) -> Page:
        """Say at the provider that its session is to end as well."""
        raise NotImplementedError


class OIDCProviderFromNpm(RealProvider):
    """panva's oidc-provider, certified by the OpenID Foundation, with its own pages for development."""

    key = "npm"
    # Its logout tokens name the person alone, and its ID tokens no session.
    key_without_sid: ClassVar[str] = "npm-without-sid"
    first_requests = ["GET /.well-known/openid-configuration 200", "POST /token 200", "GET /jwks 200", "GET /me 200"]
    next_requests = ["POST /token 200"]

    def go_on(self, browser: Browser, page: Page, name: str) -> Page:
        if "login" in page.forms[0].fields:
            return browser.submit(page, login=name, password=PASSWORD)
        return browser.submit(page)

    def cancel(self, browser: Browser, page: Page, name: str) -> Page:
        return browser.open(page.links["[ Cancel ]"], came_from=page)

    def confirm_logout(self, browser: Browser, page: Page) -> Page:
        return browser.submit(page, button="logout")


class Toolkit(RealProvider):
    """django-oauth-toolkit, whose issuer has a path."""

    key = "toolkit"
    first_requests = [
        "GET /o/.well-known/openid-configuration 200",
        "POST /o/token/ 200",
        "GET /o/.well-known/jwks.json 200",
    ]
    next_requests = ["POST /o/token/ 200"]

    def go_on(self, browser: Browser, page: Page, name: str) -> Page:
        if "username" in page.forms[0].fields:
            return browser.submit(page, username=name, password=PASSWORD)
        return browser.submit(page, button="allow")

    def cancel(self, browser: Browser, page: Page, name: str) -> Page:
        return browser.submit(self.go_on(browser, page, name))

    def confirm_logout(self, browser: Browser, page: Page) -> Page:
        return browser.submit(page, button="allow")


def client_id(key: str) -> str:
    # A colon would end the name in HTTP Basic, were it not encoded (RFC 6749 2.3.1).
    return f"site:{key}"


def redirect_uris(site_url: str, key: str) -> list[str]:
    """Return what a client of this key registers: the site as it is, and as it looks behind TLS."""
    return [f"{origin}/oauth/{key}/callback/" for origin in (site_url, site_url.replace("http:", "https:"))]


def logout_done_url(site_url: str) -> str:
    return f"{site_url}/oauth/logout/done/"


@contextmanager
def oidc_provider_from_npm(site_url: str, output: Path) -> Iterator[OIDCProviderFromNpm]:
    """Run oidc-provider with one client for each variant."""
    keys = [
        JWK.generate(kty="RSA", size=2048, use="sig", kid="rsa"),
        JWK.generate(kty="EC", crv="P-256", use="sig", kid="ec"),
        JWK.generate(kty="OKP", crv="Ed25519", use="sig", kid="okp"),
    ]
    registrations: dict[str, dict[str, Any]] = {
        OIDCProviderFromNpm.key: {"backchannel_logout_session_required": True},
        OIDCProviderFromNpm.key_without_sid: {},
        **{variant.key: variant.registered() for variant in VARIANTS},
    }
    configuration = {
        "people": PEOPLE,
        "clients": [npm_client(site_url, key, registration) for key, registration in registrations.items()],
        "jwks": {"keys": [key.export(as_dict=True) for key in keys]},
    }
    with running(["node", str(HERE / "provider.mjs")], configuration, output=output) as program:
        yield OIDCProviderFromNpm(program)


def npm_client(site_url: str, key: str, registration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client's metadata (Registration 2)."""
    is_public = registration.get("token_endpoint_auth_method") == "none"
    return {
        "client_id": client_id(key),
        "redirect_uris": redirect_uris(site_url, key),
        "post_logout_redirect_uris": [logout_done_url(site_url)],
        "backchannel_logout_uri": f"{site_url}/oauth/{key}/backchannel-logout/",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        **({} if is_public else {"client_secret": CLIENT_SECRET}),
        **registration,
    }


@contextmanager
def toolkit(site_url: str, output: Path) -> Iterator[Toolkit]:
    """Run django-oauth-toolkit with one client."""
    client = {
        "name": "the site",
        "client_id": client_id(Toolkit.key),
        "client_secret": CLIENT_SECRET,
        "redirect_uris": " ".join(redirect_uris(site_url, Toolkit.key)),
        "post_logout_redirect_uris": logout_done_url(site_url),
    }
    configuration = {"people": PEOPLE, "password": PASSWORD, "client": client}
    with running([sys.executable, "-m", "tests.interop.toolkit"], configuration, output=output) as program:
        yield Toolkit(program)
