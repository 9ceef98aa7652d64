"""A refresh: what it stores, what it refuses to store, and what each failure leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from oidc_login.exceptions import (
    ClientRefused,
    ConnectionRemoved,
    IDTokenInvalid,
    Inactive,
    NeedsReauth,
    OAuthError,
    ProviderGone,
    ProviderUnavailable,
    TokenResponseInvalid,
)
from oidc_login.models import OAuthConnection, Status
from oidc_login.providers import OAuthProvider, OAuthToken
from oidc_login.testing import Answer
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import BOB, RecordingGitHub, RecordingOpenIDProvider, configure
from tests.tokens.conftest import AUTH_TIME, NONCE, Connect, stored, works

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

Heard = list[tuple[str, dict[str, Any]]]


def tokens_of(connection: OAuthConnection) -> tuple[str, str]:
    return connection.access_token, connection.refresh_token


def change(**members: Any) -> Callable[[Answer], Answer]:
    """Bend a token answer: members replaced, or left out where they are None."""

    def bend(good: Answer) -> Answer:
        answer = {**good.json, **members}
        return Answer.of_json({name: value for name, value in answer.items() if value is not None})

    return bend


# What is stored.


def test_new_tokens_are_stored_before_they_are_used(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    before = tokens_of(connection)

    connection.refresh_access_token()

    assert tokens_of(connection) == tokens_of(stored(connection))
    assert set(tokens_of(connection)).isdisjoint(before)
    assert works(op, connection)
    assert connection.access_token_expires_at is not None and connection.refreshed_at is not None
    assert connection.status == Status.OK
    assert op.asked().count("token") == 1


def test_client_proves_itself_as_at_the_exchange(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connect().refresh_access_token()

    request = next(request for request in op.requests if request.endpoint == "token")
    assert request.headers["authorization"].startswith("Basic ")
    assert request.form["grant_type"] == "refresh_token"
    assert "scope" not in request.form


@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_answer_without_refresh_token_keeps_the_old_one(
    op: RecordingOpenIDProvider, connect: Connect, value: str | None
) -> None:
    op.rotate_refresh_tokens = False
    connection = connect()
    old = connection.refresh_token

    with op.bend("token", change(refresh_token=value)):
        connection.refresh_access_token()

    assert stored(connection).refresh_token == old
    assert works(op, connection)


def test_granted_scope_is_recorded(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    with op.bend("token", change(scope="openid")):
        connection.refresh_access_token()

    assert stored(connection).scope == "openid"


def test_scope_stays_what_it_was_where_the_answer_does_not_say(op: RecordingOpenIDProvider, connect: Connect) -> None:
    """RFC 6749 6; not what the settings ask for by now."""
    connection = connect(scope="openid calendar")

    with op.bend("token", change(scope=None)):
        connection.refresh_access_token()

    assert stored(connection).scope == "openid calendar"


def test_refresh_of_a_sign_in(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    connection = OAuthConnection.objects.get()
    before = connection.access_token

    connection.refresh_access_token()

    assert connection.access_token != before
    assert works(op, connection)


def test_github_app_tokens(github: RecordingGitHub, browser: Browser) -> None:
    github.expiring_tokens = True
    browser.sign_in(github, "github")
    connection = OAuthConnection.objects.get()
    before = tokens_of(connection)

    connection.refresh_access_token()

    assert set(tokens_of(connection)).isdisjoint(before)
    github.grants.revoke_user(connection.provider_user_id)
    github.grants.revoke_family(next(iter(github.grants._refresh_tokens.values())).grant.family)
    with pytest.raises(NeedsReauth):
        connection.refresh_access_token()


def test_provider_class_with_its_own_refresh(
    op: RecordingOpenIDProvider, connect: Connect, settings: Settings, heard: Heard
) -> None:
    """A class of three methods, and that one."""
    configure(settings, "own", **{"class": "tests.tokens.test_refresh.OwnProvider", "client_id": "client"})
    connection = connect(provider_key="own", issuer="", access_token="a1", refresh_token="r1")

    connection.refresh_access_token()

    assert tokens_of(stored(connection)) == ("a2 of r1", "r1")
    assert [name for name, _ in heard] == ["token_refreshed"]


class OwnProvider(OAuthProvider):
    authorization_url = "https://own.example/authorize"

    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        return OAuthToken(access_token=f"a2 of {oauth_token.refresh_token}")


class FailingProvider(OwnProvider):
    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        raise KeyError(oauth_token.refresh_token)


class WithoutRefresh(OAuthProvider):
    authorization_url = "https://own.example/authorize"


def test_signal_carries_the_connection_and_no_token(
    op: RecordingOpenIDProvider, connect: Connect, heard: Heard
) -> None:
    connection = connect()

    connection.refresh_access_token()

    ((name, kwargs),) = heard
    assert name == "token_refreshed"
    assert kwargs["connection"] is connection
    assert kwargs["provider"] == "op" and kwargs["request"] is None
    assert not set(tokens_of(connection)) & {str(value) for value in kwargs.values()}


# One refresh for all who hold the same token.


def test_newer_token_of_another_worker_is_taken_over(op: RecordingOpenIDProvider, connect: Connect) -> None:
    mine = connect()
    theirs = stored(mine)
    theirs.refresh_access_token()

    mine.refresh_access_token()

    assert tokens_of(mine) == tokens_of(theirs)
    assert op.asked().count("token") == 1


def test_whoever_holds_the_newest_token_refreshes_again(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    connection.refresh_access_token()
    connection.refresh_access_token()

    assert op.asked().count("token") == 2
    assert works(op, connection)


# What the refreshed ID token must be (Core 12.2).


@pytest.mark.parametrize("nonce", [None, NONCE], ids=["none", "the same"])
def test_refreshed_id_token_need_not_repeat_the_nonce(
    op: RecordingOpenIDProvider, connect: Connect, nonce: str | None
) -> None:
    connection = connect()

    with op.bend("id_token", lambda token: _claims(token, nonce=nonce)):
        connection.refresh_access_token()

    assert works(op, connection)


@pytest.mark.parametrize(
    ("claims", "flagged"),
    [
        ({"sub": BOB.sub}, True),
        ({"nonce": "another"}, True),
        ({"nonce": 1}, True),
        ({"auth_time": AUTH_TIME + 60}, True),
        ({"auth_time": AUTH_TIME - 60}, True),
        ({"iss": "https://other.example"}, False),
        ({"aud": "another client"}, False),
        ({"azp": "another client"}, False),
        ({"exp": 1}, False),
        ({"at_hash": "x"}, False),
    ],
    ids=lambda value: str(value),
)
def test_id_token_that_differs_is_refused_before_anything_is_stored(
    op: RecordingOpenIDProvider, connect: Connect, claims: dict[str, Any], flagged: bool, heard: Heard
) -> None:
    connection = connect()
    before = tokens_of(connection)

    with op.bend("id_token", lambda token: _claims(token, **claims)), pytest.raises(IDTokenInvalid):
        connection.refresh_access_token()

    assert tokens_of(connection) == tokens_of(stored(connection)) == before
    assert stored(connection).status == (Status.NEEDS_REAUTH if flagged else Status.OK)
    assert len(heard) == flagged
    assert stored(connection).refresh_lease == ""


@pytest.mark.parametrize(("later", "error"), [(0, None), (1, IDTokenInvalid), (-1, IDTokenInvalid)])
def test_time_of_the_sign_in_is_that_of_the_refreshed_id_token(
    op: RecordingOpenIDProvider, browser: Browser, later: int, error: type[OAuthError] | None
) -> None:
    with op.bend("id_token", lambda token: _claims(token, auth_time=AUTH_TIME)):
        browser.sign_in(op)
    connection = OAuthConnection.objects.get()

    with op.bend("id_token", lambda token: _claims(token, auth_time=AUTH_TIME + later)):
        if error is None:
            connection.refresh_access_token()
        else:
            with pytest.raises(error):
                connection.refresh_access_token()

    assert stored(connection).auth_time == AUTH_TIME
    assert (stored(connection).refreshed_at is None) == (error is not None)


@pytest.mark.parametrize(("first", "second"), [("client", None), (None, "client"), ("client", "client"), (None, None)])
def test_authorized_party_is_that_of_the_sign_in(
    op: RecordingOpenIDProvider, browser: Browser, first: str | None, second: str | None
) -> None:
    """Core 12.2: in both ID tokens or in none."""
    with op.bend("id_token", lambda token: _claims(token, azp=first)):
        browser.sign_in(op)
    connection = OAuthConnection.objects.get()
    before = tokens_of(connection)

    with op.bend("id_token", lambda token: _claims(token, azp=second)):
        if first == second:
            connection.refresh_access_token()
            assert tokens_of(stored(connection)) != before
            return
        with pytest.raises(IDTokenInvalid) as caught:
            connection.refresh_access_token()

    assert caught.value.reason == "azp"
    assert tokens_of(stored(connection)) == before


def test_next_sign_in_brings_its_own_time(op: RecordingOpenIDProvider, browser: Browser) -> None:
    for claims in ({"auth_time": AUTH_TIME}, {"auth_time": AUTH_TIME + 60}):
        with op.bend("id_token", partial(_claims, **claims)):
            browser.sign_in(op)

            OAuthConnection.objects.get().refresh_access_token()

    assert OAuthConnection.objects.get().auth_time == AUTH_TIME + 60


def _claims(token: Any, **claims: Any) -> Any:
    token.claims.update({name: value for name, value in claims.items() if value is not None})
    return token


def test_keys_are_fetched_before_the_refresh_token_is_spent(
    op: RecordingOpenIDProvider, connect: Connect, settings: Settings
) -> None:
    """Once posted it may be used up, and an answer that cannot be verified would be lost."""
    connection = connect()
    with op.bend("jwks", lambda good: Answer(status=503)), pytest.raises(ProviderUnavailable):
        connection.refresh_access_token()
    assert "token" not in op.asked()

    connection.refresh_access_token()

    assert works(op, connection)


# Failures.


def refused(error: str) -> Callable[[Answer], Answer]:
    return lambda good: Answer.of_json({"error": error}, status=400)


@pytest.mark.parametrize("status", [400, 200])
def test_invalid_grant_needs_the_person(
    op: RecordingOpenIDProvider, connect: Connect, heard: Heard, status: int
) -> None:
    connection = connect()
    before = tokens_of(connection)

    op.bend("token", lambda good: Answer.of_json({"error": "invalid_grant"}, status=status))
    with pytest.raises(NeedsReauth) as caught:
        connection.refresh_access_token()

    assert caught.value.reason == "invalid_grant"
    assert connection.status == stored(connection).status == Status.NEEDS_REAUTH
    assert tokens_of(stored(connection)) == before, "nothing is thrown away"
    ((name, kwargs),) = heard
    assert (name, kwargs["reason"], kwargs["connection"]) == ("connection_needs_reauth", "invalid_grant", connection)


def test_who_needs_the_person_is_not_asked_for_again(
    op: RecordingOpenIDProvider, connect: Connect, heard: Heard
) -> None:
    connection = connect(status=Status.NEEDS_REAUTH)

    for _ in range(2):
        with pytest.raises(NeedsReauth):
            connection.refresh_access_token()

    assert op.asked() == [] and heard == []


def test_sign_in_mends_the_connection(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    OAuthConnection.objects.update(status=Status.NEEDS_REAUTH)

    Browser().sign_in(op)

    connection = OAuthConnection.objects.get()
    assert connection.status == Status.OK
    connection.refresh_access_token()


@pytest.mark.parametrize(
    ("bend", "kind"),
    [
        (lambda good: Answer(status=500), ProviderUnavailable),
        (lambda good: Answer(raw=lambda write: None), ProviderUnavailable),
        (refused("temporarily_unavailable"), ProviderUnavailable),
        (refused("invalid_client"), ClientRefused),
        (refused("invalid_scope"), TokenResponseInvalid),
        (lambda good: Answer(headers={"Content-Type": "text/html"}, body=b"<html>"), TokenResponseInvalid),
        (lambda good: Answer(status=307, headers={"Location": "https://other.example/"}), TokenResponseInvalid),
        (change(access_token=None), TokenResponseInvalid),
        (change(access_token=["a"]), TokenResponseInvalid),
    ],
    ids=["500", "reset", "unavailable", "client", "scope", "HTML", "redirect", "no token", "list"],
)
def test_passing_fault_leaves_everything(
    op: RecordingOpenIDProvider,
    connect: Connect,
    heard: Heard,
    witness: Witness,
    bend: Callable[[Answer], Answer],
    kind: type[OAuthError],
) -> None:
    connection = connect()
    before = OAuthConnection.objects.values().get()

    with op.bend("token", bend), pytest.raises(kind) as caught:
        connection.refresh_access_token()

    assert {**OAuthConnection.objects.values().get(), "updated_at": None} == {**before, "updated_at": None}
    assert heard == []
    witness.assert_no_secrets(Browser(), errors=[caught.value])
    told = witness.caplog.text + repr(caught.value) + str(caught.value)
    assert not [token for token in tokens_of(connection) if token in told]


def test_no_second_request_within_retry_after(op: RecordingOpenIDProvider, connect: Connect) -> None:
    op.rotate_refresh_tokens = False
    connection = connect()
    op.bend("token", lambda good: Answer(status=429, headers={"Retry-After": "120"}))
    with pytest.raises(ProviderUnavailable) as first:
        connection.refresh_access_token()
    op.mend("token")
    with pytest.raises(ProviderUnavailable) as second:
        stored(connection).refresh_access_token()

    assert first.value.retry_after == 120
    assert second.value.retry_after is not None and 100 < second.value.retry_after <= 120
    assert op.asked().count("token") == 1
    OAuthConnection.objects.update(refresh_lease_until=timezone.now())
    connection.refresh_access_token()
    assert works(op, connection)


def test_inactive_user_is_refused(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    type(connection.user)._default_manager.filter(pk=connection.user_id).update(is_active=False)

    with pytest.raises(Inactive):
        connection.refresh_access_token()

    assert op.asked() == []
    assert stored(connection).status == Status.OK


def test_provider_that_is_gone_is_named(connect: Connect, settings: Settings) -> None:
    connection = connect()
    settings.OIDC_LOGIN_PROVIDERS = {}

    for use in (connection.refresh_access_token, connection.session, connection.revoke):
        with pytest.raises(ProviderGone) as caught:
            use()
        assert caught.value.reason == "op"
        assert "no longer use this way" in str(caught.value)


def test_connection_that_is_gone(connect: Connect) -> None:
    connection = connect()
    OAuthConnection.objects.all().delete()

    with pytest.raises(ConnectionRemoved):
        connection.refresh_access_token()


def test_lost_key_is_named(op: RecordingOpenIDProvider, connect: Connect, settings: Settings) -> None:
    connection = connect()
    settings.OIDC_LOGIN_TOKEN_KEYS = ["another"]

    with pytest.raises(ImproperlyConfigured, match="OIDC_LOGIN_TOKEN_KEYS"):
        stored(connection).refresh_access_token()

    assert op.asked() == []


@pytest.mark.parametrize(("expires_in", "status"), [(-1, Status.NEEDS_REAUTH), (60, Status.OK), (None, Status.OK)])
def test_without_a_refresh_token_the_access_token_lives_as_long_as_it_lives(
    op: RecordingOpenIDProvider, connect: Connect, expires_in: int | None, status: str, heard: Heard
) -> None:
    expires_at = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
    connection = connect(refresh_token="", access_token_expires_at=expires_at)

    with pytest.raises(NeedsReauth):
        connection.refresh_access_token()

    assert stored(connection).status == status
    assert len(heard) == (status == Status.NEEDS_REAUTH)
    assert "token" not in op.asked()


@pytest.mark.parametrize(("name", "kind"), [("FailingProvider", TokenResponseInvalid), ("WithoutRefresh", NeedsReauth)])
def test_provider_class_that_cannot(connect: Connect, settings: Settings, name: str, kind: type[OAuthError]) -> None:
    configure(settings, "own", **{"class": f"tests.tokens.test_refresh.{name}", "client_id": "client"})
    connection = connect(provider_key="own", issuer="", refresh_token="a secret refresh token")

    with pytest.raises(kind) as caught:
        connection.refresh_access_token()

    assert "a secret refresh token" not in repr(caught.value)
    assert stored(connection).status == Status.OK
    assert stored(connection).refresh_lease == ""


def test_refresh_token_is_only_judged_by_the_provider(op: RecordingOpenIDProvider, connect: Connect) -> None:
    """Our clock may be wrong."""
    connection = connect(refresh_token_expires_at=timezone.now() - timedelta(days=1))

    connection.refresh_access_token()

    assert works(op, connection)


# Filters.


def test_usable_connections(op: RecordingOpenIDProvider, connect: Connect) -> None:
    past, future = (timezone.now() + timedelta(days=days) for days in (-1, 1))
    connect("usable", sub="1", access_token_expires_at=past)
    connect("lasting", sub="2", refresh_token="")
    connect("valid", sub="3", refresh_token="", access_token_expires_at=future)
    connect("expired", sub="4", refresh_token="", access_token_expires_at=past)
    connect("both expired", sub="5", access_token_expires_at=past, refresh_token_expires_at=past)
    connect("flagged", sub="6", status=Status.NEEDS_REAUTH)
    connect("without", sub="7", access_token="", refresh_token="")
    inactive = connect("inactive", sub="8")
    type(inactive.user)._default_manager.filter(pk=inactive.user_id).update(is_active=False)

    names = {connection.user.get_username() for connection in OAuthConnection.objects.usable()}

    assert names == {"usable", "lasting", "valid"}
    assert OAuthConnection.objects.filter(provider_key="op").count() == 8
