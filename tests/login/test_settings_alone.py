"""An OAuth 2.0 provider by settings only: addresses, and where its answer has what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.checks import run_checks

from oidc_login.models import OAuthConnection, Status
from oidc_login.registry import get_provider
from oidc_login.testing import OAuth2StyleProvider, Resource, User, serve
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import CLIENT_SECRET, Recording, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

EMAIL = "ada.canary@example.org"
ANSWER = {
    "status": "ok",
    "data": {"account": {"number": 4711, "handle": "ada", "title": "Ada Byron"}},
    "addresses": [{"address": EMAIL, "confirmed": True}],
    "teams": ["editors"],
}
MAPPING = {
    "user_id": "data.account.number",
    "email": "addresses.0.address",
    "email_verified": "addresses.0.confirmed",
    "username": "data.account.handle",
    "name": "data.account.title",
}


class RecordingForge(Recording, OAuth2StyleProvider):
    answer: Any = ANSWER


@pytest.fixture
def forge(settings: Settings, witness: Witness) -> Iterator[RecordingForge]:
    """The site knows it as "forge", by settings only."""
    resources = {
        "user": Resource(path="/api/me", answer=lambda person, grant: op.answer),
        "projects": Resource(path="/api/projects", answer=lambda person, grant: ["engine"]),
    }
    op = RecordingForge(users=[User("ada")], resources=resources)
    with serve(op) as base_url:
        witness.providers.append(op)
        configure(
            settings,
            "forge",
            **{
                "class": "oidc_login.providers.OAuth2Provider",
                "authorization_endpoint": f"{base_url}/authorize",
                "token_endpoint": f"{base_url}/token",
                "userinfo_endpoint": f"{base_url}/api/me",
                "revocation_endpoint": f"{base_url}/revoke",
                "api_base_url": f"{base_url}/api/",
                "client_id": "client",
                "client_secret": CLIENT_SECRET,
                "scope": "profile",
                "mapping": MAPPING,
            },
        )
        yield op


def test_no_class_is_needed(forge: RecordingForge, browser: Browser) -> None:
    response = browser.sign_in(forge, "forge", user="ada", next="/next/")

    assert (response.status_code, response["Location"]) == (302, "/next/")
    assert (browser.user.username, browser.user.email) == ("ada", EMAIL)
    connection = OAuthConnection.objects.get()
    assert (connection.issuer, connection.provider_user_id) == (forge.base_url, "4711")
    assert connection.email_verified is True
    assert (connection.claims["name"], connection.scope) == ("Ada Byron", "profile")
    assert forge.asked() == ["token", "user"]


def test_configuration_has_no_message(forge: RecordingForge) -> None:
    found = run_checks(databases=[])

    assert [message for message in found if message.id and message.id.startswith("oidc_login.")] == []
    assert forge.requests == []


def test_challenge_is_sent_and_proved(forge: RecordingForge, browser: Browser) -> None:
    """RFC 9700 2.1.1."""
    browser.sign_in(forge, "forge", user="ada")

    assert browser.begun[0]["code_challenge_method"] == "S256"
    assert forge.requests[0].form["code_verifier"]


def test_another_name_and_address_is_the_same_person(forge: RecordingForge, browser: Browser) -> None:
    browser.sign_in(forge, "forge", user="ada")
    forge.answer = {
        "data": {"account": {"number": 4711, "handle": "lovelace"}},
        "addresses": [{"address": "new@example.org", "confirmed": True}],
    }
    again = Browser()
    again.sign_in(forge, "forge", user="ada")

    assert again.user == browser.user
    assert OAuthConnection.objects.get().email == "new@example.org"


@pytest.mark.parametrize("confirmed", [False, None, "true", 1])
def test_address_that_is_not_confirmed_opens_no_account(
    forge: RecordingForge, browser: Browser, confirmed: Any
) -> None:
    existing = get_user_model().objects.create_user("existing", EMAIL)
    forge.answer = {**ANSWER, "addresses": [{"address": EMAIL, "confirmed": confirmed}]}

    response = browser.sign_in(forge, "forge", user="ada")

    assert (response.status_code, browser.user) == (409, None)
    assert not existing.oauth_connections.exists()


@pytest.mark.parametrize("number", [None, "", True, 1.5, [4711], {"id": 4711}, "x" * 256, "a\x00b"], ids=repr)
def test_answer_without_a_proper_identity_is_refused(
    forge: RecordingForge, browser: Browser, assert_nothing_changed: NothingChanged, number: Any
) -> None:
    forge.answer = {**ANSWER, "data": {"account": {"number": number}}}
    answer = browser.authorize(forge, browser.begin("forge"), "ada")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (502, "userinfo_invalid")


def test_groups_come_from_the_answer(forge: RecordingForge, browser: Browser, settings: Settings) -> None:
    """The members of an answer have their own names in the settings about claims."""
    group = Group.objects.create(name="Editors")
    configure(settings, "forge", groups_claim="teams", group_map={"editors": "Editors"})

    browser.sign_in(forge, "forge", user="ada")

    assert list(browser.user.groups.all()) == [group]


def test_tokens_open_the_api_and_are_refreshed_and_taken_back(forge: RecordingForge, browser: Browser) -> None:
    browser.sign_in(forge, "forge", user="ada")
    connection = OAuthConnection.objects.select_related("user").get()

    assert connection.session().get("projects").json() == ["engine"]
    connection.refresh_access_token()
    assert connection.session().get("/projects").json() == ["engine"]
    connection.revoke()

    assert connection.status == Status.REVOKED
    assert forge.asked() == ["token", "user", "projects", "token", "projects", "revocation"]


def test_mapping_that_is_wrong_at_run_time_signs_nobody_in(
    forge: RecordingForge, browser: Browser, settings: Settings
) -> None:
    """A site's own loader may give what no check has seen."""
    for mapping in ({}, {"user_id": 5}, {"user_id": ""}, {"user_id": "data"}):
        configure(settings, "forge", mapping=mapping)
        assert browser.sign_in(forge, "forge", user="ada").status_code == 502
    assert get_provider("forge").label == "Forge"
