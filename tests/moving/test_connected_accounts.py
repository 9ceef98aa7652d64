"""Moving in from oauth2-capture and django-oauth-login, by tables as their migrations make them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from oidc_login.models import ImportRun, OAuthConnection
from tests.moving.conftest import PEOPLE, run_import

pytestmark = pytest.mark.django_db(transaction=True)

CAPTURED = """CREATE TABLE oauth2_capture_oauthtoken (id integer PRIMARY KEY, provider varchar(50) NOT NULL,
    access_token text NOT NULL, expires_at timestamp NULL, refresh_token varchar(500) NOT NULL,
    refresh_token_expires_at timestamp NULL, token_type varchar(50), scope text NOT NULL, user_id varchar(100) NOT NULL,
    owner_id integer NOT NULL, created_at timestamp, profile_json text NULL, name varchar(100) NOT NULL)"""
LOGINS = """CREATE TABLE oauthlogin_oauthconnection (id integer PRIMARY KEY, created_at timestamp, updated_at timestamp,
    provider_key varchar(100) NOT NULL, provider_user_id varchar(100) NOT NULL, access_token varchar(2000) NOT NULL,
    refresh_token varchar(2000) NOT NULL, access_token_expires_at timestamp NULL,
    refresh_token_expires_at timestamp NULL, user_id integer NOT NULL)"""


@pytest.fixture
def tables(settings: Any) -> Iterator[None]:
    client = {"client_id": "c", "client_secret": "s"}
    settings.OIDC_LOGIN_PROVIDERS = {
        "github": {"class": "oidc_login.providers.GitHubProvider", **client},
        "x": {"class": "oidc_login.providers.XProvider", **client},
        "youtube": {"class": "oidc_login.providers.YouTubeProvider", **client, "allow_login": False},
    }
    names = ("oauth2_capture_oauthtoken", "oauthlogin_oauthconnection")
    with connection.cursor() as cursor:
        for statement in (CAPTURED, LOGINS):
            cursor.execute(statement)
        yield
        for name in names:
            cursor.execute(f"DROP TABLE {name}")


def insert(table: str, **values: Any) -> None:
    columns = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(values.values()))  # noqa: S608


def owner(name: str) -> User:
    return User.objects.get_or_create(username=name)[0]


def capture(number: int, *, provider: str = "github", user_id: str | None = None, **profile: Any) -> None:
    insert(
        "oauth2_capture_oauthtoken",
        id=number + 1,
        provider=provider,
        access_token=f"access-of-{number}",
        refresh_token=f"refresh-of-{number}",
        expires_at=timezone.now() + timedelta(hours=1),
        scope="repo",
        user_id=str(1000 + number) if user_id is None else user_id,
        owner_id=owner(PEOPLE[number]).pk,
        profile_json=json.dumps(profile),
        name=f"Person {number}",
    )


def test_captured_accounts_move_with_their_tokens(tables: None) -> None:
    for number in range(90):
        capture(number, login=f"person-{number}")
    for number in range(90, 95):
        capture(number, provider="twitter")
    capture(95, provider="youtube", user_id="UCx0000000000000000000")
    capture(96, provider="youtube", user_id="104223344556677889900")
    capture(97, user_id="1000", login="somebody else's")  # in the table twice
    capture(98, provider="myspace")
    capture(99, user_id="")
    before = list(OAuthConnection.objects.values())

    status, said = run_import("oauth2_capture", "--apply")

    assert status == 3
    for line in ("imported: 90", "imported: 5", "imported: 1 ", "in conflict: 1", "without a usable sub: 1"):
        assert line in said, said
    assert not any(secret in said for secret in ("access-of", "refresh-of", "UCx", "104223344556677889900"))
    made = OAuthConnection.objects.get(user__username=PEOPLE[0])
    assert (made.provider_key, made.provider_user_id, made.issuer) == ("github", "1000", "")
    assert (made.access_token, made.refresh_token, made.scope) == ("access-of-0", "refresh-of-0", "repo")
    assert made.claims["name"] == "Person 0"
    run_import("oauth2_capture", "--undo", str(ImportRun.objects.get().pk), "--apply")
    assert list(OAuthConnection.objects.values()) == before


def test_channels_move_where_the_entry_says_that_they_are_the_identity(tables: None, settings: Any) -> None:
    capture(0, provider="youtube", user_id="UCx0000000000000000000")
    capture(1, provider="youtube", user_id="104223344556677889900")
    entries = settings.OIDC_LOGIN_PROVIDERS
    settings.OIDC_LOGIN_PROVIDERS = {**entries, "youtube": {**entries["youtube"], "identify_by": "channel"}}

    said = run_import("oauth2_capture", "--apply")[1]

    assert "without a usable sub: 1 (rows 2)" in said
    assert OAuthConnection.objects.get().provider_user_id == "UCx0000000000000000000"


def test_connections_of_oauth_login_move(tables: None) -> None:
    for number, name in enumerate(PEOPLE):
        insert(
            "oauthlogin_oauthconnection",
            id=number + 1,
            provider_key="github",
            provider_user_id=str(number),
            access_token=f"access-of-{number}",
            refresh_token="",
            user_id=owner(name).pk if number else 10**6,  # one whose user is gone
        )
    status, said = run_import("oauth_login", "--apply")

    assert (status, "imported: 99 (tokens taken: 99, left: 0)" in said, "without a user: 1" in said) == (3, True, True)
    assert OAuthConnection.objects.get(provider_user_id="7").access_token == "access-of-7"
    assert "access-of" not in said
