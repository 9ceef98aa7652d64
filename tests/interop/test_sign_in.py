"""People sign in through real providers: what the site knows of them afterwards, and what it asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from tests.interop.browser import Browser, Page
from tests.interop.providers import CLIENT_SECRET, PEOPLE, RealProvider
from tests.interop.visits import begin, callback_url, sign_in

pytestmark = pytest.mark.interop
# The toolkit does not, in its default settings.
promises_iss = pytest.mark.parametrize("provider", ["oidc_provider"], indirect=True)

ALICE, BOB = PEOPLE["alice"]["email"], PEOPLE["bob"]["email"]


def test_signs_up(site: str, provider: RealProvider, browser: Browser) -> None:
    page = sign_in(browser, site, provider, "alice")

    assert page.text == "alice"
    user = User.objects.get()
    assert (user.email, user.first_name, user.last_name) == (ALICE, "Alice", "Example")
    assert not user.has_usable_password()
    connection = OAuthConnection.objects.get()
    assert connection.user == user
    assert connection.issuer == provider.issuer
    assert connection.link_reason == "signed_up"
    assert provider.requests_of_the_site() == provider.first_requests


def test_signs_in_again_by_one_request_on_the_open_connection(
    site: str, provider: RealProvider, browser: Browser
) -> None:
    sign_in(browser, site, provider, "alice")
    opened = {exchange.connection for exchange in provider.program.requests_of_the_site()}
    provider.program.forget_requests()

    page = sign_in(browser, site, provider, "alice")

    assert page.text == "alice"
    assert User.objects.count() == OAuthConnection.objects.count() == 1
    assert provider.requests_of_the_site() == provider.next_requests
    assert {exchange.connection for exchange in provider.program.requests_of_the_site()} <= opened


def test_signs_in_again_from_another_browser(site: str, provider: RealProvider) -> None:
    sign_in(Browser(), site, provider, "alice")

    page = sign_in(Browser(), site, provider, "alice")

    assert page.text == "alice"
    assert User.objects.count() == OAuthConnection.objects.count() == 1


def test_links_to_the_user_with_the_verified_email(site: str, provider: RealProvider, browser: Browser) -> None:
    user = User.objects.create_user("alice.since.2019", email=ALICE.title(), password="known")

    page = sign_in(browser, site, provider, "alice")

    assert page.text == "alice.since.2019"
    connection = OAuthConnection.objects.get()
    assert connection.user == user
    assert connection.link_reason == "verified_email"
    assert connection.email_verified
    assert User.objects.count() == 1


def test_signs_in_to_one_account_by_either_provider(
    site: str, oidc_provider: RealProvider, toolkit: RealProvider, settings: Any, browser: Browser
) -> None:
    """Both vouch for the address of alice (rule 3e); the identities stay two."""
    both = (oidc_provider, toolkit)
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: provider.site_settings() for provider in both}

    names = [sign_in(Browser(), site, provider, "alice").text for provider in both]

    assert names == ["alice", "alice"]
    assert User.objects.count() == 1
    assert set(OAuthConnection.objects.values_list("issuer", "link_reason")) == {
        (oidc_provider.issuer, "signed_up"),
        (toolkit.issuer, "verified_email"),
    }


def test_refuses_to_link_by_an_unverified_email(site: str, provider: RealProvider, browser: Browser) -> None:
    User.objects.create_user("the.real.bob", email=BOB, password="known")

    page = sign_in(browser, site, provider, "bob")

    assert page.status == 409
    assert "email_not_verified" in page.text
    assert browser.open(site).text == ""
    assert User.objects.count() == 1
    assert not OAuthConnection.objects.exists()


def test_signs_up_without_an_unverified_email(site: str, provider: RealProvider, browser: Browser) -> None:
    page = sign_in(browser, site, provider, "bob")

    assert page.text == "bob"
    assert User.objects.get().email == ""
    connection = OAuthConnection.objects.get()
    assert (connection.email, connection.email_verified) == (BOB, False)


def test_comes_back_to_the_providers_after_cancelling(site: str, provider: RealProvider, browser: Browser) -> None:
    page = provider.cancel(browser, begin(browser, site, provider.key), "alice")

    assert [str(hop) for hop in page.hops[-2:]] == [f"GET /oauth/{provider.key}/callback/ 302", "GET /oauth/ 200"]
    assert "access_denied" in page.hops[-2].url
    assert browser.open(site).text == ""
    assert not User.objects.exists()


def test_tries_the_next_secret_of_a_rotation(site: str, provider: RealProvider, settings: Any) -> None:
    """The code survives a refused client, so it may be posted again (RFC 6749 3.2.1)."""
    secrets = ["a secret that was retired at the provider", CLIENT_SECRET]
    settings.OIDC_LOGIN_PROVIDERS = {provider.key: {**provider.site_settings(), "client_secret": secrets}}

    assert sign_in(Browser(), site, provider, "alice").text == "alice"

    refused = provider.next_requests[0].replace("200", "401")
    assert refused in provider.requests_of_the_site()
    provider.program.forget_requests()

    assert sign_in(Browser(), site, provider, "alice").text == "alice"

    assert provider.requests_of_the_site() == provider.next_requests


def test_proves_by_its_verifier_that_it_began_the_flow(site: str, provider: RealProvider, browser: Browser) -> None:
    """The provider compares challenge and verifier (RFC 7636 4.6): a challenge of somebody else does not fit."""
    page = begin_by_hand(browser, site, provider, code_challenge="x" * 43)

    page = provider.agree(browser, page, "alice")

    assert page.status == 400
    assert "code_refused" in page.text
    assert not User.objects.exists()


def test_needs_its_challenge_where_the_provider_requires_one(
    site: str, provider: RealProvider, browser: Browser
) -> None:
    page = begin_by_hand(browser, site, provider, code_challenge=None, code_challenge_method=None)

    page = provider.agree(browser, page, "alice")

    assert "error=invalid_request" in page.hops[-1].url
    assert page.status == 400


@promises_iss
def test_finds_the_issuer_in_the_answer(site: str, provider: RealProvider, browser: Browser) -> None:
    answer = dict(parse_qsl(urlsplit(answer_to(browser, site, provider)).query))

    assert answer["iss"] == provider.issuer


@promises_iss
@pytest.mark.parametrize("issuer", ["https://attacker.example", None], ids=["another", "missing"])
def test_refuses_an_answer_of_another_issuer(
    site: str, provider: RealProvider, browser: Browser, issuer: str | None
) -> None:
    """The metadata promise `iss`, so an answer without it comes from somebody else (RFC 9207 2.4)."""
    page = browser.open(with_parameters(answer_to(browser, site, provider), iss=issuer))

    assert page.status == 400
    assert "iss_mismatch" in page.text
    assert not User.objects.exists()


def begin_by_hand(browser: Browser, site: str, provider: RealProvider, **parameters: str | None) -> Page:
    """Begin a sign-in with other parameters than the site chose."""
    browser.stop_before = provider.issuer
    page = begin(browser, site, provider.key)
    browser.stop_before = None
    return browser.open(with_parameters(page.location, **parameters), came_from=page)


def answer_to(browser: Browser, site: str, provider: RealProvider) -> str:
    """Return the URL by which the provider answers, before the browser opens it."""
    browser.stop_before = callback_url(site, provider.key)
    page = sign_in(browser, site, provider, "alice")
    browser.stop_before = None
    return page.location


def with_parameters(url: str, **parameters: str | None) -> str:
    """Replace parameters of a URL's query; `None` removes one."""
    parts = urlsplit(url)
    changed = {**dict(parse_qsl(parts.query)), **parameters}
    query = urlencode({name: value for name, value in changed.items() if value is not None})
    return urlunsplit(parts._replace(query=query))
