"""The ID token: always judged as at a sign-in, by whatever call, and never more mildly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from oidc_login.client import OAuth, OAuthError, UserInfo
from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.testing import UnsignedToken
from tests.client.conftest import CALLBACK, Register
from tests.client.test_flows import refused
from tests.client.trip import Trip
from tests.support.served import ALICE, CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

Op = RecordingOpenIDProvider


@pytest.fixture
def client(register: Register) -> DjangoOAuth2App:
    return register()


@pytest.fixture
def trip(client: DjangoOAuth2App) -> Trip:
    return Trip(client)


def claims(**changes: Any) -> Callable[[UnsignedToken], UnsignedToken]:
    """Let the provider sign other claims; `None` leaves one out."""

    def change(token: UnsignedToken) -> UnsignedToken:
        token.claims = {n: v for n, v in {**token.claims, **changes}.items() if v is not None}
        return token

    return change


NOW = int(time.time())
TOKENS: list[tuple[str, dict[str, Any], str]] = [
    ("another issuer", {"iss": "https://evil.example"}, "invalid_claim"),
    ("no issuer", {"iss": None}, "invalid_claim"),
    ("another client", {"aud": "another"}, "invalid_claim"),
    ("another client too", {"aud": ["client", "another"]}, "invalid_claim"),
    ("made for another client", {"azp": "another"}, "invalid_claim"),
    ("another nonce", {"nonce": "x" * 43}, "invalid_claim"),
    ("no nonce", {"nonce": None}, "invalid_claim"),
    ("no nonce, and a reason", {"nonce": None, "nonce_supported": False}, "invalid_claim"),
    ("another access token", {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "invalid_claim"),
    ("nobody", {"sub": ""}, "invalid_claim"),
    ("expired", {"exp": NOW - 1000}, "expired_token"),
    ("never expires", {"exp": None}, "expired_token"),
    ("of the future", {"iat": NOW + 100_000}, "invalid_token"),
    ("of long ago", {"iat": NOW - 10_000}, "invalid_token"),
]


@pytest.mark.parametrize(("changes", "name"), [row[1:] for row in TOKENS], ids=[row[0] for row in TOKENS])
def test_id_token_of(trip: Trip, op: Op, changes: dict[str, Any], name: str) -> None:
    answer = op.authorization_answer(trip.begin())

    with op.bend("id_token", claims(**changes)):
        refused(lambda: trip.end(answer), name, "id_token_invalid")


def test_id_token_that_is_not_there(trip: Trip, op: Op) -> None:
    def without(answer: Any) -> Any:
        del answer.json["id_token"]
        return answer

    answer = op.authorization_answer(trip.begin())
    with op.bend("token", without):
        refused(lambda: trip.end(answer), "invalid_token", "id_token_invalid")


def test_id_token_without_a_signature(trip: Trip, op: Op) -> None:
    def unsign(token: UnsignedToken) -> UnsignedToken:
        token.header["alg"] = token.alg = "none"
        return token

    answer = op.authorization_answer(trip.begin())
    with op.bend("id_token", unsign):
        refused(lambda: trip.end(answer), "invalid_token", "id_token_invalid")


# A call that asks for more.

MORE: list[tuple[str, dict[str, Any], str | None]] = [
    ("nothing", {}, None),
    ("what is there", {"auth_time": {"essential": True}}, None),
    ("what is not there", {"acr": {"essential": True}}, "missing_claim"),
    ("what may be missing", {"acr": {"values": ["strong"]}}, None),
    ("one value", {"sub": {"value": ALICE.sub}}, None),
    ("another value", {"sub": {"value": "somebody-else"}}, "invalid_claim"),
    ("one of some", {"sub": {"values": ["x", ALICE.sub]}}, None),
    ("none of some", {"sub": {"values": ["x", "y"]}}, "invalid_claim"),
    ("a rule that says yes", {"sub": {"validate": lambda claims, value: value == claims["sub"]}}, None),
    ("a rule that says no", {"sub": {"validate": lambda claims, value: False}}, "invalid_claim"),
    ("what is certain", {"iss": {"essential": True}, "aud": {"essential": True, "value": "client"}}, None),
]


@pytest.mark.parametrize(("options", "name"), [row[1:] for row in MORE], ids=[row[0] for row in MORE])
def test_claims_options_that_ask_for(trip: Trip, op: Op, options: dict[str, Any], name: str | None) -> None:
    answer = op.authorization_answer(trip.begin())

    if name is None:
        assert trip.end(answer, claims_options=options)["userinfo"]["sub"] == ALICE.sub
        return
    with pytest.raises(OAuthError) as caught:
        trip.end(answer, claims_options=options)
    assert caught.value.error == name
    assert "canary" not in str(caught.value)


# A call that asks for less.

WEAKER: list[tuple[dict[str, Any], str]] = [
    ({"claims_options": {"iss": {"essential": False}}}, "always checked"),
    ({"claims_options": {"aud": {"essential": False}}}, "always checked"),
    ({"claims_options": {"exp": {"essential": False}}}, "always checked"),
    ({"claims_options": {"nonce": {"allow_blank": True}}}, "always checked"),
    ({"claims_options": {"iss": {"values": ["https://evil.example"]}}}, "always checked"),
    ({"claims_options": {"iss": {"value": "https://evil.example"}}}, "always checked"),
    ({"claims_options": {"aud": {"values": ["client", "another"]}}}, "always checked"),
    ({"claims_options": {"sub": {"vlaue": "x"}}}, "Write some of 'essential'"),
    ({"claims_cls": dict}, "UserInfo"),
    ({"leeway": 301}, "from 0 to 300"),
    ({"leeway": -1}, "from 0 to 300"),
    ({"leeway": float("nan")}, "from 0 to 300"),
    ({"leeway": float("inf")}, "from 0 to 300"),
    ({"leeway": True}, "from 0 to 300"),
]


@pytest.mark.parametrize(("arguments", "advice"), WEAKER, ids=str)
def test_argument_that_would_weaken_the_judgement(trip: Trip, op: Op, arguments: dict[str, Any], advice: str) -> None:
    """Before the flow is used up."""
    answer = op.authorization_answer(trip.begin())

    with pytest.raises(ImproperlyConfigured, match=advice):
        trip.end(answer, **arguments)
    token = trip.end(answer)
    with pytest.raises(ImproperlyConfigured, match=advice):
        trip.client.parse_id_token(token, trip.begun["nonce"], **arguments)


def test_issuer_of_the_document_may_be_named(trip: Trip, op: Op) -> None:
    assert trip.whole(op)
    answer = op.authorization_answer(trip.begin())

    assert trip.end(answer, claims_options={"iss": {"values": [op.issuer]}})


def test_class_of_the_result(trip: Trip, op: Op) -> None:
    class Member(UserInfo):
        pass

    answer = op.authorization_answer(trip.begin())

    assert type(trip.end(answer, claims_cls=Member)["userinfo"]) is Member


LEEWAYS = [(None, 110, True), (None, 130, False), (200, 190, True), (200, 210, False), (0, 10, False)]


@pytest.mark.parametrize(("leeway", "late", "accepted"), LEEWAYS)
def test_leeway(trip: Trip, op: Op, leeway: int | None, late: int, accepted: bool) -> None:
    """Two minutes, unless the call says otherwise."""
    answer = op.authorization_answer(trip.begin())

    with op.bend("id_token", claims(exp=int(time.time()) - late)):
        if accepted:
            assert trip.end(answer, leeway=leeway)
            return
        refused(lambda: trip.end(answer, leeway=leeway), "expired_token", "id_token_invalid")


def test_leeway_of_one_call_is_of_that_call(trip: Trip, op: Op) -> None:
    with op.bend("id_token", claims(exp=int(time.time()) - 200)):
        assert trip.end(op.authorization_answer(trip.begin()), leeway=300)
        answer = op.authorization_answer(trip.begin())
        refused(lambda: trip.end(answer), "expired_token", "id_token_invalid")


# What keeps people out of sign-ins with a provider of the settings keeps them out here.

RESTRICTED: list[tuple[dict[str, Any], str]] = [
    ({"class": "oidc_login.providers.GoogleProvider", "hosted_domain": "corp.example"}, "refused_by_site"),
    ({"groups_claim": "groups", "groups_missing": "refuse"}, "refused_by_site"),
    ({"allowed_email_domains": ["corp.example"]}, "domain_not_allowed"),
    ({"claims": {"id_token": {"acr": {"essential": True, "values": ["strong"]}}}}, "refused_by_site"),
]


@pytest.mark.parametrize(("restriction", "code"), RESTRICTED, ids=[row[1] for row in RESTRICTED])
def test_restriction_of_the_settings(op: Op, settings: Settings, restriction: dict[str, Any], code: str) -> None:
    op.claims_in_id_token = True
    entry = {"discovery_url": op.discovery_url, "client_id": "client", "client_secret": CLIENT_SECRET}
    configure(settings, "op", **{**entry, **restriction})
    trip = Trip(OAuth().register("op"))
    answer = op.authorization_answer(trip.begin())

    refused(lambda: trip.end(answer), code, code)


def test_restriction_of_the_settings_that_admits(op: Op, settings: Settings) -> None:
    op.claims_in_id_token = True
    entry = {"discovery_url": op.discovery_url, "client_id": "client", "client_secret": CLIENT_SECRET}
    configure(settings, "op", **entry, allowed_email_domains=["example.org"])

    assert Trip(OAuth().register("op")).whole(op)["userinfo"].email == ALICE.email


def test_restriction_without_openid_connect_holds_for_user_info(github: RecordingGitHub, settings: Settings) -> None:
    entry = {"class": "oidc_login.providers.GitHubProvider", "base_url": github.base_url, "client_id": "client"}
    configure(settings, "own", **entry, client_secret=CLIENT_SECRET, allowed_email_domains=["corp.example"])
    client = OAuth().register("own")
    token = Trip(client).whole(github, "bob")

    refused(lambda: client.userinfo(token=token), "domain_not_allowed", "domain_not_allowed")


# parse_id_token.


def test_with_token_and_nonce(trip: Trip, op: Op) -> None:
    token = trip.whole(op)

    user = trip.client.parse_id_token(token, trip.begun["nonce"])

    assert user == token["userinfo"]
    assert trip.client.parse_id_token(token, nonce=trip.begun["nonce"]) == user


def test_with_another_nonce(trip: Trip, op: Op) -> None:
    token = trip.whole(op)

    refused(lambda: trip.client.parse_id_token(token, "x" * 43), "invalid_claim", "id_token_invalid")


@pytest.mark.parametrize("nonce", [None, "", 7])
def test_without_a_nonce(trip: Trip, op: Op, nonce: Any) -> None:
    token = trip.whole(op)

    with pytest.raises(OAuthError, match="missing_nonce"):
        trip.client.parse_id_token(token, nonce)


def test_without_an_id_token(client: DjangoOAuth2App, op: Op) -> None:
    assert client.parse_id_token({"access_token": "x"}, "x" * 43) is None


def test_with_another_access_token(trip: Trip, op: Op) -> None:
    token = {**trip.whole(op), "access_token": "another"}

    refused(lambda: trip.client.parse_id_token(token, trip.begun["nonce"]), "invalid_claim", "id_token_invalid")


def test_of_another_client(trip: Trip, op: Op, register: Register) -> None:
    token = trip.whole(op)
    other = register("other", client_id="another")

    refused(lambda: other.parse_id_token(token, trip.begun["nonce"]), "invalid_claim", "id_token_invalid")


def test_with_the_request_that_ended_the_flow(trip: Trip, op: Op) -> None:
    request = trip.back(op.authorization_answer(trip.begin()))
    token = trip.client.authorize_access_token(request)

    assert trip.client.parse_id_token(request, token) == token["userinfo"]


def test_with_a_request_that_ended_nothing(trip: Trip, op: Op) -> None:
    token = trip.whole(op)

    with pytest.raises(OAuthError, match="mismatching_state"):
        trip.client.parse_id_token(trip.request("/"), token)


def test_with_a_request_that_ended_another_flow(trip: Trip, op: Op) -> None:
    token = trip.whole(op)
    request = trip.back(op.authorization_answer(trip.begin()))
    trip.client.authorize_access_token(request)

    refused(lambda: trip.client.parse_id_token(request, token), "invalid_claim", "id_token_invalid")


def test_with_the_request_of_another_client(trip: Trip, op: Op, register: Register) -> None:
    request = trip.back(op.authorization_answer(trip.begin()))
    token = trip.client.authorize_access_token(request)

    with pytest.raises(OAuthError, match="mismatching_state"):
        register("other").parse_id_token(request, token)


def test_where_nobody_can_judge_it(github: RecordingGitHub) -> None:
    """An OAuth 2.0 provider that sends an ID token proves nothing by it."""
    client = OAuth().register("forge")

    with pytest.raises(RuntimeError, match='Missing "jwks_uri" in metadata'):
        client.parse_id_token({"access_token": "x", "id_token": "a.b.c"}, "x" * 43)


# What the provider says of itself.


def test_metadata(client: DjangoOAuth2App, op: Op, github: RecordingGitHub) -> None:
    metadata = client.load_server_metadata()

    assert metadata["issuer"] == op.issuer
    assert metadata["end_session_endpoint"] == op.url("/end_session")
    assert metadata["scopes_supported"][0] == "openid"
    assert OAuth().register("forge").load_server_metadata() == {
        "authorization_endpoint": github.authorization_endpoint,
        "token_endpoint": github.token_endpoint,
    }


def test_leeway_where_there_are_no_id_tokens(github: RecordingGitHub) -> None:
    trip = Trip(OAuth().register("forge"))

    assert trip.end(github.authorization_answer(trip.begin(), "bob"), leeway=10)["access_token"]


def test_keys(client: DjangoOAuth2App, op: Op) -> None:
    assert client.fetch_jwk_set() == op.jwks()
    assert client.fetch_jwk_set() == op.jwks()
    assert op.asked().count("jwks") == 1


def test_keys_by_force(client: DjangoOAuth2App, op: Op) -> None:
    """Somebody who asks all the time does not make the site ask all the time."""
    old = client.fetch_jwk_set()
    op.rotate_keys()
    new = client.fetch_jwk_set(force=True)

    assert (old, new) != (new, old)
    assert new == op.jwks()
    assert client.fetch_jwk_set(force=True) == new
    assert op.asked().count("jwks") == 2


def test_keys_where_there_are_none(github: RecordingGitHub) -> None:
    with pytest.raises(RuntimeError, match='Missing "jwks_uri" in metadata'):
        OAuth().register("forge").fetch_jwk_set()


def test_values_that_a_site_keeps_by_itself(client: DjangoOAuth2App, op: Op) -> None:
    """The two calls below `authorize_access_token`, for whoever has the verifier and the nonce."""
    data = client.create_authorization_url(CALLBACK)
    code = op.authorization_answer(data["url"])["code"]

    token = client.fetch_access_token(CALLBACK, code=code, code_verifier=data["code_verifier"], state=data["state"])

    assert "userinfo" not in token
    user = client.parse_id_token(token, data["nonce"])
    assert user is not None and user.sub == ALICE.sub
