"""Providers of a site's own customers: `OIDC_LOGIN_PROVIDER_LOADER`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import modify_settings

from oidc_login import registry
from oidc_login.exceptions import ProviderUnknown
from oidc_login.models import OAuthConnection
from oidc_login.providers import OIDCProvider
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE, CLIENT_SECRET

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

given: Any = {}
asked: list[str] = []


def loader() -> Any:
    asked.append("asked")
    if isinstance(given, Exception):
        raise given
    return given


@pytest.fixture
def load(settings: Settings) -> Iterator[Callable[[Any], None]]:
    """Let the loader give this, or raise it."""

    def give(value: Any) -> None:
        global given
        given = value

    settings.OIDC_LOGIN_PROVIDER_LOADER = f"{__name__}.loader"
    asked.clear()
    yield give
    give({})


Load = Callable[[Any], None]


def entry(op: OpenIDProvider, **arguments: Any) -> dict[str, Any]:
    return {"issuer": op.issuer, "client_id": "client", "client_secret": CLIENT_SECRET, **arguments}


# What it gives.


def test_customers_provider_signs_in(op: OpenIDProvider, browser: Browser, load: Load) -> None:
    load({"customer": entry(op, refuse_private_addresses=False)})

    assert browser.sign_in(op, "customer").status_code == 302

    assert OAuthConnection.objects.get().provider_key == "customer"
    assert 'action="/oauth/customer/login/"' in browser.get("/oauth/").content.decode()


def test_it_is_asked_anew_each_time(op: OpenIDProvider, browser: Browser, load: Load) -> None:
    load({"customer": entry(op)})
    assert browser.get("/oauth/customer/login/").status_code == 200

    load({"other": entry(op)})

    assert browser.get("/oauth/customer/login/").status_code == 404
    assert browser.get("/oauth/other/login/").status_code == 200


def test_provider_is_made_again_only_when_its_entry_changed(op: OpenIDProvider, load: Load) -> None:
    load({"customer": entry(op)})
    first = registry.get_provider("customer")

    load({"customer": entry(op)})
    assert registry.get_provider("customer") is first

    load({"customer": entry(op, label="Changed")})
    changed = registry.get_provider("customer")
    assert (changed is first, changed.label) == (False, "Changed")


def test_entry_that_the_loader_changes_in_place_is_noticed(op: OpenIDProvider, load: Load) -> None:
    kept = entry(op, authorization_params={"hd": "one.example"})
    load({"customer": kept})
    first = registry.get_provider("customer")

    kept["authorization_params"]["hd"] = "other.example"

    assert registry.get_provider("customer") is not first


def test_provider_that_went_away_is_forgotten(op: OpenIDProvider, load: Load) -> None:
    load({"customer": entry(op)})
    registry.get_provider("customer")
    load({})
    with pytest.raises(ProviderUnknown):
        registry.get_provider("customer")

    assert "customer" not in registry._providers


def test_settings_come_first_and_ask_no_loader(op: OpenIDProvider, load: Load) -> None:
    load({"op": entry(op, label="Taken over")})

    assert registry.get_provider("op").label == "Op"
    assert asked == []
    assert [provider.label for provider in registry.get_providers()] == ["Op"]


def test_connection_of_a_customers_provider_is_a_way_in(op: OpenIDProvider, browser: Browser, load: Load) -> None:
    load({"customer": entry(op, refuse_private_addresses=False)})
    browser.sign_in(op, "customer")
    browser.connect(op)
    subject = OAuthConnection.objects.get(provider_key="op").provider_user_id
    disconnect = {"provider_user_id": subject}

    load({})
    assert browser.post("/oauth/op/disconnect/", disconnect).status_code == 403

    load({"customer": entry(op, refuse_private_addresses=False)})
    assert browser.post("/oauth/op/disconnect/", disconnect).status_code == 302


# A customer vouches for nobody else's address.


def test_customers_word_opens_no_account(
    op: OpenIDProvider, browser: Browser, user: User, load: Load, assert_nothing_changed: NothingChanged
) -> None:
    load({"customer": entry(op, refuse_private_addresses=False)})
    answer = browser.authorize(op, browser.begin("customer"))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "email_linking_off")


def test_customers_word_gives_an_account_no_address(op: OpenIDProvider, browser: Browser, load: Load) -> None:
    """Its owner comes through another provider later: to an account of their own."""
    load({"customer": entry(op, refuse_private_addresses=False)})
    browser.sign_in(op, "customer")
    assert (browser.user.email, OAuthConnection.objects.get().email) == ("", ALICE.email)

    owner = Browser()
    assert owner.sign_in(op).status_code == 302
    assert owner.user != browser.user
    assert owner.user.email == ALICE.email


def test_entry_may_say_that_it_does(op: OpenIDProvider, browser: Browser, user: User, load: Load) -> None:
    load({"customer": entry(op, refuse_private_addresses=False, link_by_email="verified")})

    browser.sign_in(op, "customer")

    assert browser.user == user


# What it must not break.


@pytest.mark.parametrize("value", [RuntimeError("the database is away"), None, [], "rubbish", 5], ids=range(5))
def test_loader_that_fails_costs_its_own_providers_alone(
    op: OpenIDProvider, browser: Browser, load: Load, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    load(value)

    assert browser.sign_in(op).status_code == 302
    assert browser.get("/oauth/").status_code == 200
    assert browser.get("/oauth/connections/").status_code == 200
    unknown = browser.get("/oauth/customer/login/")
    assert (unknown.status_code, unknown["Retry-After"]) == (503, "30")
    assert "OIDC_LOGIN_PROVIDER_LOADER" in caplog.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("no/slash", {"issuer": "https://x.example", "client_id": "x"}),
        ("Capital", {"issuer": "https://x.example", "client_id": "x"}),
        ("", {"issuer": "https://x.example", "client_id": "x"}),
        (5, {"issuer": "https://x.example", "client_id": "x"}),
        ("none", None),
        ("text", "https://x.example"),
        ("empty", {}),
        ("misspelt", {"isuer": "https://x.example", "client_id": "x"}),
        ("number", {"issuer": 5, "client_id": "x"}),
        ("label", {"issuer": "https://x.example", "client_id": "x", "label": 5}),
        ("class", {"class": "nowhere.Provider", "client_id": "x"}),
        ("other", {"class": "django.http.HttpRequest", "client_id": "x"}),
    ],
    ids=range(12),
)
def test_entry_that_cannot_be_used_is_left_out(
    op: OpenIDProvider, browser: Browser, load: Load, key: Any, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    load({key: value, "good": entry(op, refuse_private_addresses=False)})

    page = browser.get("/oauth/")

    assert page.status_code == 200
    assert [form for form in ("op", "good") if f"/oauth/{form}/login/" in page.content.decode()] == ["op", "good"]
    assert browser.sign_in(op, "good").status_code == 302
    assert browser.get(f"/oauth/{key or 'nothing'}/login/").status_code == 404
    assert str(key) in caplog.text


def test_entry_that_cannot_be_used_is_logged_once(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    load({"customer": {"issuer": "https://x.example", "client_id": "x", "client_key": "a secret that is no key"}})

    for _ in range(3):
        assert registry.get_providers() == []

    assert caplog.text.count("provider skipped: key='customer'") == 1
    assert "a secret" not in caplog.text


def test_entry_of_the_settings_that_cannot_be_used_is_an_error(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {"isuer": "https://x.example", "client_id": "x"}}

    with pytest.raises(ImproperlyConfigured, match="'issuer'"):
        registry.get_providers()


# A look that cannot be shown costs the row its look, and nobody the page.


@pytest.mark.parametrize(
    "look",
    [
        {"icon": None},
        {"icon": 5},
        {"icon": "no/such.html"},
        {"icon": "tests/fails.html"},
        {"icon": "../outside.svg"},
        {"icon": "no/such.svg"},
        {"brand_color": 5},
        {"brand_color": "red;}"},
        {"monogram": 7},
        {"monogram": ["x"]},
        {"label": None},
    ],
    ids=repr,
)
def test_look_that_cannot_be_shown_breaks_no_page(
    op: OpenIDProvider, browser: Browser, load: Load, settings: Settings, look: dict[str, Any]
) -> None:
    manifest = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": manifest}
    settings.TEMPLATES = [
        {
            **settings.TEMPLATES[0],
            "APP_DIRS": False,
            "OPTIONS": {
                **settings.TEMPLATES[0]["OPTIONS"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"tests/fails.html": "{% include missing.name %}"}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ]
    load({"customer": entry(op, **look)})
    browser.sign_in(op)

    with modify_settings(INSTALLED_APPS={"append": "django.contrib.staticfiles"}):
        pages = [browser.get(f"/oauth/{page}") for page in ("", "connections/", "customer/login/", "op/login/")]

    assert [page.status_code for page in pages] == [200] * 4
    assert "/oauth/op/login/" in pages[0].content.decode()
    assert "<svg" in pages[2].content.decode()


class RaisingProvider(OIDCProvider):
    """A class of the site that a row brings to fail in a way of its own."""

    def __init__(self, *, region: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.discovery_url = {"eu": "https://eu.example"}[region]


class NeverCopied:
    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("a secret value")


@pytest.mark.parametrize(
    "row",
    [
        {"class": f"{__name__}.RaisingProvider", "client_id": "x", "region": "us"},
        {"class": "tests.linking.fails_to_import.Provider", "client_id": "x"},
        {"issuer": "https://x.example", "client_id": "x", 5: "x"},
        {"issuer": "https://x.example", "client_id": "x", "authorization_params": {"x": NeverCopied()}},
    ],
    ids=["class raises", "module raises", "argument is no name", "value cannot be copied"],
)
def test_row_that_raises_costs_its_own_provider_alone(
    op: OpenIDProvider, browser: Browser, load: Load, row: Any, caplog: pytest.LogCaptureFixture
) -> None:
    load({"customer": row})

    page = browser.get("/oauth/")

    assert page.status_code == 200
    assert "/oauth/op/login/" in page.content.decode()
    assert browser.get("/oauth/customer/login/").status_code == 404
    assert "provider skipped: key='customer'" in caplog.text
    assert "a secret value" not in caplog.text


# Private addresses.


@pytest.mark.parametrize("row", [{}, {"refuse_private_addresses": None}], ids=["not written", "None"])
def test_discovery_at_a_private_address_is_refused_and_not_asked(
    op: OpenIDProvider, browser: Browser, load: Load, row: dict[str, Any]
) -> None:
    load({"customer": {**entry(op), **row}})
    op.clear()
    connections = op.connections

    response = browser.begin("customer")

    assert response.status_code == 502
    assert (op.requests, op.connections) == ([], connections)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_public_name_of_a_private_address_is_refused(
    browser: Browser, op: OpenIDProvider, load: Load, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    load({"customer": entry(op, issuer="https://login.customer.example")})

    assert browser.begin("customer").status_code == 502


def test_endpoint_at_a_private_address_is_refused(op: OpenIDProvider, browser: Browser, load: Load) -> None:
    """The document may be public and name an address that is not."""
    metadata = {**op.metadata(), "authorization_endpoint": "https://login.customer.example/authorize"}
    load({"customer": entry(op, metadata=metadata)})
    begun = browser.begin("customer")
    assert begun.status_code == 302
    op.clear()

    path = f"/oauth/customer/callback/?code=x&state={browser.begun[-1]['state']}&iss={op.issuer}"

    assert browser.get(path, cross_site=True).status_code == 502
    assert op.requests == []


def test_settings_may_name_private_addresses(op: OpenIDProvider) -> None:
    provider = registry.get_provider("op")

    assert isinstance(provider, OIDCProvider)
    assert provider.get_issuer() == op.issuer
