"""What the tests of stored tokens share: a provider that rotates refresh tokens, and somebody connected to it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.providers import OAuthToken
from oidc_login.testing import serve
from oidc_login.testing.grants import Grant
from tests.support.invariant import Witness
from tests.support.served import ALICE, CLIENT_SECRET, RecordingOpenIDProvider, configure
from tests.support.signals import ABOUT_TOKENS, Heard, hearing

if TYPE_CHECKING:
    from pytest_django import Settings

NONCE = "the nonce of the sign-in"
AUTH_TIME = 1_767_225_600
Connect = Callable[..., OAuthConnection]


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C works, also where a shell has started the tests in its background and told them to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def served_rotating_op() -> Iterator[RecordingOpenIDProvider]:
    """A provider whose refresh tokens work once; a second use ends the grant (RFC 9700 4.14.2)."""
    provider = RecordingOpenIDProvider(rotate_refresh_tokens=True, always_refresh_token=True)
    with serve(provider):
        yield provider


@pytest.fixture
def op(
    served_rotating_op: RecordingOpenIDProvider,
    settings: Settings,
    witness: Witness,
) -> RecordingOpenIDProvider:
    served_rotating_op.reset()
    witness.providers.append(served_rotating_op)
    configure(settings, "op", issuer=served_rotating_op.issuer, client_id="client", client_secret=CLIENT_SECRET)
    return served_rotating_op


def granted(op: RecordingOpenIDProvider, sub: str = ALICE.sub, scope: str = "openid email profile") -> OAuthToken:
    """What a sign-in would have brought."""
    grant = Grant(sub=sub, redirect_uri="https://site.example/", scope=scope, nonce=NONCE, auth_time=AUTH_TIME)
    return OAuthToken(
        access_token=op.grants.issue_access_token(grant, lifetime=3600),
        refresh_token=op.grants.issue_refresh_token(grant, lifetime=86_400),
        scope=scope,
        id_token="it was checked at the sign-in",
    )


@pytest.fixture
def connect(op: RecordingOpenIDProvider) -> Connect:
    """Make somebody who is connected to the provider, with changes to their connection."""

    def make(username: str = "alice", *, sub: str = ALICE.sub, **fields: Any) -> OAuthConnection:
        user = get_user_model().objects.create_user(username)
        token = granted(op, sub)
        connection = OAuthConnection(
            user=user, provider_key="op", issuer=op.issuer, provider_user_id=sub, link_reason="signed_up"
        )
        connection.set_token(token, nonce=NONCE, auth_time=AUTH_TIME)
        for name, value in fields.items():
            setattr(connection, name, value)
        connection.save()
        return stored(connection)

    return make


def stored(connection: OAuthConnection) -> OAuthConnection:
    """Another instance, as another worker has it."""
    return OAuthConnection.objects.select_related("user").get(pk=connection.pk)


def works(op: RecordingOpenIDProvider, connection: OAuthConnection) -> bool:
    """Whether both stored tokens are good ones."""
    connection = stored(connection)
    access, refresh = (
        op.grants.of_access_token(connection.access_token),
        op.grants.of_refresh_token(connection.refresh_token),
    )
    return access is not None and refresh is not None


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The signals about tokens, in order."""
    with hearing(*ABOUT_TOKENS) as heard:
        yield heard
