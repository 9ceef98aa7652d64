"""A page of somebody else's can make a browser ask for any URL by GET. That changes no account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import URLResolver, get_resolver, include, path, reverse

from oidc_login.decorators import reauthentication_required, scopes_required
from oidc_login.models import OAuthConnection
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the page")


urlpatterns = [
    path("oauth/", include("oidc_login.urls")),
    path("", page, name="home"),
    path("scopes/", scopes_required("op", "phone")(page)),
    path("step-up/", reauthentication_required(acr_values="gold")(page)),
    path("plain/", page),
]

# What goes to the provider by GET: from these only an identity comes back that the person has connected already.
SESSION_REFRESH = "oidc_login.middleware.SessionRefresh"
BEGUN_BY_GET = {
    "scopes": "/scopes/",
    "step-up": "/step-up/",
    "session refresh": "/plain/",
    "third party": "/oauth/op/initiate/",
}


def names(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the name of every URL of the package, and the arguments that it needs."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from names(each, each.namespace or namespace)
        elif each.name and each.callback.__module__.startswith("oidc_login."):
            name = f"{namespace}:{each.name}" if namespace else each.name
            yield name, ["op"] if each.pattern.converters else []


def accounts() -> list[Any]:
    """Return all that could be changed of anybody's account; times of use and tokens are no part of that."""
    users = list(get_user_model().objects.order_by("pk").values("pk", "username", "password", "email", "is_active"))
    return [users, list(OAuthConnection.objects.order_by("pk").values("pk", "user_id", "provider_user_id"))]


@pytest.fixture
def alice(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> Browser:
    configure(settings, "op", third_party_initiated_login=True)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, SESSION_REFRESH]
    browser.sign_in(op)
    return browser


def test_no_url_begins_anything_by_get(op: RecordingOpenIDProvider, alice: Browser) -> None:
    before = accounts()
    found = dict(names(get_resolver(__name__)))
    assert {"oidc_login:login", "oidc_login:connect", "oidc_authentication_init"} <= set(found)
    for name, arguments in found.items():
        for method in ("GET", "HEAD"):
            query = {"iss": op.issuer, "next": "/", "provider_user_id": "x", "session": "x", "scopes": "phone"}
            answer = alice.request(method, reverse(name, args=arguments), query, cross_site=True)
            begins = op.authorization_endpoint in answer.get("Location", "")
            assert begins == (name == "oidc_login:initiate_login" and method == "GET"), f"{method} {name}"

    assert accounts() == before
    assert alice.user.username == "alice"


@pytest.mark.parametrize("somebody", ["bob", "carol"])
@pytest.mark.parametrize("way", BEGUN_BY_GET)
def test_identity_of_nobody_here_and_of_somebody_else_is_not_used(
    op: RecordingOpenIDProvider, alice: Browser, way: str, somebody: str
) -> None:
    """The attacker's page has signed the browser in at the provider as somebody else (bob has an account here)."""
    Browser().sign_in(op, user="bob")
    if way == "session refresh":
        OAuthConnection.objects.update(refresh_token="")
        session = alice.session
        session["oidc_id_token_expiration"] = 1
        session.save()
    before = accounts()
    query = {"iss": op.issuer} if way == "third party" else {}

    away = alice.get(f"{BEGUN_BY_GET[way]}?{urlencode(query)}", cross_site=True)
    alice.end(alice.authorize(op, away, somebody))

    assert accounts() == before
    assert alice.user is None or alice.user.username == "alice"
    fresh = Browser()
    fresh.sign_in(op, user="carol")
    assert fresh.user.username == "carol"
