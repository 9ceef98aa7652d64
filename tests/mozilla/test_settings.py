"""What each setting of mozilla-django-oidc becomes."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.auth import get_user_model
from django.core.management import call_command
from mozilla_django_oidc.auth import default_username_algo

from oidc_login.models import OAuthConnection
from oidc_login.mozilla.entry import provider_key
from oidc_login.mozilla.provider import EndpointsProvider
from oidc_login.providers import OIDCProvider
from oidc_login.registry import get_provider, get_provider_keys, get_providers, provider_entries
from tests.mozilla.conftest import ALICE, BOB, SECRET, Change, LegacyProvider, begin_after, sign_in_after
from tests.support.browser import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moved(after: Change) -> None:
    after()


def the_provider() -> Any:
    return get_provider("oidc")


def sent_to(legacy_op: LegacyProvider, endpoint: str = "token") -> Any:
    return next(request for request in legacy_op.requests if request.endpoint == endpoint)


def test_provider_is_made_of_the_settings(legacy_op: LegacyProvider) -> None:
    provider = the_provider()

    assert get_provider_keys() == ["oidc"]
    assert (provider.client_id, provider.scope) == ("the site", "openid email")
    assert (provider.trust_email, provider.link_by_email) == (True, "verified")
    assert provider.label == urlsplit(legacy_op.base_url).hostname
    assert (provider.allow_signup, provider.timeout if hasattr(provider, "timeout") else 10) == (None, 10)


def test_without_a_client_there_is_no_provider(settings: Settings) -> None:
    del settings.OIDC_RP_CLIENT_ID

    assert get_provider_keys() == []


def test_entry_of_the_site_completes_it(legacy_op: LegacyProvider, settings: Settings) -> None:
    metadata = {"end_session_endpoint": "https://login.example/logout"}
    settings.OIDC_LOGIN_PROVIDERS = {
        "github": {"class": "oidc_login.providers.GitHubProvider", "client_id": "x", "client_secret": "y"},
        "oidc": {"issuer": legacy_op.issuer, "label": "Example Inc.", "trust_email": False, "metadata": metadata},
    }
    provider = the_provider()

    assert get_provider_keys() == ["oidc", "github"]
    assert (provider.label, provider.trust_email, provider.client_id) == ("Example Inc.", False, "the site")
    assert provider.metadata.end_session_endpoint == metadata["end_session_endpoint"]
    assert provider.metadata.token_endpoint == legacy_op.token_endpoint
    assert provider.get_issuer() == legacy_op.issuer


def test_entry_for_the_same_client_stands_for_it(
    legacy_op: LegacyProvider, browser: Browser, settings: Settings
) -> None:
    """The last step of a move: nobody sees two buttons for one provider."""
    own = {"issuer": legacy_op.issuer, "client_id": "the site", "client_secret": SECRET}
    settings.OIDC_LOGIN_PROVIDERS = {"company": {**own, "token_endpoint_auth_method": "client_secret_post"}}

    assert get_provider_keys() == ["company"]
    assert get_provider("company").trust_email is False, "it trusts what it says itself"
    assert browser.get("/oidc/authenticate/").context["provider"].key == "company"
    begun = browser.begin("company")
    assert b"company" in begun["Location"].encode(), "its own redirect URI, which has to be registered"


def test_entry_with_a_client_of_its_own_stands_for_itself(legacy_op: LegacyProvider, settings: Settings) -> None:
    """What was said of another provider must not make its addresses count."""
    settings.OIDC_LOGIN_PROVIDERS = {"oidc": {"issuer": legacy_op.issuer, "client_id": "another"}}

    assert get_provider_keys() == ["oidc"]
    assert (the_provider().client_id, the_provider().trust_email) == ("another", False)
    assert type(the_provider()) is OIDCProvider


def test_class_of_the_site(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {
        "oidc": {"class": "oidc_login.providers.OIDCProvider", "issuer": legacy_op.issuer, "trust_email": True}
    }

    assert type(the_provider()) is OIDCProvider
    assert sign_in_after(browser, legacy_op).status_code == 302


def test_entry_without_a_client_is_not_that_of_settings_without_one(settings: Settings) -> None:
    del settings.OIDC_RP_CLIENT_ID
    settings.OIDC_LOGIN_PROVIDERS = {"company": {"issuer": "https://login.example"}}

    assert provider_key() is None


@pytest.mark.parametrize("providers", [None, [], {"oidc": None}, {"oidc": []}, {"company": None}])
def test_entries_that_are_none(settings: Settings, providers: Any) -> None:
    """The checks say what is wrong; until then nothing is made up."""
    settings.OIDC_LOGIN_PROVIDERS = providers

    found = provider_entries()

    if providers == {"company": None}:
        assert list(found) == ["oidc", "company"]
    else:
        assert found == providers
        assert provider_key() is None


# One by one.


def test_scopes(browser: Browser, settings: Settings) -> None:
    settings.OIDC_RP_SCOPES = "openid email profile groups"

    sent = dict(parse_qsl(urlsplit(begin_after(browser)["Location"]).query))

    assert sent["scope"] == "openid email profile groups"


def test_extra_parameters(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"acr_values": "silver", "scope": "openid email phone", "max_age": 600}

    begun = begin_after(browser)

    sent = dict(parse_qsl(urlsplit(begun["Location"]).query))
    assert (sent["acr_values"], sent["scope"], sent["max_age"]) == ("silver", "openid email phone", "600")
    assert browser.end(browser.authorize(legacy_op, begun, ALICE.sub)).status_code == 302


def test_basic_authentication(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_TOKEN_USE_BASIC_AUTH = True
    legacy_op.token_endpoint_auth_method = "client_secret_basic"

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert "client_secret" not in sent_to(legacy_op).form


def test_public_client(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_SECRET = ""
    legacy_op.client_secret, legacy_op.token_endpoint_auth_method = "", "none"

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert "client_secret" not in sent_to(legacy_op).form


@pytest.mark.parametrize("form", ["text", "bytes", "JWK"])
def test_key_of_the_site(legacy_op: LegacyProvider, browser: Browser, settings: Settings, form: str) -> None:
    """The one key that the site knows counts, and none that is published."""
    key = legacy_op.signing_keys["RSA"]
    pem = key.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    settings.OIDC_RP_IDP_SIGN_KEY = {"text": pem.decode(), "bytes": pem, "JWK": key.public_jwk()}[form]
    del settings.OIDC_OP_JWKS_ENDPOINT

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert "jwks" not in legacy_op.asked()

    legacy_op.rotate_keys()
    assert sign_in_after(Browser(), legacy_op).status_code == 502


def test_key_of_the_site_is_not_for_macs(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    """As with upstream, the secret signs them."""
    settings.OIDC_RP_IDP_SIGN_KEY = legacy_op.signing_keys["RSA"].public_jwk()
    settings.OIDC_RP_SIGN_ALGO = legacy_op.signing_alg = "HS256"

    assert sign_in_after(browser, legacy_op).status_code == 302


def test_algorithm_is_that_of_the_settings_alone(
    legacy_op: LegacyProvider, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_RP_SIGN_ALGO = "ES256"

    assert sign_in_after(browser, legacy_op).status_code == 502

    legacy_op.signing_alg = "ES256"
    assert sign_in_after(browser, legacy_op).status_code == 302


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, 10), (5, 5), (2.5, 2.5), ((3, 4), 7), (60, 20), (0, 10), ("x", 10)]
)
def test_timeout(settings: Settings, value: Any, seconds: float) -> None:
    settings.OIDC_TIMEOUT = value

    assert the_provider().transport.timeout == seconds


@pytest.mark.parametrize("value", [True, False])
def test_certificates_are_verified_either_way(settings: Settings, value: bool) -> None:
    settings.OIDC_VERIFY_SSL = value

    assert the_provider().transport.ca_bundle is None


def test_authority_of_the_site(settings: Settings) -> None:
    settings.OIDC_VERIFY_SSL = "/etc/ssl/authority.pem"

    assert the_provider().transport.ca_bundle == "/etc/ssl/authority.pem"


def by_address(email: str) -> str:
    return email.partition("@")[0].upper() + "!"


def by_claims(email: str, claims: dict[str, Any]) -> str:
    return f"{claims['sub']} {email}"


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        ("mozilla_django_oidc.auth.default_username_algo", default_username_algo("bob@example.org")),
        (f"{__name__}.by_address", "BOB!"),
        (by_address, "BOB!"),
        (by_claims, f"{BOB.sub} bob@example.org"),
    ],
    ids=["upstream's own", "path", "callable", "of the claims"],
)
def test_user_names(legacy_op: LegacyProvider, browser: Browser, settings: Settings, algorithm: Any, name: str) -> None:
    settings.OIDC_USERNAME_ALGO = algorithm

    sign_in_after(browser, legacy_op, BOB.sub)

    assert browser.user.get_username() == name


def test_user_name_that_somebody_has(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_USERNAME_ALGO = by_address
    get_user_model().objects.create_user("BOB!")

    sign_in_after(browser, legacy_op, BOB.sub)

    assert browser.user.get_username().startswith("BOB!-")


def test_user_names_of_other_providers(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_USERNAME_ALGO = by_address
    settings.OIDC_LOGIN_PROVIDERS = {
        "other": {
            "issuer": legacy_op.issuer,
            "client_id": "the site",
            "client_secret": SECRET,
            "token_endpoint_auth_method": "client_secret_post",
        }
    }
    settings.OIDC_RP_CLIENT_ID = "another client"
    legacy_op.redirect_uris = None

    browser.end(browser.authorize(legacy_op, browser.begin("other"), BOB.sub))

    assert browser.user.get_username() == "bob"


# Tokens in the session.


@pytest.mark.parametrize("name", ["access_token", "id_token"])
def test_token_in_the_session(legacy_op: LegacyProvider, browser: Browser, settings: Settings, name: str) -> None:
    setattr(settings, f"OIDC_STORE_{name.upper()}", True)

    sign_in_after(browser, legacy_op)

    kept = {key: value for key, value in browser.session.items() if key.endswith("_token")}
    assert list(kept) == [f"oidc_{name}"]
    if name == "access_token":
        assert kept["oidc_access_token"] == OAuthConnection.objects.get().access_token


def test_no_token_in_the_session_unless_asked_for(legacy_op: LegacyProvider, browser: Browser) -> None:
    sign_in_after(browser, legacy_op)

    assert not [key for key, _ in browser.session.items() if key.endswith("_token")]


def test_no_token_in_a_cookie(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_STORE_ACCESS_TOKEN = settings.OIDC_STORE_ID_TOKEN = True
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"

    sign_in_after(browser, legacy_op)

    assert browser.user is not None
    assert not [key for key, _ in browser.session.items() if key.endswith("_token")]


def test_no_token_of_a_sign_in_that_failed(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_STORE_ACCESS_TOKEN = True
    settings.OIDC_CREATE_USER = False

    sign_in_after(browser, legacy_op, BOB.sub)

    assert "oidc_access_token" not in json.dumps(dict(browser.session.items()))


def test_no_token_of_another_provider(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_STORE_ACCESS_TOKEN = True
    settings.OIDC_RP_CLIENT_ID = "another client"
    settings.OIDC_LOGIN_PROVIDERS = {
        "other": {
            "issuer": legacy_op.issuer,
            "client_id": "the site",
            "client_secret": SECRET,
            "token_endpoint_auth_method": "client_secret_post",
        }
    }
    legacy_op.redirect_uris = None

    browser.end(browser.authorize(legacy_op, browser.begin("other"), BOB.sub))

    assert browser.user is not None
    assert "oidc_access_token" not in browser.session


# Names.


def test_name_of_next(browser: Browser, settings: Settings) -> None:
    settings.OIDC_REDIRECT_FIELD_NAME = "goto"

    page = browser.get("/oidc/authenticate/?goto=/failure/&next=/other/").content.decode()

    assert '<input type="hidden" name="next" value="/failure/">' in page


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/"])
def test_next_stays_on_this_host(browser: Browser, settings: Settings, target: str) -> None:
    settings.OIDC_REDIRECT_ALLOWED_HOSTS = ["evil.example"]

    assert "evil" not in browser.get("/oidc/authenticate/", {"next": target}).content.decode()


def test_callback_with_a_name_of_the_site(legacy_op: LegacyProvider, browser: Browser, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.mozilla.urls_custom"
    settings.OIDC_AUTHENTICATION_CALLBACK_URL = "sign_in_done"
    legacy_op.redirect_uris = ["http://testserver/done/"]

    assert sign_in_after(browser, legacy_op)["Location"] == "/"
    assert browser.user is not None


def test_provider_knows_its_kind() -> None:
    assert [type(provider) for provider in get_providers()] == [EndpointsProvider]


def test_diagnosis_of_a_site_that_names_endpoints_alone(legacy_op: LegacyProvider) -> None:
    out = StringIO()

    call_command("oidc_login_diagnose", "oidc", stdout=out, no_color=True)

    assert f"ok     description of {legacy_op.issuer}" in out.getvalue()
    assert "ok     client" in out.getvalue()
    assert "/oidc/callback/" in out.getvalue()
