"""Access tokens that others send, and what introspection says of them (RFC 9068 4, RFC 7662 2.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oidc_login.protocol.access_token import (
    UnverifiedAccessToken,
    check_audience,
    read_introspection,
    verify_access_token,
)
from oidc_login.protocol.errors import InvalidAccessToken, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.client import Response
from oidc_login.protocol.token_profiles import RFC9068
from tests.support.signing import ABSENT, ALGORITHMS, provider_keys, token, without_absent

NOW = 1_800_000_000
ISSUER, API = "https://op.example", "https://api.example"


def access_token(*, typ: Any = "at+jwt", **claims: Any) -> str:
    good = {"iss": ISSUER, "sub": "alice", "aud": API, "exp": NOW + 60}
    return token(without_absent({**good, **claims}), header={"typ": typ})


def verify(raw: str) -> dict[str, Any]:
    return verify_access_token(
        raw,
        keys=provider_keys(),
        algorithms=tuple(ALGORITHMS),
        issuers=[ISSUER],
        audiences=[API],
        own_clients=[],
        profile=RFC9068,
        tenants=None,
        now=NOW,
        leeway=30,
    ).claims


def test_a_token_of_the_type_is_verified_and_names_its_issuer() -> None:
    assert verify(access_token())["sub"] == "alice"
    unverified = UnverifiedAccessToken.parse(access_token())
    assert unverified is not None
    assert (unverified.issuer, unverified.token_type) == (ISSUER, "AT+JWT")


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "logout+jwt", ""])
def test_a_token_of_another_type_is_no_access_token(typ: Any) -> None:
    """RFC 9068 4: an ID token has the same issuer, keys and claims."""
    with pytest.raises(InvalidAccessToken, match="typ"):
        verify(access_token(typ=typ))


@pytest.mark.parametrize("audience", [API, [API], ["other", API], [{}, [API], API]])
def test_an_audience_is_one_of_ours(audience: Any) -> None:
    check_audience({"aud": audience}, {API}, profile=RFC9068, own_clients=())


@pytest.mark.parametrize("audience", ["other", [], [[API]], {API: True}, None, [7]])
def test_no_audience_is_ours(audience: Any) -> None:
    with pytest.raises(InvalidAccessToken, match="aud"):
        check_audience({"aud": audience}, {API}, profile=RFC9068, own_clients=())


def answer(status: int, document: Any) -> Response:
    return Response(status=status, content_type="application/json", headers={}, body=json.dumps(document).encode())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_provider_in_trouble_says_nothing_of_a_token(status: int) -> None:
    with pytest.raises(ProviderUnavailable):
        read_introspection(answer(status, {"active": True}), now=NOW)


@pytest.mark.parametrize(("status", "document"), [(201, {"active": True}), (400, {"active": True}), (200, ["active"])])
def test_what_is_no_introspection_answer_is_refused(status: int, document: Any) -> None:
    with pytest.raises(ResponseInvalid, match="introspection"):
        read_introspection(answer(status, document), now=NOW)
    assert read_introspection(answer(200, {"active": False}), now=NOW) == {"active": False}
