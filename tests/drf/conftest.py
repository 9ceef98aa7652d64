"""What the tests of APIs share: a provider, somebody who has connected, and tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from oidc_login.testing.grants import Grant
from tests.support.invariant import CANARY, Witness
from tests.support.served import ALICE, RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

API = "https://api.example.org"
Call = Callable[..., Any]


@pytest.fixture
def op(op: RecordingOpenIDProvider, settings: Settings) -> RecordingOpenIDProvider:
    """The provider whose tokens the API accepts."""
    settings.ROOT_URLCONF = "tests.drf.urls"
    settings.OIDC_LOGIN_BEARER_PROVIDERS = {"op": API}
    return op


@pytest.fixture
def call(client: Client, witness: Witness) -> Call:
    """Call the API with a token. No answer and no record shows a claim, and no failure is a 500."""

    def get(path: str, token: str | None = None, *, header: str | None = None) -> Any:
        authorization = header if header is not None else f"Bearer {token}"
        response = client.get(path, headers={} if token is header is None else {"Authorization": authorization})
        assert response.status_code != 500
        seen = response.content.decode() + str(response.headers) + witness.caplog.text
        assert CANARY not in seen
        assert token is None or token not in seen
        return response

    return get


def jwt(op: RecordingOpenIDProvider, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A JWT access token as the provider makes it (RFC 9068 2.2); `None` leaves a claim out."""
    now = int(time.time())
    good = {
        "iss": op.issuer,
        "sub": ALICE.sub,
        "aud": [API, f"{op.issuer}/userinfo"],
        "client_id": "another client",
        "iat": now,
        "exp": now + 600,
        "jti": "1",
        "scope": "openid orders.read",
    }
    token = op.unsigned_token({name: value for name, value in {**good, **claims}.items() if value is not None})
    token.header = {**token.header, "typ": "at+jwt", **(header or {})}
    return token.signed()


def opaque(op: RecordingOpenIDProvider, *, scope: str = "openid email orders.read", lifetime: int = 600) -> str:
    """An access token that means nothing to anybody but the provider."""
    grant = Grant(sub=ALICE.sub, redirect_uri="https://site.example/", scope=scope, nonce="")
    return op.grants.issue_access_token(grant, lifetime=lifetime)
