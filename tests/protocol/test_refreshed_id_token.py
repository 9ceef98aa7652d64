"""A refreshed ID token: about the same person and the same sign-in as the first one (Core 12.2)."""

from __future__ import annotations

from typing import Any

import pytest

from oidc_login.protocol.errors import InvalidIDToken
from oidc_login.protocol.id_token import auth_time_of, check_refreshed, hash_of_nonce

FIRST = hash_of_nonce("first")
TIME = 1_767_225_600


@pytest.mark.parametrize(
    ("claims", "nonce_hash", "auth_time"),
    [
        pytest.param({}, FIRST, TIME, id="neither nonce nor time"),
        pytest.param({"auth_time": None}, FIRST, TIME, id="a time of null"),
        pytest.param({"nonce": "first"}, FIRST, TIME, id="the first nonce"),
        pytest.param({"nonce": "any"}, "", TIME, id="a first nonce that is not known"),
        pytest.param({"auth_time": TIME}, FIRST, TIME, id="the first time"),
        pytest.param({"auth_time": TIME + 0.26}, FIRST, TIME, id="the first time with a fraction"),
        pytest.param({"auth_time": TIME}, FIRST, 0, id="a first time of zero"),
        pytest.param({"auth_time": 0}, FIRST, TIME, id="a time of zero"),
        pytest.param({"auth_time": TIME}, FIRST, None, id="a first time that is not known"),
    ],
)
def test_refreshed_token_of_the_same_sign_in(claims: dict[str, Any], nonce_hash: str, auth_time: int | None) -> None:
    check_refreshed({"sub": "alice", **claims}, subject="alice", nonce_hash=nonce_hash, auth_time=auth_time)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"sub": "bob"}, "sub", id="another person"),
        pytest.param({"sub": "Alice"}, "sub", id="another case"),
        pytest.param({"sub": "alice", "nonce": "second"}, "nonce", id="another nonce"),
        pytest.param({"sub": "alice", "nonce": 1}, "nonce", id="a nonce that is a number"),
        pytest.param({"sub": "alice", "nonce": "\ud800"}, "nonce", id="a nonce that is no text"),
        pytest.param({"sub": "alice", "auth_time": TIME + 1}, "auth_time", id="a later time"),
        pytest.param({"sub": "alice", "auth_time": TIME - 1}, "auth_time", id="an earlier time"),
        pytest.param({"sub": "alice", "auth_time": str(TIME)}, "auth_time", id="a time that is text"),
        pytest.param({"sub": "alice", "auth_time": False}, "auth_time", id="false"),
        pytest.param({"sub": "alice", "auth_time": ""}, "auth_time", id="an empty text"),
        pytest.param({"sub": "alice", "auth_time": []}, "auth_time", id="an empty list"),
    ],
)
def test_refreshed_token_of_somebody_or_something_else(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidIDToken) as refused:
        check_refreshed(claims, subject="alice", nonce_hash=FIRST, auth_time=TIME)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("claims", "had_azp", "is_good"),
    [
        ({"azp": "client"}, True, True),
        ({}, False, True),
        ({}, True, False),
        ({"azp": "client"}, False, False),
        ({}, None, True),
        ({"azp": "client"}, None, True),
    ],
)
def test_authorized_party_is_in_both_or_in_none(claims: dict[str, Any], had_azp: bool | None, is_good: bool) -> None:
    def check() -> None:
        refreshed = {"sub": "alice", **claims}
        check_refreshed(refreshed, subject="alice", nonce_hash=FIRST, auth_time=TIME, had_azp=had_azp)

    if is_good:
        check()
        return
    with pytest.raises(InvalidIDToken, match="azp"):
        check()


@pytest.mark.parametrize("nonce_hash", [FIRST, "", hash_of_nonce("")])
@pytest.mark.parametrize("nonce", [None, ""])
def test_nonce_of_nothing_is_malformed(nonce: str | None, nonce_hash: str) -> None:
    with pytest.raises(InvalidIDToken, match="nonce"):
        check_refreshed({"sub": "alice", "nonce": nonce}, subject="alice", nonce_hash=nonce_hash, auth_time=None)


@pytest.mark.parametrize(
    ("told", "time"),
    [
        (TIME, TIME),
        (TIME + 0.99, TIME),
        (0, 0),
        (253_402_300_799, 253_402_300_799),
        (253_402_300_800, None),
        (-1, None),
        (True, None),
        (str(TIME), None),
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
    ],
)
def test_time_of_a_sign_in_is_one_that_every_database_keeps(told: Any, time: int | None) -> None:
    assert auth_time_of({"auth_time": told}) == time
