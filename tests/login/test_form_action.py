"""A content security policy with `form-action`: where it would stop a redirect, a page stands between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path

from oidc_login.decorators import reauthentication_required, scopes_required
from oidc_login.flow.form_action import blocks
from oidc_login.models import OAuthConnection
from oidc_login.testing import AuthorizationAnswer, OpenIDProvider, UnsignedToken
from tests.support.browser import Browser
from tests.support.markup import Markup
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PROVIDER = "https://login.example.com/authorize?state=s"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the page")


urlpatterns = [
    path("oauth/", include("oidc_login.urls")),
    path("", page, name="home"),
    path("scopes/", scopes_required("op", "phone")(page)),
    path("step-up/", reauthentication_required(acr_values="gold")(page)),
]


# Which policy blocks.


@pytest.mark.parametrize(
    ("sources", "allowed"),
    [
        (["'self'"], False),
        (["'none'"], False),
        ([], False),
        (True, False),
        ("'self' https://login.example.com", True),
        (["'self'", "https://login.example.com"], True),
        pytest.param({"'self'", "HTTPS://LOGIN.example.COM"}, True, id="set"),
        (["https://login.example.com/somewhere/else"], True),
        (["login.example.com"], True),
        (["login.example.com:443"], True),
        (["login.example.com:*"], True),
        (["login.example.com:8443"], False),
        (["http://login.example.com"], True),
        (["*.example.com"], True),
        (["*.login.example.com"], False),
        (["https://*.example.com:443"], True),
        (["example.com"], False),
        (["xlogin.example.com"], False),
        (["login-example.com"], False),
        (["https:"], True),
        (["http:"], True),
        (["ftp:"], False),
        (["*"], True),
        (["https://*"], True),
        (["'nonce-abc'"], False),
        (["https://login.example.com.evil.example"], False),
        (["not a source"], False),
    ],
    ids=str,
)
@pytest.mark.parametrize("of", ["SECURE_CSP", "CONTENT_SECURITY_POLICY", "CSP_FORM_ACTION"])
def test_sources_of_a_policy(settings: Settings, of: str, sources: Any, allowed: bool) -> None:
    written = {"form-action": sources, "default-src": ["'self'"]}
    value = {"SECURE_CSP": written, "CONTENT_SECURITY_POLICY": {"DIRECTIVES": written}, "CSP_FORM_ACTION": sources}
    setattr(settings, of, value[of])

    assert blocks(RequestFactory().get("/", secure=True), PROVIDER) is not allowed


@pytest.mark.parametrize(
    "value",
    [None, {}, {"default-src": ["'none'"]}, {"form-action": None}, {"form-action": False}, "form-action 'none'", ["x"]],
    ids=str,
)
def test_settings_that_show_no_form_action(settings: Settings, value: Any) -> None:
    settings.SECURE_CSP = value
    settings.CONTENT_SECURITY_POLICY = value

    assert not blocks(RequestFactory().get("/"), PROVIDER)


def test_every_policy_has_to_allow_it(settings: Settings) -> None:
    settings.SECURE_CSP = {"form-action": ["https:"]}
    settings.CSP_FORM_ACTION = ["'self'"]

    assert blocks(RequestFactory().get("/"), PROVIDER)


@pytest.mark.parametrize(
    ("url", "blocked"),
    [
        ("/local/", False),
        ("https://testserver/own", False),
        ("http://testserver/own", True),
        ("https://testserver:8443/own", True),
    ],
)
def test_own_origin(settings: Settings, url: str, blocked: bool) -> None:
    settings.SECURE_CSP = {"form-action": ["'self'"]}

    assert blocks(RequestFactory().get("/", secure=True), url) is blocked


@pytest.mark.parametrize(("wanted", "blocked"), [(True, True), (False, False)])
def test_setting_decides(settings: Settings, wanted: bool, blocked: bool) -> None:
    settings.OIDC_LOGIN_REDIRECT_BY_PAGE = wanted
    settings.SECURE_CSP = {"form-action": ["https:"] if wanted else ["'self'"]}

    assert blocks(RequestFactory().get("/"), PROVIDER) is blocked
    assert not blocks(RequestFactory().get("/"), "/local/")


# What stands between.


def leave(browser: PolicedBrowser, op: OpenIDProvider, way: str) -> Any:
    """Go to the provider."""
    if way == "login":
        return browser.begin(next="/")
    if way == "initiated":
        return browser.get("/oauth/op/initiate/", {"iss": op.issuer}, cross_site=True)
    browser.sign_in_by(op)
    if way == "connect":
        return browser.begin(view="connect")
    if way == "logout":
        return browser.post("/oauth/logout/")
    if way == "session refresh":
        OAuthConnection.objects.update(refresh_token="")
        session = browser.session
        session["oidc_id_token_expiration"] = 1
        session.save()
        return browser.get("/")
    return browser.get(f"/{way}/")


class PolicedBrowser(Browser):
    """Follows the page in between, as a browser does."""

    def sign_in_by(self, op: OpenIDProvider) -> None:
        self.end(self.authorize_by(op, self.begin()))

    def authorize_by(self, op: OpenIDProvider, begun: Any) -> AuthorizationAnswer:
        return op.authorization_answer(target_of(begun), "alice")


def target_of(response: Any) -> str:
    """Return where the page leads: it has one link and a refresh to the same place, and no form."""
    assert response.status_code == 200
    markup = Markup(response.content.decode())
    assert markup.forms == [] and markup.balanced
    (refresh,) = [meta for meta in markup.all("meta") if meta.get("http-equiv") == "refresh"]
    (url,) = markup.links.values()
    assert refresh["content"] == f"0;url={url}"
    return url


WAYS = ["login", "connect", "step-up", "scopes", "logout", "initiated", "session refresh"]


@pytest.fixture(params=["SECURE_CSP", "OIDC_LOGIN_REDIRECT_BY_PAGE"])
def policed(request: pytest.FixtureRequest, settings: Settings, op: OpenIDProvider) -> PolicedBrowser:
    configure(settings, "op", third_party_initiated_login=True)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oidc_login.middleware.SessionRefresh"]
    setattr(settings, request.param, {"form-action": ["'self'"]} if request.param == "SECURE_CSP" else True)
    return PolicedBrowser()


@pytest.mark.parametrize("way", WAYS)
def test_page_stands_between(op: OpenIDProvider, policed: PolicedBrowser, way: str) -> None:
    response = leave(policed, op, way)

    target = target_of(response)
    endpoint = op.metadata()["end_session_endpoint"] if way == "logout" else op.authorization_endpoint
    assert target.startswith(endpoint + "?")
    assert f"You are being taken to {urlsplit(target).hostname}." in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"


def strong(token: UnsignedToken) -> UnsignedToken:
    token.claims = {**token.claims, "acr": "gold"}
    return token


@pytest.mark.parametrize("way", ["login", "connect", "step-up", "scopes", "initiated", "session refresh"])
def test_way_by_the_page_ends_as_any_other(op: OpenIDProvider, policed: PolicedBrowser, way: str) -> None:
    away = leave(policed, op, way)
    op.bend("id_token", strong)
    answer = policed.authorize_by(op, away)

    assert policed.end(answer).status_code == 302
    assert policed.user.username == "alice"
    assert policed.flow_cookies == {}


def test_logout_by_the_page_ends_the_session_first(op: OpenIDProvider, policed: PolicedBrowser) -> None:
    leave(policed, op, "logout")

    assert policed.user is None


def test_policy_that_names_the_provider_needs_no_page(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.SECURE_CSP = {"form-action": ["'self'", op.issuer]}

    assert browser.begin().status_code == 302


def test_local_way_out_needs_no_page(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_REDIRECT_BY_PAGE = True
    browser.log_in(get_user_model().objects.create_user("somebody"))

    assert browser.post("/oauth/logout/")["Location"] == "/"


# The checks.


def numbers() -> list[str]:
    return [str(found.id) for found in run_checks(tags=["oidc_login"], databases=[])]


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ({"issuer": "https://op.example"}, "https://op.example"),
        ({"discovery_url": "https://op.example/x/.well-known/openid-configuration"}, "https://op.example"),
        (
            {
                "issuer": "https://op.example",
                "metadata": {"authorization_endpoint": "https://pages.example/authorize"},
            },
            "https://pages.example",
        ),
        ({"class": "oidc_login.providers.DiscordProvider"}, "https://discord.com"),
    ],
    ids=str,
)
def test_policy_that_stops_the_redirect_is_named(settings: Settings, entry: dict[str, Any], origin: str) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {"client_id": "c", "client_secret": "s" * 40, **entry}}
    settings.OIDC_LOGIN_REDIRECT_BY_PAGE = False
    settings.SECURE_CSP = {"form-action": ["'self'"]}

    (found,) = run_checks(tags=["oidc_login"], databases=[])
    assert found.id == "oidc_login.W140"
    assert "SECURE_CSP" in found.msg and origin in found.msg and found.hint

    settings.SECURE_CSP = {"form-action": ["'self'", origin]}
    assert numbers() == []
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    settings.OIDC_LOGIN_REDIRECT_BY_PAGE = None
    assert numbers() == []
