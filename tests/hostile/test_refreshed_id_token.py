"""The ID token that comes with a refresh, wrong in one way at a time: Core 12.2, and a row for each argument."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from oidc_login.exceptions import OAuthError
from oidc_login.models import OAuthConnection, Status
from oidc_login.testing import UnsignedToken
from tests.hostile.rows import ABSENT, ID_TOKEN, Row, accepted, claims, json_of, refused, source
from tests.hostile.stage import Stage
from tests.hostile.test_id_token import (
    ALGORITHMS,
    ALLOWED_ALGORITHMS,
    CLAIMS,
    DECRYPTED,
    ENCRYPTED,
    NO_SIGNATURE,
    SIGNATURES,
)
from tests.support.browser import Browser
from tests.support.served import BOB

pytestmark = pytest.mark.django_db(transaction=True)

# One for each argument of the verification: that the rules are all asked is tested with the sign-in's token.
OF_A_SIGN_IN = {
    "iss longer by a character",
    "aud longer by a character",
    "azp of another client",
    "exp six minutes ago",
    "without leeway, exp a second ago",
    "at_hash of another token",
    "signed by nobody, and so it says",
    "by a stranger under a published name",
    "claims that nobody signed",
    "RS256 where the site allows ES256 alone",
    "a wrong MAC where the site allows one",
}
REFUSED = [
    row for row in (*CLAIMS, *NO_SIGNATURE, *SIGNATURES, *ENCRYPTED, *ALLOWED_ALGORITHMS) if row.name in OF_A_SIGN_IN
] + [
    refused("sub of somebody else", "Core 12.2", claims(sub=BOB.sub), ID_TOKEN),
    refused("sub in capitals", "Core 12.2", claims(sub=str.upper), ID_TOKEN),
    refused("another nonce", "Core 12.2", claims(nonce="another"), ID_TOKEN),
    refused("a nonce that is a number", "Core 12.2", claims(nonce=1), ID_TOKEN),
    refused("a nonce that is null", "Core 12.2", claims(nonce=None), ID_TOKEN),
    refused("a nonce that is empty", "Core 12.2", claims(nonce=""), ID_TOKEN),
    refused("a later auth_time", "Core 12.2", claims(auth_time=lambda auth_time: auth_time + 3600), ID_TOKEN),
    refused("an earlier auth_time", "Core 12.2", claims(auth_time=lambda auth_time: auth_time - 1), ID_TOKEN),
    refused("an auth_time that is text", "Core 12.2", claims(auth_time=str), ID_TOKEN),
]
ACCEPTED = [
    accepted("as it is", "Core 12.2"),
    accepted("azp beside a single aud", "Core 2", claims(azp="client")),
    *ALGORITHMS,
    *DECRYPTED,
    accepted("no ID token", "Core 12.2", json_of("token", id_token=ABSENT)),
    accepted("null for an ID token", "Core 12.2", json_of("token", id_token=None)),
    accepted("no auth_time", "Core 12.2", claims(auth_time=ABSENT)),
    accepted("another sid", "Core 12.2", claims(sid="another")),
]


def sign_in(stage: Stage) -> OAuthConnection:
    """Somebody who has a refresh token, with a site that has forgotten the provider's documents."""
    stage.op.always_refresh_token = True
    Browser().sign_in(stage.op)
    cache.clear()
    stage.configure(timeout=9)
    stage.op.clear()
    return OAuthConnection.objects.select_related("user").get()


def tokens() -> Any:
    return OAuthConnection.objects.values_list("access_token", "refresh_token", "access_token_expires_at").get()


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_refused(stage: Stage, row: Row) -> None:
    connection = sign_in(stage)
    before = tokens()
    stage.prepare(row)

    with pytest.raises(OAuthError) as caught:
        connection.refresh_access_token()

    assert (caught.value.status_code, caught.value.code) == row.seen
    assert tokens() == before
    assert stage.op.asked().count("token") == 1 and "userinfo" not in stage.op.asked()
    stage.witness.assert_no_secrets(Browser(), errors=[caught.value])
    stage.op.mend()
    stage.op.signing_alg = "RS256"
    stage.configure(id_token_signing_algs=None, client_key=None)
    OAuthConnection.objects.update(status=Status.OK)
    cache.clear()
    connection.refresh_from_db()
    connection.refresh_access_token()
    assert stage.op.grants.of_access_token(connection.access_token)


@pytest.mark.parametrize("row", ACCEPTED, ids=str)
def test_accepted(stage: Stage, row: Row) -> None:
    if "azp" in str(row):
        stage.prepare(row)  # it stands in the ID token of the sign-in too, or in none (Core 12.2)
    connection = sign_in(stage)
    stage.prepare(row)

    connection.refresh_access_token()

    assert stage.op.grants.of_access_token(connection.access_token)
    assert connection.status == Status.OK


@source("Core 12; oidcc-client-test-refresh-token")
def test_refresh_and_then_userinfo(stage: Stage) -> None:
    connection = sign_in(stage)

    connection.refresh_access_token()
    response = connection.session().get(stage.op.metadata()["userinfo_endpoint"])

    assert response.json()["sub"] == connection.provider_user_id
    assert stage.op.asked()[-2:] == ["token", "userinfo"]
    request = next(request for request in stage.op.requests if request.endpoint == "token")
    assert request.form["grant_type"] == "refresh_token" and "scope" not in request.form
    assert stage.op.requests[-1].bearer_token == connection.access_token


@source("Core 12.2; oidcc-client-test-refresh-token-invalid-issuer, oidcc-client-test-refresh-token-invalid-sub")
@pytest.mark.parametrize("claim", ["iss", "sub"])
def test_no_userinfo_with_the_token_of_another_issuer_or_person(stage: Stage, claim: str) -> None:
    connection = sign_in(stage)

    def lengthen(token: UnsignedToken) -> UnsignedToken:
        token.claims[claim] += "1"
        return token

    with stage.op.bend("id_token", lengthen), pytest.raises(OAuthError) as caught:
        connection.refresh_access_token()

    assert caught.value.code == "id_token_invalid"
    issued = stage.op.answered[-1]["access_token"]
    assert "userinfo" not in stage.op.asked()
    assert OAuthConnection.objects.get().access_token != issued
