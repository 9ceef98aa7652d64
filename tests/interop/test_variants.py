"""What a provider and a site may agree on, with oidc-provider at the other end."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from oidc_login.models import OAuthConnection
from tests.interop.browser import Browser
from tests.interop.providers import CLIENT_SECRET, PEOPLE, OIDCProviderFromNpm, client_id
from tests.interop.variants import BY_NAME, VARIANTS, Variant
from tests.interop.visits import sign_in

pytestmark = pytest.mark.interop


def entry(provider: OIDCProviderFromNpm, variant: Variant) -> dict[str, Any]:
    """Return the settings of a variant's client."""
    secret = {"client_secret": CLIENT_SECRET} if variant.has_secret else {}
    return {"issuer": provider.issuer, "client_id": client_id(variant.key), **secret, **variant.configured()}


@pytest.fixture
def behind_tls(site: str, settings: Any) -> str:
    """The site behind a proxy that ends TLS, as the browser sees it."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    return site.replace("http:", "https:")


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_signs_up_and_in_again(
    variant: Variant,
    request: pytest.FixtureRequest,
    site: str,
    oidc_provider: OIDCProviderFromNpm,
    settings: Any,
    browser: Browser,
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {variant.key: entry(oidc_provider, variant)}
    url = request.getfixturevalue("behind_tls") if variant.behind_tls else site
    oidc_provider.program.forget_requests()

    assert sign_in(browser, url, oidc_provider, "alice", key=variant.key).text == "alice"

    asked = {exchange.path: exchange for exchange in oidc_provider.program.requests_of_the_site()}
    assert asked["/token"].status == 200
    assert (asked["/me"].content_type if "/me" in asked else "") == variant.userinfo
    connection = OAuthConnection.objects.get()
    assert (connection.email, connection.email_verified) == (PEOPLE["alice"]["email"], True)
    oidc_provider.program.forget_requests()

    assert sign_in(browser, url, oidc_provider, "alice", key=variant.key).text == "alice"

    assert oidc_provider.requests_of_the_site() == list(variant.repeat)
    assert User.objects.count() == OAuthConnection.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "settings_of_the_site"),
    [
        pytest.param("HS256", {"id_token_signing_algs": None}, id="a MAC that the settings do not name"),
        pytest.param("ES256", {"id_token_signing_algs": ["RS256"]}, id="another algorithm than the settings name"),
        pytest.param("RSA-OAEP and A128GCM", {"client_key": None}, id="encrypted to a key that the site lacks"),
    ],
)
def test_refuses_an_id_token(
    name: str,
    settings_of_the_site: dict[str, Any],
    site: str,
    oidc_provider: OIDCProviderFromNpm,
    settings: Any,
    browser: Browser,
) -> None:
    variant = BY_NAME[name]
    settings.OIDC_LOGIN_PROVIDERS = {variant.key: {**entry(oidc_provider, variant), **settings_of_the_site}}

    page = sign_in(browser, site, oidc_provider, "alice", key=variant.key)

    assert page.status == 502
    assert "id_token_invalid" in page.text
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("same_site", "hops"),
    [
        pytest.param("Lax", ["POST {} 303", "GET {} 302", "GET / 200"], id="which the browser withholds"),
        pytest.param("None", ["POST {} 302", "GET / 200"], id="which the browser brings"),
    ],
)
def test_keeps_the_session_of_a_posted_answer(
    same_site: str,
    hops: list[str],
    behind_tls: str,
    oidc_provider: OIDCProviderFromNpm,
    settings: Any,
    browser: Browser,
) -> None:
    """The post comes from the provider's page; a session that does not come with it must not be replaced."""
    variant = BY_NAME["form_post"]
    settings.OIDC_LOGIN_PROVIDERS = {variant.key: entry(oidc_provider, variant)}
    settings.SESSION_COOKIE_SAMESITE = same_site
    sign_in(browser, behind_tls, oidc_provider, "alice", key=variant.key)
    session = SessionStore(cookie(browser, settings.SESSION_COOKIE_NAME))
    session["cart"] = "tea"
    session.save()

    page = sign_in(browser, behind_tls, oidc_provider, "alice", key=variant.key)

    assert [str(hop) for hop in page.hops] == [hop.format(f"/oauth/{variant.key}/callback/") for hop in hops]
    assert page.text == "alice"
    session_key = cookie(browser, settings.SESSION_COOKIE_NAME)
    assert session_key != session.session_key, "rotated, for the same person too"
    assert SessionStore(session_key)["cart"] == "tea"


def cookie(browser: Browser, name: str) -> str | None:
    return next(cookie.value for cookie in browser.cookies if cookie.name == name)
