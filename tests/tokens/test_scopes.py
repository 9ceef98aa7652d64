"""What was granted, and asking for more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_login.models import OAuthConnection, Status
from oidc_login.testing import Answer
from tests.login.browser import Browser
from tests.login.served import RecordingOpenIDProvider, configure
from tests.tokens.conftest import Connect

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tokens.views")]


@pytest.mark.parametrize(
    ("provider_class", "granted", "asked", "has"),
    [
        ("OIDCProvider", "openid email", ("openid", "email"), True),
        ("OIDCProvider", "openid email", ("profile",), False),
        ("OIDCProvider", "openid", (), True),
        ("OIDCProvider", "calendar.read", ("calendar",), False),
        ("GitHubProvider", "repo,user", ("repo", "user:email", "public_repo"), True),
        ("GitHubProvider", "public_repo", ("repo",), False),
        ("GitHubProvider", "admin:org", ("read:org",), True),
        ("GoogleProvider", "openid https://www.googleapis.com/auth/userinfo.email", ("email",), True),
        ("GoogleProvider", "openid", ("email",), False),
    ],
)
def test_granted_scopes(
    connect: Connect, settings: Settings, provider_class: str, granted: str, asked: tuple[str, ...], has: bool
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"p": {"class": f"oidc_login.providers.{provider_class}", "client_id": "c"}}
    if provider_class == "OIDCProvider":
        configure(settings, "p", issuer="https://op.example")

    assert connect(provider_key="p", scope=granted).has_scopes(*asked) is has


def test_granted_scopes_of_a_provider_that_is_gone(connect: Connect, settings: Settings) -> None:
    connection = connect(scope="a b")
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert connection.has_scopes("a") and not connection.has_scopes("c")


@pytest.fixture
def alice(op: RecordingOpenIDProvider, browser: Browser) -> Browser:
    browser.sign_in(op)
    return browser


def asked_scope(response: object) -> list[str]:
    return parse_qs(urlsplit(response["Location"]).query)["scope"][0].split()  # type: ignore[index]


@pytest.mark.parametrize("page", ["/calendar/?week=2", "/async/calendar/?week=2"])
def test_person_grants_what_is_missing_and_comes_back(op: RecordingOpenIDProvider, alice: Browser, page: str) -> None:
    away = alice.get(page)
    assert away.status_code == 302
    assert set(asked_scope(away)) == {"openid", "email", "profile", "phone"}

    back = alice.end(alice.authorize(op, away))

    assert back["Location"] == page
    assert alice.get(page).content == b"calendar"
    assert OAuthConnection.objects.get().has_scopes("phone", "email")


def test_scope_of_the_request_counts_where_the_answer_names_none(op: RecordingOpenIDProvider, alice: Browser) -> None:
    """RFC 6749 5.1: identical to what was asked, this time."""
    op.bend("token", lambda good: Answer.of_json({k: v for k, v in good.json.items() if k != "scope"}))

    alice.end(alice.authorize(op, alice.get("/calendar/")))

    assert alice.get("/calendar/").status_code == 200


def test_person_who_does_not_grant_it_goes_round_no_circle(op: RecordingOpenIDProvider, alice: Browser) -> None:
    op.bend("token", lambda good: Answer.of_json({**good.json, "scope": "openid email profile"}))
    alice.end(alice.authorize(op, alice.get("/calendar/")))

    refused = alice.get("/calendar/")

    assert refused.status_code == 403
    assert refused.context["oauth_error"].code == "scope_not_granted"
    assert 'href="/calendar/"' in refused.content.decode()
    assert alice.get("/calendar/").status_code == 302, "who tries again is asked again"


def test_connection_that_needs_the_person_grants_nothing(op: RecordingOpenIDProvider, alice: Browser) -> None:
    OAuthConnection.objects.update(scope="openid phone", status=Status.NEEDS_REAUTH)

    assert alice.get("/calendar/").status_code == 302


def test_somebody_without_a_session_signs_in_first(op: RecordingOpenIDProvider, browser: Browser) -> None:
    assert browser.get("/calendar/")["Location"].startswith("/oauth/?next=")


def test_account_that_is_not_connected_is_connected(op: RecordingOpenIDProvider, browser: Browser) -> None:
    from django.contrib.auth import get_user_model

    browser.log_in(get_user_model().objects.create_user("somebody"))

    browser.end(browser.authorize(op, browser.get("/calendar/")))

    assert browser.get("/calendar/").status_code == 200
    assert OAuthConnection.objects.get().user.get_username() == "somebody"
