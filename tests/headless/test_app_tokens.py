"""App tokens at the site's own API: REST framework, Django Ninja and plain views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import include, path

from oidc_login.models import SignedInSession
from tests.drf import api_urls
from tests.headless.frontend import API, problem
from tests.headless.test_native import APP, bearer, post, sign_in
from tests.support.databases import failing
from tests.support.invariant import Witness
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
urlpatterns = [path("api/auth/", include("oidc_login.contrib.headless.urls")), *api_urls.urlpatterns]
every_framework = pytest.mark.parametrize("framework", ["drf", "ninja", "plain"])


@pytest.fixture
def phone(site: Settings, client: Client, witness: Witness) -> Client:
    """An app at a site without `OIDC_LOGIN_BEARER_PROVIDERS`, whose own tokens open its API."""
    site.ROOT_URLCONF = __name__
    site.OIDC_LOGIN_APP_SESSIONS = True
    site.OIDC_LOGIN_PROVIDERS = {"op": {**site.OIDC_LOGIN_PROVIDERS["op"], "native_client_ids": [APP]}}
    return client


@pytest.fixture
def token(phone: Client, op: RecordingOpenIDProvider) -> str:
    return str(sign_in(phone, op).json()["app_token"])


def call(client: Client, path: str, token: str) -> Any:
    return client.get(path, headers=bearer(token))


@every_framework
def test_an_app_token_opens_the_api_for_its_person(phone: Client, token: str, framework: str) -> None:
    response = call(phone, f"/{framework}/", token)

    assert (response.status_code, response.json()) == (
        200,
        {
            "user": get_user_model().objects.get().get_username(),
            "scopes": [],
            "roles": [],
            "client_id": "",
            "is_application": False,
            "has_connection": True,
        },
    )
    assert not response.cookies
    assert call(phone, f"/{framework}/people/", token).status_code == 200


@every_framework
@pytest.mark.parametrize(("demand", "status"), [("orders", 403), ("admins", 403), ("fresh", 401)])
def test_an_app_token_has_no_scopes_no_roles_and_no_time(
    phone: Client, token: str, framework: str, demand: str, status: int
) -> None:
    assert call(phone, f"/{framework}/{demand}/", token).status_code == status


@every_framework
def test_a_token_that_was_ended_opens_nothing(phone: Client, token: str, framework: str) -> None:
    assert post(phone, "logout/", **bearer(token)).status_code == 200

    response = call(phone, f"/{framework}/", token)

    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@every_framework
@pytest.mark.parametrize("table", ["oidc_login_signedinsession", "oidc_login_oauthconnection"])
def test_a_store_that_fails_says_nothing_about_the_token(
    phone: Client, token: str, witness: Witness, framework: str, table: str
) -> None:
    with failing(table):
        response = call(phone, f"/{framework}/", token)

    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "WWW-Authenticate" not in response
    assert token not in witness.caplog.text
    assert call(phone, f"/{framework}/", token).status_code == 200


def test_a_store_that_fails_ends_no_app_session(phone: Client, token: str) -> None:
    with failing("oidc_login_signedinsession"):
        response = phone.get(f"{API}session/", headers=bearer(token))

    assert problem(response) == (503, "site_unavailable")
    assert response["Retry-After"]


@every_framework
@pytest.mark.parametrize("is_on", [True, False], ids=["unknown", "setting off"])
def test_no_provider_is_shown_an_app_token(
    phone: Client, op: RecordingOpenIDProvider, site: Settings, token: str, framework: str, is_on: bool
) -> None:
    site.OIDC_LOGIN_BEARER_PROVIDERS = {"op": {"audience": "client", "token_profile": "opaque"}}
    site.OIDC_LOGIN_APP_SESSIONS = is_on
    SignedInSession.objects.filter(pk__isnull=not is_on).delete()
    op.clear()

    assert call(phone, f"/{framework}/", token).status_code == 401
    assert op.requests == []


def test_a_view_that_names_other_providers_refuses_it(phone: Client, token: str, rf: Any) -> None:
    from oidc_login.access_tokens.challenge import BearerRefused
    from oidc_login.access_tokens.requests import authenticate
    from oidc_login.backends import site_backend

    assert authenticate(rf.get("/"), token, backend=site_backend(), providers=["op"])[0].is_active
    with pytest.raises(BearerRefused):
        authenticate(rf.get("/"), token, backend=site_backend(), providers=["other"])


def test_throttle_counts_the_person(phone: Client, token: str) -> None:
    cache.clear()

    assert [call(phone, "/drf/limited/", token).status_code for _time in range(3)] == [200, 200, 429]
