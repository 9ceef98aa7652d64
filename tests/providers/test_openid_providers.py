"""Every OpenID provider of the documentation signs people in, by its own document and in its own manner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import WARNING, run_checks
from django.utils import timezone

from oidc_login.adding.facts import known_providers
from oidc_login.exceptions import NeedsReauth
from oidc_login.models import OAuthConnection
from oidc_login.providers import OIDCProvider, get_provider
from oidc_login.providers.shipped import shipped_classes
from tests.providers.openid_service import OpenIDService, Person, Row, openid_service
from tests.providers.openid_table import APPLE, LINKEDIN, PAYPAL, ROWS, SLACK, TWITCH

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

every_row = pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])


@pytest.fixture
def service(row: Row, settings: Settings) -> Iterator[OpenIDService]:
    with openid_service(row, settings) as service:
        yield service


def signed_in(service: OpenIDService) -> Any:
    """The user whom a sign-in that must work leads to."""
    response = service.sign_in()
    assert (response.status_code, response["Location"]) == (302, "/"), response.content.decode()
    return service.browser.user


def expire(connection: OAuthConnection) -> None:
    connection.access_token_expires_at = timezone.now() - timedelta(minutes=1)
    connection.save()


def test_every_provider_of_settings_alone_has_a_row() -> None:
    folders = {known.key for known in known_providers() if "class" not in known.settings}

    assert folders == {row.folder for row in ROWS if row.entry is None}


def test_every_class_of_openid_connect_has_a_row() -> None:
    named = {row.entry("https://op.example").get("class") for row in ROWS if row.entry is not None}
    classes = {name for name, of in shipped_classes().items() if issubclass(of, OIDCProvider)}

    assert {f"oidc_login.providers.{name}" for name in classes} <= named


@every_row
def test_a_person_signs_in(service: OpenIDService, row: Row) -> None:
    user = signed_in(service)

    connection = service.connection
    assert (connection.issuer, connection.provider_user_id) == (service.issuer, row.subject)
    assert (connection.email, connection.email_verified) == ("ada@example.org", row.vouches)
    assert user.email == ("ada@example.org" if row.vouches else "")
    assert bool(connection.refresh_token) is row.refreshes


@every_row
def test_a_person_without_an_address_signs_in(service: OpenIDService, row: Row) -> None:
    service.person = Person(email="")

    user = signed_in(service)

    assert (service.connection.email, service.connection.email_verified, user.email) == ("", False, "")


@every_row
def test_an_address_that_the_provider_does_not_vouch_for_opens_no_account(service: OpenIDService, row: Row) -> None:
    service.person = Person(verified=False)
    get_user_model().objects.create_user("ada", "ada@example.org", "a password")

    response = service.sign_in()

    assert response.status_code == 409
    assert "email_not_verified" in response.content.decode()
    assert service.browser.user is None
    assert not OAuthConnection.objects.exists()


@every_row
def test_an_address_that_the_provider_vouches_for_opens_its_account(service: OpenIDService, row: Row) -> None:
    user = get_user_model().objects.create_user("ada", "ada@example.org", "a password")

    response = service.sign_in()

    if row.vouches:
        assert (response.status_code, service.browser.user) == (302, user)
        assert service.connection.link_reason == "verified_email"
        return
    assert (response.status_code, service.browser.user) == (409, None)


@every_row
def test_a_code_that_is_refused_is_an_error_in_the_providers_words(service: OpenIDService, row: Row) -> None:
    service.op.bend("token", lambda good: row.refused)

    response = service.sign_in()

    expected = (502, "token_response_invalid") if row is LINKEDIN else (400, "code_refused")
    assert response.status_code == expected[0]
    assert expected[1] in response.content.decode()
    assert not OAuthConnection.objects.exists()


@every_row
def test_a_client_that_is_refused_is_the_sites_fault(service: OpenIDService, row: Row) -> None:
    service.op.bend("token", lambda good: row.refused_client)

    response = service.sign_in()

    assert response.status_code == 502
    assert "client_refused" in response.content.decode() or row.folder == "auth0"
    assert not OAuthConnection.objects.exists()


@every_row
def test_a_person_who_cancels_comes_back(service: OpenIDService, row: Row) -> None:
    service.op.bend("authorize", lambda good: good.with_(error=row.cancelled))

    response = service.sign_in(user=None)

    assert (response.status_code, response["Location"]) == (302, "/oauth/")


@every_row
def test_the_identity_survives_other_names_and_addresses(service: OpenIDService, row: Row) -> None:
    user = signed_in(service)
    service.person = replace(service.person, email="lovelace@example.org", username="lovelace", name="Ada Lovelace")

    assert signed_in(service) == user
    connection = service.connection
    assert connection.email in ("lovelace@example.org", "ada@example.org")
    assert connection.provider_user_id == row.subject


@every_row
def test_tokens_are_refreshed(service: OpenIDService, row: Row) -> None:
    signed_in(service)
    connection = service.connection
    before = (connection.access_token, connection.refresh_token)
    if not row.refreshes:
        assert not get_provider("op").can_refresh(oauth_token=connection.oauth_token)
        return
    expire(connection)

    connection.refresh_access_token()

    found = service.connection
    assert found.access_token != before[0]
    assert found.refresh_token == before[1]
    assert (found.status, found.issuer, found.provider_user_id) == ("ok", service.issuer, row.subject)


@every_row
def test_a_refresh_token_that_is_refused_needs_the_person(service: OpenIDService, row: Row) -> None:
    signed_in(service)
    connection = service.connection
    if not row.refreshes:
        return
    expire(connection)
    refused = replace(row.refused, json={**row.refused.json})
    if row is TWITCH:
        refused.json["message"] = "Invalid refresh token"
    service.op.bend("token", lambda good: refused)

    with pytest.raises(NeedsReauth):
        connection.refresh_access_token()

    assert service.connection.status == "needs_reauth"


@every_row
def test_the_settings_pass_djangos_checks(service: OpenIDService, row: Row) -> None:
    assert [message for message in run_checks(tags=["oidc_login"], databases=[]) if message.level >= WARNING] == []


@every_row
def test_what_protects_a_sign_in_is_sent(service: OpenIDService, row: Row) -> None:
    """Each exception has its reason in the provider's class."""
    signed_in(service)

    asked = service.browser.begun[0]
    posted = next(request for request in service.op.requests if request.endpoint == "token").form
    assert asked["state"]
    assert ("code_challenge" in asked, "code_verifier" in posted) == ((row not in (LINKEDIN, SLACK)),) * 2
    assert ("nonce" in asked) is (row.folder != "paypal")


@every_row
def test_a_session_is_confirmed_silently_where_the_provider_can(service: OpenIDService, row: Row) -> None:
    """Core 3.1.2.1: elsewhere `prompt=none` would show people a page."""
    assert get_provider("op").answers_silently is (row not in (APPLE, LINKEDIN, PAYPAL, SLACK, TWITCH))
