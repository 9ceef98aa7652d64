"""Logout at the provider: where people are sent, and who comes back from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from oidc_login.client import OAuth, OAuthError
from oidc_login.client.apps import DjangoOAuth2App
from tests.client.conftest import Register
from tests.client.test_flows import refused
from tests.client.trip import Trip
from tests.support.served import RecordingGitHub, RecordingOpenIDProvider

Op = RecordingOpenIDProvider
DONE = "http://testserver/logged-out"
LONG = "a-value.of_the~sites-own"


@pytest.fixture
def client(register: Register) -> DjangoOAuth2App:
    return register()


@pytest.fixture
def trip(client: DjangoOAuth2App) -> Trip:
    return Trip(client)


def parameters_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def leave(trip: Trip, op: Op, **hints: Any) -> str:
    """From the redirect to where the provider sends people back."""
    return op.end_session(trip.follow(trip.client.logout_redirect(trip.request("/logout"), DONE, **hints)))


def test_there_and_back(trip: Trip, op: Op) -> None:
    token = trip.whole(op)
    url = leave(trip, op, id_token_hint=token["id_token"])

    assert trip.begun["id_token_hint"] == token["id_token"]
    assert "client_id" not in trip.begun
    assert trip.client.validate_logout_response(trip.request(url)) == {"post_logout_redirect_uri": DONE}


def test_parameters(client: DjangoOAuth2App, op: Op) -> None:
    """Without an ID token the client says who it is (2)."""
    data = client.create_logout_url(DONE, logout_hint="alice", ui_locales="de")

    assert parameters_of(data["url"]) == {
        "client_id": "client",
        "post_logout_redirect_uri": DONE,
        "state": data["state"],
        "logout_hint": "alice",
        "ui_locales": "de",
    }
    assert data["url"].startswith(op.url("/end_session?"))
    assert len(data["state"]) >= 43
    assert "client" not in repr(data)


def test_without_a_way_back_there_is_no_state(trip: Trip, op: Op) -> None:
    assert trip.client.create_logout_url()["state"] is None
    response = trip.client.logout_redirect(trip.request("/logout"))

    assert parameters_of(response["Location"]) == {"client_id": "client"}
    assert not response.cookies


def test_state_of_the_sites_own(trip: Trip, op: Op) -> None:
    url = leave(trip, op, state=LONG)

    assert trip.begun["state"] == LONG
    assert trip.client.validate_logout_response(trip.request(url))


def test_state_that_can_be_guessed(client: DjangoOAuth2App, op: Op) -> None:
    with pytest.raises(ImproperlyConfigured, match="state"):
        client.create_logout_url(DONE, state="fixed")


def test_way_back_that_nobody_can_be_sent(client: DjangoOAuth2App, op: Op) -> None:
    with pytest.raises(ImproperlyConfigured, match="build_absolute_uri"):
        client.create_logout_url("/logged-out")


def test_provider_that_has_no_logout(op: Op, github: RecordingGitHub, register: Register) -> None:
    def without(answer: Any) -> Any:
        del answer.json["end_session_endpoint"]
        return answer

    with op.bend("discovery", without), pytest.raises(RuntimeError, match='Missing "end_session_endpoint" in metadata'):
        register("plain").create_logout_url(DONE)
    with pytest.raises(RuntimeError, match='Missing "end_session_endpoint" in metadata'):
        OAuth().register("forge").create_logout_url(DONE)


RETURNS: list[tuple[str, str]] = [
    ("?state=" + "x" * 43, 'Invalid "state" parameter'),
    ("?state={state}&state={state}", 'Invalid "state" parameter'),
    ("?state={state}&state=", 'Invalid "state" parameter'),
    ("?state=", 'Missing "state" parameter'),
    ("", 'Missing "state" parameter'),
]


@pytest.mark.parametrize(("query", "description"), RETURNS)
def test_return_with(trip: Trip, op: Op, query: str, description: str) -> None:
    state = parameters_of(leave(trip, op))["state"]

    with pytest.raises(OAuthError) as caught:
        trip.client.validate_logout_response(trip.request("/logged-out" + query.format(state=state)))
    assert (caught.value.error, caught.value.description) == ("oauth_error", description)
    assert state not in f"{caught.value}{caught.value.__cause__!r}"


def invalid(trip: Trip, url: str) -> None:
    with pytest.raises(OAuthError, match='Invalid "state" parameter'):
        trip.client.validate_logout_response(trip.request(url))


def test_return_for_the_second_time(trip: Trip, op: Op) -> None:
    url = leave(trip, op)
    trip.client.validate_logout_response(trip.request(url))

    invalid(trip, url)


def test_return_to_another_browser(trip: Trip, op: Op) -> None:
    invalid(Trip(trip.client), leave(trip, op))


def test_return_to_another_client(trip: Trip, op: Op, register: Register) -> None:
    invalid(Trip(register("other"), trip), leave(trip, op))


def test_return_after_ten_minutes(trip: Trip, op: Op, later: Callable[[float], None]) -> None:
    url = leave(trip, op)
    later(601)

    invalid(trip, url)


def test_state_of_a_logout_ends_no_flow(trip: Trip, op: Op) -> None:
    state = parameters_of(leave(trip, op))["state"]
    answer = op.authorization_answer(trip.begin())

    refused(lambda: trip.end(answer.with_(state=state)), "mismatching_state", "provider_mismatch")


def test_state_of_a_flow_ends_no_logout(trip: Trip, op: Op) -> None:
    trip.begin()

    invalid(trip, f"/logged-out?state={trip.begun['state']}")
