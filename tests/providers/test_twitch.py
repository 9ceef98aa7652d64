"""Twitch: it tells what the parameter `claims` asks for, and speaks of errors in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from oidc_login.protocol.errors import ProtocolError, TokenErrorResponse
from oidc_login.providers import TwitchProvider
from oidc_login.testing import Answer, OpenIDProvider, User, serve
from tests.providers.flows import asked_parameters, exchange, request_with_flow
from tests.providers.openid_service import document_of

USER = User("713936733", email="ada@example.org", email_verified=True, preferred_username="alice")


@pytest.fixture
def op() -> Iterator[OpenIDProvider]:
    """Tells nothing of a person by scope."""
    provider = OpenIDProvider(users=[USER], document=document_of("twitch"))
    with serve(provider):
        yield provider


def twitch(op: OpenIDProvider, **arguments: Any) -> TwitchProvider:
    given = {"provider_key": "op", "client_id": "client", "client_secret": "secret", "discovery_url": op.discovery_url}
    return TwitchProvider(**{**given, **arguments})


def test_the_address_comes_because_it_is_asked_for_by_name(op: OpenIDProvider) -> None:
    provider = twitch(op)
    token = exchange(op, provider)
    claims = provider.verify_id_token(token, request=request_with_flow())
    assert (claims["email"], claims["email_verified"]) == ("ada@example.org", True)
    assert provider.get_userinfo(token, claims=claims)["preferred_username"] == "alice"


def test_a_sites_own_claims_take_the_place_of_these(op: OpenIDProvider) -> None:
    asked = json.loads(asked_parameters(twitch(op, claims={"id_token": {"email": None}}))["claims"])
    assert asked == {"id_token": {"email": None}}
    assert set(json.loads(asked_parameters(twitch(op))["claims"])["userinfo"]) >= {"email", "email_verified"}


def test_tokens_are_taken_back_where_the_document_does_not_say(op: OpenIDProvider) -> None:
    """https://dev.twitch.tv/docs/authentication/revoke-tokens"""
    assert twitch(op).revocation_endpoint == "https://id.twitch.tv/oauth2/revoke"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"status": 400, "message": "Invalid authorization code"}, "invalid_grant"),
        (400, {"status": 400, "message": "Invalid refresh token"}, "invalid_grant"),
        (400, {"error": "Bad Request", "status": 400, "message": "Invalid refresh token"}, "invalid_grant"),
        (400, {"status": 400, "message": "invalid client"}, "invalid_client"),
        (403, {"status": 403, "message": "invalid client secret"}, "invalid_client"),
        (400, {"status": 400, "message": "Parameter redirect_uri does not match"}, "invalid_request"),
    ],
)
def test_a_sentence_is_an_error(op: OpenIDProvider, status: int, body: dict[str, Any], reason: str) -> None:
    op.bend("token", lambda good: Answer.of_json(body, status=status))
    with pytest.raises(TokenErrorResponse) as caught:
        exchange(op, twitch(op))
    assert caught.value.reason == reason


@pytest.mark.parametrize("message", [None, 5, ["Invalid refresh token"], {}])
def test_what_is_no_sentence_is_no_answer(op: OpenIDProvider, message: Any) -> None:
    op.bend("token", lambda good: Answer.of_json({"status": 400, "message": message}, status=400))
    with pytest.raises(ProtocolError) as caught:
        exchange(op, twitch(op))
    assert not isinstance(caught.value, TokenErrorResponse)
