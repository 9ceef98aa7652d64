"""Connections in the admin: who signs in from where, and never a token."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from tests.support.browser import Browser

pytestmark = pytest.mark.django_db

URL = "/admin/oidc_login/oauthconnection/"
ACCESS, REFRESH = "access-token-in-clear", "refresh-token-in-clear"


@pytest.fixture
def connection() -> OAuthConnection:
    return OAuthConnection.objects.create(
        user=get_user_model().objects.create_user("somebody"),
        provider_key="op",
        issuer="https://op.example",
        provider_user_id="subject-1",
        email="somebody@example.org",
        link_reason="signed_up",
        access_token=ACCESS,
        refresh_token=REFRESH,
    )


@pytest.fixture
def admin(browser: Browser) -> Browser:
    browser.log_in(get_user_model().objects.create_superuser("root"))
    return browser


@pytest.mark.parametrize(
    "page", ["", "?q=somebody", "?provider_key=op", "{pk}/change/", "{pk}/history/", "{pk}/delete/"]
)
def test_no_page_shows_a_token(admin: Browser, connection: OAuthConnection, page: str) -> None:
    response = admin.get(URL + page.format(pk=connection.pk))

    assert response.status_code == 200
    text = response.content.decode()
    assert ACCESS not in text and REFRESH not in text
    assert "oidc_login.1." not in text, "nor its ciphertext"


def test_list_finds_by_address_and_identity(admin: Browser, connection: OAuthConnection) -> None:
    for query in ("somebody@example.org", "subject-1"):
        assert "1 connection" in admin.get(URL, {"q": query}).content.decode()
    assert "0 connections" in admin.get(URL, {"q": ACCESS}).content.decode()


def test_list_can_be_narrowed_to_those_that_need_their_people(admin: Browser, connection: OAuthConnection) -> None:
    assert "0 connections" in admin.get(URL, {"status__exact": "needs_reauth"}).content.decode()
    OAuthConnection.objects.update(status="needs_reauth")

    assert "1 connection" in admin.get(URL, {"status__exact": "needs_reauth"}).content.decode()
    assert "status__exact=needs_reauth" in admin.get(URL).content.decode()


def test_connection_is_neither_made_nor_changed_here(admin: Browser, connection: OAuthConnection) -> None:
    admin.get(f"{URL}{connection.pk}/delete/")  # a page with a form
    # The form for a new one is for who may connect identities: tests/linking/test_link_command.py.
    assert admin.post(URL + "add/", {"access_token": "planted"}).status_code == 200
    assert OAuthConnection.objects.get() == connection
    assert admin.post(f"{URL}{connection.pk}/change/", {"provider_user_id": "other"}).status_code == 403

    connection.refresh_from_db()
    assert connection.provider_user_id == "subject-1"


def test_pages_work_after_the_key_was_lost(admin: Browser, connection: OAuthConnection) -> None:
    OAuthConnection.objects.filter(pk=connection.pk).update(issuer="https://changed.example")

    assert admin.get(f"{URL}{connection.pk}/change/").status_code == 200


def test_connection_can_be_removed(admin: Browser, connection: OAuthConnection) -> None:
    admin.get(f"{URL}{connection.pk}/delete/")
    admin.post(f"{URL}{connection.pk}/delete/", {"post": "yes"})

    assert not OAuthConnection.objects.exists()


def test_nobody_else_sees_them(browser: Browser, connection: OAuthConnection) -> None:
    assert browser.get(URL).status_code == 302
