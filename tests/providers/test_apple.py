"""Apple: a secret made for each request, answers by form_post, and booleans in words."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from jwcrypto.jwk import JWK

from oidc_login.protocol.errors import TokenErrorResponse
from oidc_login.providers import AppleProvider
from oidc_login.testing import OpenIDProvider
from tests.providers.flows import asked_parameters, exchange

KEY = JWK.generate(kty="EC", crv="P-256")


def apple(op: OpenIDProvider, **changes: Any) -> AppleProvider:
    """Apple's class in front of a provider on loopback; the key as the downloaded .p8 file has it."""
    arguments = {
        "provider_key": "apple",
        "client_id": "client",
        "team_id": "TEAM",
        "key_id": "KEYID",
        "client_key": KEY.export_to_pem(private_key=True, password=None).decode(),
        "discovery_url": op.discovery_url,
    }
    return AppleProvider(**{**arguments, **changes})


def test_the_secret_is_made_of_the_key_for_each_request(op: OpenIDProvider) -> None:
    """https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret"""
    (secret,) = apple(op).get_client_secrets()
    assert jwt.get_unverified_header(secret) == {"alg": "ES256", "kid": "KEYID", "typ": "JWT"}
    public = jwt.PyJWK.from_dict({**KEY.export_public(as_dict=True), "alg": "ES256"})
    claims = jwt.decode(secret, public, algorithms=["ES256"], audience=op.issuer)
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("TEAM", "client", op.issuer)
    assert 0 < claims["exp"] - claims["iat"] <= 15_777_000
    assert abs(claims["iat"] - time.time()) < 60


def test_the_secret_is_posted(op: OpenIDProvider) -> None:
    """The provider on loopback does not know it, as its secret is another kind."""
    with pytest.raises(TokenErrorResponse, match="invalid_client"):
        exchange(op, apple(op))
    posted = op.requests[-1]
    assert posted.form["client_id"] == "client"
    assert jwt.get_unverified_header(posted.form["client_secret"])["kid"] == "KEYID"
    assert "authorization" not in posted.headers


def test_the_answer_is_posted_and_asks_for_a_name(op: OpenIDProvider) -> None:
    parameters = asked_parameters(apple(op))
    assert parameters["response_mode"] == "form_post"
    assert parameters["scope"] == "openid name email"
    assert parameters["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    ("value", "verified"), [("true", True), (True, True), ("false", False), (False, False), ("1", False)]
)
def test_verified_is_said_in_words(op: OpenIDProvider, value: Any, verified: bool) -> None:
    assert apple(op).is_email_verified({"email": "a@x", "email_verified": value}) is verified


def test_a_key_that_is_none_is_refused_at_once(op: OpenIDProvider) -> None:
    with pytest.raises(ValueError, match="client_key"):
        apple(op, client_key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
