"""Clients of OAuth 1.0: the request token stays with its browser, and calls are signed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured

from oidc_login import client as package
from oidc_login.client import DjangoOAuth1App, OAuth, OAuthError
from oidc_login.session_state import KEYS
from tests.client.conftest import CALLBACK, Visitor, twitter
from tests.client.test_flows import refused
from tests.client.trip import Trip
from tests.support.invariant import Witness
from tests.support.oauth1 import RecordingOAuth1, configure_photos
from tests.support.rsa_key import PRIVATE_KEY
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

Photos = RecordingOAuth1
UNKNOWN_FLOW = 'Missing "request_token" in temporary data'


@pytest.fixture
def client(photos: Photos) -> DjangoOAuth1App:
    client: DjangoOAuth1App = OAuth().register("twitter")
    return client


@pytest.fixture
def trip(client: DjangoOAuth1App) -> Trip:
    return Trip(client)


def test_views_of_the_documentation(visitor: Visitor, photos: Photos, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.client.site1"
    begun = visitor.get("/login")

    ended = visitor.get(photos.authorize(begun.headers["Location"]))

    assert ended.status_code == 302
    assert visitor.user["id"] == ALICE.numeric_id
    assert photos.asked() == ["request_token", "access_token", "resource"]


def test_token_is_what_the_provider_sent(trip: Trip, photos: Photos) -> None:
    photos.token_extras = lambda person: {"screen_name": person.username, "user_id": str(person.numeric_id)}

    token = trip.whole(photos)

    assert set(token) == {"oauth_token", "oauth_token_secret", "screen_name", "user_id"}
    assert token["screen_name"] == "alice"
    assert repr(token) == "<Discreet: oauth_token, oauth_token_secret, screen_name, user_id>"


def test_client_class(client: DjangoOAuth1App, photos: Photos) -> None:
    assert package.DjangoOAuth1App is DjangoOAuth1App
    assert repr(client) == "<DjangoOAuth1App twitter>"
    with pytest.raises(AttributeError):
        package.DjangoOAuth3App  # noqa: B018


def test_provider_of_the_settings(photos: Photos, settings: Settings) -> None:
    configure_photos(settings, photos)
    client = OAuth().register("photos", api_base_url=f"{photos.base_url}/")

    token = Trip(client).whole(photos)

    assert isinstance(client, DjangoOAuth1App)
    assert client.get("user", token=token).json()["id"] == ALICE.numeric_id


# Whose answer counts.


def unknown(call: Callable[[], Any], code: str) -> None:
    error = refused(call, "oauth_error", code)
    assert error.description == UNKNOWN_FLOW


def test_answer_in_another_browser(trip: Trip, photos: Photos) -> None:
    answer = photos.authorization_answer(trip.begin())

    unknown(lambda: Trip(trip.client).end(answer), "state_unknown")
    assert "access_token" not in photos.asked()


def test_answer_for_the_second_time(trip: Trip, photos: Photos) -> None:
    answer = photos.authorization_answer(trip.begin())
    trip.end(answer)

    unknown(lambda: trip.end(answer), "state_used")
    assert photos.asked().count("access_token") == 1


def test_answer_without_a_state(trip: Trip, photos: Photos) -> None:
    answer = photos.authorization_answer(trip.begin())

    unknown(lambda: trip.end(answer.without("state")), "state_missing")


def test_flow_of_another_client(trip: Trip, photos: Photos) -> None:
    other = Trip(OAuth().register("other", **twitter(photos)), trip)
    answer = photos.authorization_answer(other.begin())

    unknown(lambda: trip.end(answer), "provider_mismatch")


def test_answer_without_a_token(trip: Trip, photos: Photos) -> None:
    answer = photos.authorization_answer(trip.begin())

    error = refused(lambda: trip.end(answer.without("oauth_token")), "oauth_error", "error")
    assert error.description == 'Missing "oauth_token" parameter'
    unknown(lambda: trip.end(answer), "state_used")


def test_answer_about_another_token(trip: Trip, photos: Photos) -> None:
    other = photos.authorization_answer(Trip(trip.client).begin())
    answer = photos.authorization_answer(trip.begin())

    swapped = answer.with_(oauth_token=other["oauth_token"], oauth_verifier=other["oauth_verifier"])
    refused(lambda: trip.end(swapped), "parameter_invalid", "parameter_invalid")
    assert "access_token" not in photos.asked()


def test_verifier_of_another_flow(trip: Trip, photos: Photos) -> None:
    other = photos.authorization_answer(Trip(trip.client).begin())
    answer = photos.authorization_answer(trip.begin())

    swapped = answer.with_(oauth_verifier=other["oauth_verifier"])
    refused(lambda: trip.end(swapped), "invalid_grant", "code_refused")


def test_person_who_cancels(trip: Trip, photos: Photos) -> None:
    answer = photos.authorization_answer(trip.begin(), None)

    refused(lambda: trip.end(answer), "access_denied", "cancelled")


def test_provider_that_refuses_the_client(photos: Photos) -> None:
    client = OAuth().register("own", **{**twitter(photos), "client_secret": "another"})

    refused(Trip(client).begin, "invalid_client", "client_refused")


def test_parameters_of_one_request(trip: Trip, photos: Photos) -> None:
    with pytest.raises(ImproperlyConfigured, match="authorize_params"):
        trip.begin(screen_name="alice")
    assert photos.asked() == []


# Where the request token waits.


def saved(trip: Trip, **changes: Any) -> Any:
    data = trip.client.create_authorization_url(CALLBACK)
    trip.client.save_authorize_data(trip.request("/login"), **{"redirect_uri": CALLBACK, **data, **changes})
    return data


def test_in_the_session(trip: Trip, photos: Photos) -> None:
    data = saved(trip)

    assert set(data) == {"url", "state", "request_token"}
    assert trip.end(photos.authorization_answer(data["url"]))["oauth_token"]
    assert trip.session[KEYS["client_flows"]] == {}


def test_in_a_session_that_is_a_cookie(photos: Photos, settings: Settings) -> None:
    """Where the browser could read it, it is sealed."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    trip = Trip(OAuth().register("twitter"))
    data = saved(trip)
    trip.session.save()

    shown = json.dumps(signing.loads(trip.session.session_key, salt=settings.SESSION_ENGINE))

    assert data["request_token"]["oauth_token_secret"] not in shown
    assert data["request_token"]["oauth_token"] not in shown


