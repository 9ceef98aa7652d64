"""`OIDC_LOGIN_REAUTHENTICATION_AGE`: an old session proves anew who it is before the ways in change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Later = Callable[[float], None]
CONNECTIONS = "/oauth/connections/"


@pytest.fixture(autouse=True)
def five_minutes(settings: Settings) -> None:
    settings.OIDC_LOGIN_REAUTHENTICATION_AGE = 300
    settings.ROOT_URLCONF = "tests.linking.urls"
    settings.LOGIN_URL = "login"


def disconnect(browser: Browser) -> Any:
    return browser.post("/oauth/op/disconnect/", {"provider_user_id": ALICE.sub})


def log_in(browser: Browser, **data: str) -> Any:
    return browser.post("/accounts/login/", {"username": "existing", "password": "password", **data})


def test_new_session_changes_what_it_likes(op: OpenIDProvider, signed_in: Browser, later: Later) -> None:
    later(299)

    assert signed_in.connect(op).status_code == 302
    assert disconnect(signed_in)["Location"] == CONNECTIONS
    assert not OAuthConnection.objects.exists()


def test_old_session_of_a_password_signs_in_once_more(op: OpenIDProvider, signed_in: Browser, later: Later) -> None:
    signed_in.connect(op)
    later(301)

    for response in (signed_in.begin(view="connect"), disconnect(signed_in)):
        assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/oauth/connections/")
    assert OAuthConnection.objects.exists()
    assert "sign in again" in signed_in.get(CONNECTIONS).content.decode()

    assert log_in(signed_in, next=CONNECTIONS)["Location"] == CONNECTIONS
    assert disconnect(signed_in)["Location"] == CONNECTIONS
    assert not OAuthConnection.objects.exists()


def test_old_session_still_sees_its_connections(op: OpenIDProvider, signed_in: Browser, later: Later) -> None:
    """Where the login page sends whoever is signed in straight on, that must not go in circles."""
    later(301)

    assert signed_in.get(CONNECTIONS).status_code == 200


def test_old_session_that_never_said_when_it_began(op: OpenIDProvider, signed_in: Browser) -> None:
    session = signed_in.session
    for name in [name for name in dict(session.items()) if name.startswith("oidc_login")]:
        del session[name]
    session.save()

    assert signed_in.begin(view="connect")["Location"].startswith("/accounts/login/")


def test_provider_without_openid_signs_in_once_more(
    op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser, later: Later
) -> None:
    browser.sign_in(github, "github")
    later(301)
    assert browser.begin(view="connect")["Location"] == "/accounts/login/?next=/oauth/connections/"

    browser.sign_in(github, "github", next=CONNECTIONS)

    assert browser.connect(op, next=CONNECTIONS)["Location"] == CONNECTIONS
    assert OAuthConnection.objects.count() == 2


def test_provider_that_says_when_is_asked_for_a_new_sign_in(
    op: OpenIDProvider, browser: Browser, settings: Settings, later: Later
) -> None:
    """It must come back as the same person, to the connections, and may change them then."""
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**settings.OIDC_LOGIN_PROVIDERS["op"], "max_age": 3600}}
    browser.sign_in(op)
    later(301)

    away = browser.begin(view="connect")
    assert browser.begun[-1]["max_age"] == "300"

    back = browser.end(browser.authorize(op, away))
    assert (back.status_code, back["Location"]) == (302, CONNECTIONS)
    assert "max_age=300" not in browser.begin(view="connect")["Location"]


def test_anonymous_person_is_asked_to_sign_in(op: OpenIDProvider, browser: Browser) -> None:
    assert browser.begin(view="connect")["Location"] == "/accounts/login/?next=/oauth/connections/"


def test_never_is_the_default(op: OpenIDProvider, signed_in: Browser, settings: Settings, later: Later) -> None:
    del settings.OIDC_LOGIN_REAUTHENTICATION_AGE
    later(10**6)

    assert "/authorize?" in signed_in.begin(view="connect")["Location"]
