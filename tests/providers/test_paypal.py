"""PayPal: user info says who it is, in one of two forms, and never that an address is verified unless it does."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.providers import OAuthToken, PayPalProvider
from tests.support.signing import ids

ID = "https://www.paypal.com/webapps/auth/identity/user/AbC123"


def paypal(**arguments: Any) -> PayPalProvider:
    return PayPalProvider(**{"provider_key": "paypal", "client_id": "client", **arguments})


def claims_of(answer: Any) -> dict[str, Any]:
    return paypal().user_from_userinfo(answer, oauth_token=OAuthToken(access_token="a")).as_claims()


@pytest.mark.parametrize(("sandbox", "site", "api"), [(False, "www", "api-m"), (True, "www.sandbox", "api-m.sandbox")])
def test_the_sandbox_has_addresses_of_its_own(sandbox: bool, site: str, api: str) -> None:
    """https://developer.paypal.com/api/rest/sandbox"""
    provider = paypal(sandbox=sandbox)
    assert provider.authorization_endpoint == f"https://{site}.paypal.com/signin/authorize"
    assert provider.token_endpoint == f"https://{api}.paypal.com/v1/oauth2/token"
    assert provider.userinfo_endpoint.startswith(f"https://{api}.paypal.com/v1/identity/oauth2/userinfo?")


ADDRESSES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("none", {}, {}),
    ("the primary one", {"emails": [{"value": "b@x"}, {"value": "a@x", "primary": True}]}, {"email": "a@x"}),
    ("none is primary", {"emails": [{"value": "a@x", "primary": "true"}]}, {}),
    ("no list", {"emails": "a@x"}, {}),
    ("odd entries", {"emails": [None, "a@x", 5, {"primary": True, "value": 7}]}, {}),
    ("the newer form", {"email": "a@x"}, {"email": "a@x"}),
    ("the newer form, verified", {"email": "a@x", "email_verified": True}, {"email": "a@x", "email_verified": True}),
    ("the newer form, in words", {"email": "a@x", "email_verified": "true"}, {"email": "a@x"}),
    ("the account is verified", {"email": "a@x", "verified_account": True}, {"email": "a@x"}),
    ("an address that is none", {"email": None, "emails": [{"value": "a@x", "primary": True}]}, {}),
]


@pytest.mark.parametrize(("answer", "claims"), [row[1:] for row in ADDRESSES], ids=ids(ADDRESSES))
def test_an_address_is_the_primary_one(answer: dict[str, Any], claims: dict[str, Any]) -> None:
    assert claims_of({"user_id": ID, **answer}) == {"sub": ID, **claims}


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"user_id": ""}, {"user_id": 5}, {"sub": ID}, {"payer_id": "W"}])
def test_an_answer_about_nobody_is_refused(answer: Any) -> None:
    with pytest.raises(UserInfoInvalid, match="user_id"):
        claims_of(answer)


def test_names_are_taken_over() -> None:
    answer = {"user_id": ID, "name": "Ada Byron", "given_name": "Ada", "family_name": "Byron", "payer_id": "W"}
    assert claims_of(answer) == {"sub": ID, "name": "Ada Byron", "given_name": "Ada", "family_name": "Byron"}