@pytest.mark.parametrize("request_token", [None, {}])
def test_without_a_request_token(trip: Trip, photos: Photos, request_token: Any) -> None:
    with pytest.raises(OAuthError, match="missing_request_token"):
        saved(trip, request_token=request_token)


def test_flow_that_a_site_keeps_by_itself(client: DjangoOAuth1App, photos: Photos) -> None:
    data = client.create_authorization_url(CALLBACK)
    verifier = photos.authorization_answer(data["url"])["oauth_verifier"]

    assert client.fetch_access_token(data["request_token"], oauth_verifier=verifier)["oauth_token"]
    with pytest.raises(OAuthError, match="missing_request_token"):
        client.fetch_access_token(oauth_verifier=verifier)


def test_failure_takes_the_verifier_out_of_the_request(trip: Trip, photos: Photos) -> None:
    request = trip.back(photos.authorization_answer(trip.begin()).with_(oauth_token="another"))

    with pytest.raises(OAuthError):
        trip.client.authorize_access_token(request)

    assert (dict(request.GET), request.META["QUERY_STRING"]) == ({}, "")


def test_nothing_is_shown(trip: Trip, photos: Photos, witness: Witness) -> None:
    answer = photos.authorization_answer(trip.begin())
    with pytest.raises(OAuthError) as caught:
        trip.end(answer.with_(oauth_verifier="another"))
    token = trip.whole(photos)
    trip.client.get("user", token=token)

    told = f"{witness.caplog.text}{caught.value!r}{caught.value}{token}"
    assert [each for each in photos.secrets() if len(each) > 12 and each in told] == []


