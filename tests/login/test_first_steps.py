"""The checks of what goes wrong on the first day: one row that a rule refuses and one that it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

if TYPE_CHECKING:
    from pytest_django import Settings

OP = {"issuer": "https://op.example", "client_id": "client", "client_secret": "a secret of thirty-two bytes or more"}
DUMMY = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
ENTRA = "https://login.microsoftonline.com"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class WithoutSlash:
    urlpatterns = [path("", page, name="home"), path("oauth", include("oidc_login.urls"))]


class AtTheRoot:
    urlpatterns = [path("", include("oidc_login.urls"))]


def found(*, deploy: bool = False) -> dict[str, str]:
    """Return the text and the hint of each message, by its number."""
    messages = run_checks(tags=["oidc_login"], databases=[], include_deployment_checks=deploy)
    return {str(one.id).removeprefix("oidc_login."): f"{one.msg} {one.hint}" for one in messages}


@pytest.fixture(autouse=True)
def one_provider(settings: Settings) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": OP}


def test_include_without_a_slash(settings: Settings) -> None:
    settings.ROOT_URLCONF = WithoutSlash

    assert "'/oauthprovider/callback/'" in found()["E045"]


@pytest.mark.parametrize("urlconf", ["tests.settings.urls", AtTheRoot])
def test_include_with_a_slash_or_at_the_root(settings: Settings, urlconf: Any) -> None:
    settings.ROOT_URLCONF = urlconf
    settings.LOGIN_REDIRECT_URL = "oidc_login:connections"

    assert found() == {}


@pytest.mark.parametrize("url", ["/accounts/profile/", "profile", "/nowhere"])
def test_sign_ins_that_end_on_no_page(settings: Settings, url: str) -> None:
    settings.LOGIN_REDIRECT_URL = url

    assert f"{url!r}" in found()["W131"]


@pytest.mark.parametrize("url", ["/", "home", "oidc_login:connections", "/oauth/connections", "https://app.example/"])
def test_sign_ins_that_end_on_a_page(settings: Settings, url: str) -> None:
    settings.LOGIN_REDIRECT_URL = url

    assert found() == {}


def test_cache_that_forgets(settings: Settings) -> None:
    settings.CACHES = DUMMY
    assert "'default' is DummyCache" in found()["E046"]

    settings.CACHES = {**DUMMY, "shared": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.OIDC_LOGIN_CACHE = "shared"
    assert found() == {}


@pytest.mark.parametrize(
    ("address", "number", "names"),
    [
        ({"issuer": "https://github.com"}, "E029", ("github.com", "GitHubProvider")),
        ({"issuer": "https://twitter.com"}, "E029", ("twitter.com", "XProvider")),
        ({"issuer": f"{ENTRA}/common/v2.0"}, "E035", ("common", "MicrosoftProvider")),
        ({"issuer": f"{ENTRA}/organizations/v2.0"}, "E035", ("organizations", "tenant")),
        (
            {"discovery_url": f"{ENTRA}/common/v2.0/.well-known/openid-configuration"},
            "E035",
            ("common", "MicrosoftProvider"),
        ),
    ],
)
def test_address_that_is_no_issuer(
    settings: Settings, address: dict[str, str], number: str, names: tuple[str, ...]
) -> None:
    entry = {name: value for name, value in OP.items() if name != "issuer"}
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**entry, **address}}

    messages = found()

    assert list(messages) == [number]
    assert [name for name in ("'op'", *names) if name not in messages[number]] == []


@pytest.mark.parametrize(
    "entry",
    [
        {**OP, "issuer": f"{ENTRA}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"},
        {**OP, "issuer": "https://github.example.com"},
        {"class": "oidc_login.providers.MicrosoftProvider", "tenant": "common", "client_id": "c", "client_secret": "s"},
    ],
)
def test_address_that_is_an_issuer(settings: Settings, entry: dict[str, Any]) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}

    assert not {"E029", "E035"} & found().keys()


PROXY = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}


@pytest.mark.parametrize(
    "sign",
    [
        {"USE_X_FORWARDED_HOST": True},
        {"USE_X_FORWARDED_PORT": True},
        {"CSRF_TRUSTED_ORIGINS": ["https://shop.example"], "ALLOWED_HOSTS": ["shop.example"]},
    ],
)
def test_proxy_without_a_header(settings: Settings, sign: dict[str, Any]) -> None:
    for name, value in sign.items():
        setattr(settings, name, value)
    assert next(iter(sign)) in found(deploy=True)["W014"]

    settings.SECURE_PROXY_SSL_HEADER = PROXY["SECURE_PROXY_SSL_HEADER"]
    assert "W014" not in found(deploy=True)


@pytest.mark.parametrize(
    "setting", [{}, {"CSRF_TRUSTED_ORIGINS": ["https://elsewhere.example"]}, {"SECURE_SSL_REDIRECT": True}]
)
def test_site_that_may_have_no_proxy(settings: Settings, setting: dict[str, Any]) -> None:
    for name, value in setting.items():
        setattr(settings, name, value)

    assert "W014" not in found(deploy=True)
