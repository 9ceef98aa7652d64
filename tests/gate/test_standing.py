"""Which address counts when an identity is used again: that of the newest claims, or else the stored one."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_login.models import OAuthConnection
from oidc_login.providers import OIDCProvider
from oidc_login.signin.admission import present_identity

STORED = {"email": "stored@example.org", "email_verified": True}


def provider() -> OIDCProvider:
    return OIDCProvider(provider_key="op", issuer="https://op.example", client_id="client")


@pytest.mark.parametrize(
    ("stored", "claims", "expected"),
    [
        (STORED, {}, ("stored@example.org", True)),
        ({**STORED, "email_verified": False}, {}, ("stored@example.org", False)),
        (STORED, {"email_verified": False}, ("stored@example.org", True)),
        (STORED, {"email": "new@example.org", "email_verified": True}, ("new@example.org", True)),
        (STORED, {"email": "new@example.org"}, ("new@example.org", False)),
        (STORED, {"email": "new@example.org", "email_verified": False}, ("new@example.org", False)),
        ({"email": "", "email_verified": True}, {}, ("", False)),
        (STORED, {"email": "not an address", "email_verified": True}, ("", False)),
    ],
    ids=[
        "no claims",
        "stored as unverified",
        "a word about no address",
        "a newer address",
        "a newer address without a word",
        "a newer address that is unverified",
        "no address anywhere",
        "something that is no address",
    ],
)
def test_address_and_its_verification_are_one_pair(
    stored: dict[str, Any], claims: dict[str, Any], expected: tuple[str, bool]
) -> None:
    connection = OAuthConnection(provider_key="op", issuer="https://op.example", provider_user_id="1", **stored)

    identity = present_identity(connection, claims, provider())

    assert (identity.email, identity.email_verified) == expected


def test_claims_that_are_missing_are_the_stored_ones() -> None:
    connection = OAuthConnection(
        provider_key="op", issuer="https://op.example", provider_user_id="1", claims={"hd": "old", "name": "Ann"}
    )

    identity = present_identity(connection, {"hd": "new"}, provider())

    assert identity.claims == {"hd": "new", "name": "Ann"}