# Calls.


def test_call_is_signed(trip: Trip, photos: Photos) -> None:
    token = trip.whole(photos)

    assert trip.client.get("user", token=token, params={"a": "b c"}).json()["id"] == ALICE.numeric_id
    assert trip.client.get("user", withhold_token=True).status_code == 401


def test_name_of_the_site(photos: Photos) -> None:
    client = OAuth().register("own", **{**twitter(photos), "user_agent": "shop/1.0"})

    client.get("user", token=Trip(client).whole(photos))

    assert [request.headers["user-agent"] for request in photos.requests] == ["shop/1.0"] * 3


SIGNING: list[dict[str, Any]] = [
    {"signature_method": "HMAC-SHA1"},
    {"signature_method": "RSA-SHA1", "rsa_key": PRIVATE_KEY},
    {"signature_method": "PLAINTEXT"},
    {"signature_type": "QUERY"},
    {"signature_type": "BODY"},
    {"realm": "photos"},
]


@pytest.mark.parametrize("kwargs", SIGNING, ids=[" ".join(each) + str(n) for n, each in enumerate(SIGNING)])
def test_ways_to_sign(photos: Photos, kwargs: dict[str, Any]) -> None:
    client = OAuth().register("own", **{**twitter(photos), "client_kwargs": kwargs})

    token = Trip(client).whole(photos)

    assert client.get("user", token=token).status_code == 200


NO_TOKENS: list[Any] = [{}, {"oauth_token": "CANARY"}, {"oauth_token": "", "oauth_token_secret": "CANARY"}, "CANARY"]


@pytest.mark.parametrize("token", NO_TOKENS, ids=str)
def test_what_is_no_token(client: DjangoOAuth1App, photos: Photos, token: Any) -> None:
    with pytest.raises(OAuthError, match="token_invalid") as caught:
        client.get("user", token=token)
    assert "CANARY" not in str(caught.value)
    with pytest.raises(OAuthError, match="missing_token"):
        client.get("user")


# What has to be registered.


@pytest.mark.parametrize("missing", ["client_id", "authorize_url", "access_token_url"])
def test_client_that_cannot_work(photos: Photos, missing: str) -> None:
    client = OAuth().register("own", **{**twitter(photos), missing: None})

    with pytest.raises(ImproperlyConfigured, match=f"{missing} is missing"):
        Trip(client).begin()


def test_option_of_oauth2(photos: Photos) -> None:
    client = OAuth().register("own", **{**twitter(photos), "client_key": PRIVATE_KEY})

    with pytest.raises(ImproperlyConfigured, match=r"client_key means nothing in OAuth 1.0. Remove it"):
        Trip(client).begin()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"signature_method": "HMAC-MD5"}, "'HMAC-SHA1'"),
    ({"signature_type": "COOKIE"}, "'HEADER'"),
    ({"rsa_key": "no key"}, "PEM"),
    ({"force_include_body": True}, "Remove it"),
    ({"verify": False}, "Remove it"),
]


@pytest.mark.parametrize(("kwargs", "advice"), REFUSED, ids=str)
def test_option_that_is_refused(photos: Photos, kwargs: dict[str, Any], advice: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=advice):
        OAuth().register("own", **{**twitter(photos), "client_kwargs": kwargs})


WITHOUT_OAUTHLIB = """
import sys

sys.modules["oauthlib"] = None

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], SECRET_KEY="x" * 50)
django.setup()

from oidc_login.client import OAuth

try:
    OAuth().register("twitter", client_id="c", request_token_url="https://op.example/")
except ImproperlyConfigured as error:
    print(error)
"""


def test_site_without_the_extra() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OAUTHLIB], capture_output=True, text=True, check=True, timeout=60
    )

    assert "oauth.register('twitter'): OAuth 1.0 needs oauthlib. Install django-oidc-login[oauth1]." in done.stdout
