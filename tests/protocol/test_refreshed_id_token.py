"""A refreshed ID token: about the same person and the same sign-in as the first one (Core 12.2)."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_login.protocol.errors import InvalidIDToken
from oidc_login.protocol.id_token import check_refreshed, hash_of_nonce

FIRST = hash_of_nonce("first")


@pytest.mark.parametrize(
    ("claims", "nonce_hash"),
    [
        pytest.param({}, FIRST, id="no nonce"),
        pytest.param({"nonce": None}, FIRST, id="null"),
        pytest.param({"nonce": "first"}, FIRST, id="the first nonce"),
        pytest.param({"nonce": "any"}, "", id="a first nonce that is not known"),
    ],
)
def test_refreshed_token_of_the_same_sign_in(claims: dict[str, Any], nonce_hash: str) -> None:
    check_refreshed({"sub": "alice", **claims}, subject="alice", nonce_hash=nonce_hash)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"sub": "bob"}, "sub", id="another person"),
        pytest.param({"sub": "Alice"}, "sub", id="another case"),
        pytest.param({"sub": "alice", "nonce": "second"}, "nonce", id="another nonce"),
        pytest.param({"sub": "alice", "nonce": 1}, "nonce", id="a nonce that is a number"),
        pytest.param({"sub": "alice", "nonce": "\ud800"}, "nonce", id="a nonce that is no text"),
    ],
)
def test_refreshed_token_of_somebody_or_something_else(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidIDToken) as refused:
        check_refreshed(claims, subject="alice", nonce_hash=FIRST)
    assert refused.value.reason == reason
