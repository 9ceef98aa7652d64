"""Refreshes at once, and refreshes that meet a sign-in, a removal, a revocation or a killed process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import InterfaceError, InternalError, OperationalError, connections, transaction
from django.db import connection as database
from django.utils import timezone

from oidc_login.exceptions import ConnectionRemoved, NeedsReauth, ProviderUnavailable, SiteUnavailable
from oidc_login.models import OAuthConnection, Status
from oidc_login.testing import Answer
from oidc_login.tokens import refresh as refreshing
from tests.support.browser import Browser
from tests.support.databases import TABLE, before, fail
from tests.support.served import RecordingOpenIDProvider
from tests.support.threads import outcomes_at_once
from tests.tokens.conftest import Connect, granted, stored, works

pytestmark = pytest.mark.django_db(transaction=True)

Heard = list[tuple[str, dict[str, Any]]]
not_on_sqlite = pytest.mark.skipif(database.vendor == "sqlite", reason="SQLite has one writer")


def while_asking(op: RecordingOpenIDProvider, act: Callable[[], Any]) -> Any:
    """Let something happen once, between the provider's answer and the moment it is read."""
    left = [act]

    def bend(good: Answer) -> Answer:
        if left:
            left.pop()()
            connections.close_all()
        return good

    return op.bend("token", bend)


@pytest.mark.parametrize("error", [InternalError, OperationalError, InterfaceError])
def test_a_database_that_takes_no_writes_for_two_seconds_loses_no_token(
    op: RecordingOpenIDProvider, connect: Connect, error: type[Exception]
) -> None:
    """A failover: drivers raise InternalError where the server that is left has become read-only."""
    connection = connect()
    over_at: list[float] = []

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and op.asked().count("token"):
            over_at[:] = over_at or [time.monotonic() + 2]
            if time.monotonic() < over_at[0]:
                raise error("cannot execute UPDATE in a read-only transaction")
        return execute(sql, params, many, context)

    with database.execute_wrapper(refuse):
        connection.refresh_access_token()

    assert works(op, connection)
    assert stored(connection).refresh_token == connection.refresh_token
    connection.refresh_access_token()
    assert op.asked().count("token") == 2, "the rotated token was kept, and works"


@pytest.mark.parametrize("error", [InternalError, OperationalError, InterfaceError])
def test_a_refresh_that_cannot_be_claimed_is_503(
    op: RecordingOpenIDProvider, connect: Connect, error: type[Exception]
) -> None:
    connection = connect()

    with before("UPDATE", TABLE, fail(error)), pytest.raises(SiteUnavailable) as caught:
        connection.refresh_access_token()

    assert (caught.value.status_code, caught.value.reason) == (503, "database")
    assert not op.asked().count("token"), "the refresh token was not used up"


@pytest.mark.parametrize("number", [2, 12])
def test_one_request_for_all_who_ask_at_once(op: RecordingOpenIDProvider, connect: Connect, number: int) -> None:
    connection = connect()
    op.bend("token", _slowly)
    instances = [stored(connection) for _ in range(number)]

    results = outcomes_at_once(*(instance.refresh_access_token for instance in instances))

    assert results == [None] * number
    assert op.asked().count("token") == 1
    assert {instance.access_token for instance in instances} == {stored(connection).access_token}
    assert works(op, connection)


def _slowly(good: Answer) -> Answer:
    good.delay = 0.3
    return good


def test_all_who_wait_hear_of_a_failure_and_the_provider_is_asked_once(
    op: RecordingOpenIDProvider, connect: Connect
) -> None:
    connection = connect()
    op.bend("token", lambda good: _slowly(Answer(status=500)))
    instances = [stored(connection) for _ in range(4)]

    results = outcomes_at_once(*(instance.refresh_access_token for instance in instances))

    assert [type(result) for result in results] == [ProviderUnavailable] * 4
    assert op.asked().count("token") <= 2, "of those who came while it was under way"


def test_patience_ends(op: RecordingOpenIDProvider, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oidc_login.tokens.lease.PATIENCE", 0)
    connection = connect(refresh_lease="x", refresh_lease_until=timezone.now() + timedelta(seconds=20))

    with pytest.raises(ProviderUnavailable) as caught:
        connection.refresh_access_token()

    assert caught.value.retry_after is not None and 0 < caught.value.retry_after <= 20
    assert op.asked() == []


@pytest.mark.parametrize("until", [-1, 90_000], ids=["over", "set by a clock that was a day fast"])
def test_lease_of_a_killed_process_ends(op: RecordingOpenIDProvider, connect: Connect, until: int) -> None:
    connection = connect(refresh_lease="x", refresh_lease_until=timezone.now() + timedelta(seconds=until))

    connection.refresh_access_token()

    assert works(op, connection)


def test_bug_in_a_provider_class_gives_the_lease_back(
    op: RecordingOpenIDProvider, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect()
    attempt = refreshing.Refresh(connection)
    monkeypatch.setattr(attempt, "exchange", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        attempt.run()

    assert stored(connection).refresh_lease == "" and stored(connection).refresh_lease_until is None


# A sign-in meanwhile.


def test_older_answer_does_not_replace_the_tokens_of_a_newer_sign_in(
    op: RecordingOpenIDProvider, browser: Browser
) -> None:
    browser.sign_in(op)
    connection = OAuthConnection.objects.get()

    with while_asking(op, lambda: Browser().sign_in(op)):
        connection.refresh_access_token()

    assert connection.access_token == stored(connection).access_token
    newest = op.answered[-2]["access_token"], op.answered[-2]["refresh_token"]
    assert (stored(connection).access_token, stored(connection).refresh_token) == newest
    assert works(op, connection)


def test_newer_access_token_stays_and_the_rotated_refresh_token_is_kept(
    op: RecordingOpenIDProvider, browser: Browser
) -> None:
    """The sign-in brought no refresh token, as Google's second one does; the old one was used up."""
    browser.sign_in(op)
    connection = OAuthConnection.objects.get()

    def sign_in_again() -> None:
        op.always_refresh_token = False
        Browser().sign_in(op)
        op.always_refresh_token = True

    with while_asking(op, sign_in_again):
        connection.refresh_access_token()

    assert works(op, connection)
    sign_in, refreshed = op.answered[-2], op.answered[-1]
    assert "refresh_token" not in sign_in
    assert stored(connection).access_token == sign_in["access_token"]
    assert stored(connection).refresh_token == refreshed["refresh_token"]
    connection.refresh_access_token()


def test_invalid_grant_after_another_process_has_won(
    op: RecordingOpenIDProvider, connect: Connect, heard: Heard
) -> None:
    """Its answer was stored after our lease began: the stored tokens are good."""
    connection = connect()
    newer = granted(op)

    def win() -> None:
        row = stored(connection)
        row.set_refreshed_token(newer)
        row.save()

    with while_asking(op, win), op.bend("token", lambda good: _refusing(good, win)):
        connection.refresh_access_token()

    assert connection.access_token == newer.access_token
    assert connection.status == stored(connection).status == Status.OK
    assert heard == []


def _refusing(good: Answer, first: Callable[[], None]) -> Answer:
    first()
    connections.close_all()
    return Answer.of_json({"error": "invalid_grant"}, status=400)


# A removal meanwhile.


def test_disconnecting_meanwhile_leaves_no_row_and_no_token(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    connection.user.set_password("x")
    connection.user.save()

    with while_asking(op, stored(connection).disconnect), pytest.raises(ConnectionRemoved):
        connection.refresh_access_token()

    assert not OAuthConnection.objects.exists()
    assert "revocation" in op.asked()
    assert not op.grants._refresh_tokens and not op.grants._access_tokens


def test_disconnect_revokes_the_tokens_of_a_refresh_just_done(
    op: RecordingOpenIDProvider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in(op)
    connection = OAuthConnection.objects.get()
    connection.user.set_password("x")
    connection.user.save()
    browser.log_in(connection.user)
    lock = OAuthConnection.can_be_disconnected

    def refresh_first(self: OAuthConnection) -> bool:
        stored(connection).refresh_access_token()
        return lock(self)

    monkeypatch.setattr(OAuthConnection, "can_be_disconnected", refresh_first)
    browser.post("/oauth/op/disconnect/", {"provider_user_id": connection.provider_user_id})

    assert not OAuthConnection.objects.exists()
    assert not op.grants._refresh_tokens and not op.grants._access_tokens


def test_revoking_meanwhile_leaves_no_token(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    with while_asking(op, stored(connection).revoke), pytest.raises(NeedsReauth):
        connection.refresh_access_token()

    assert stored(connection).status == connection.status == Status.REVOKED
    assert stored(connection).access_token == stored(connection).refresh_token == ""
    assert not op.grants._refresh_tokens and not op.grants._access_tokens


def test_mark_of_an_admin_stays(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    with while_asking(op, lambda: OAuthConnection.objects.update(status=Status.NEEDS_REAUTH)):
        connection.refresh_access_token()

    assert stored(connection).status == Status.NEEDS_REAUTH
    assert works(op, connection)


# A transaction of the caller.


class Undo(Exception):
    """The caller's transaction does not come to its end."""


@not_on_sqlite
def test_tokens_outlive_a_rollback(op: RecordingOpenIDProvider, connect: Connect, heard: Heard) -> None:
    connection = connect()

    with contextlib.suppress(Undo), transaction.atomic():
        connection.refresh_access_token()
        assert works(op, connection)
        raise Undo

    assert works(op, connection)
    assert stored(connection).access_token == connection.access_token
    assert [name for name, _ in heard] == ["token_refreshed"]


@not_on_sqlite
def test_needing_the_person_outlives_a_rollback(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    op.grants.revoke_user(connection.provider_user_id)

    with contextlib.suppress(NeedsReauth), transaction.atomic():
        connection.refresh_access_token()

    assert stored(connection).status == Status.NEEDS_REAUTH


@not_on_sqlite
def test_row_that_the_caller_has_locked_is_a_retryable_error(
    op: RecordingOpenIDProvider, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_login.tokens.database.LOCK_TIMEOUT", 1)
    connection = connect()

    with transaction.atomic():
        OAuthConnection.objects.select_for_update().get(pk=connection.pk)
        with pytest.raises(ProviderUnavailable):
            connection.refresh_access_token()

    assert op.asked() == []
    connection.refresh_access_token()


def test_row_that_the_caller_has_just_made(op: RecordingOpenIDProvider, connect: Connect) -> None:
    """Nobody else can see it, nor refresh it."""
    with transaction.atomic():
        connection = connect()
        connection.refresh_access_token()

    assert works(op, connection)


def test_no_lock_is_held_while_the_provider_is_asked(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()

    with while_asking(op, lambda: OAuthConnection.objects.update(email="written@example.org")):
        connection.refresh_access_token()

    assert stored(connection).email == "written@example.org"
    assert works(op, connection)


# Asynchronous code.


def test_asynchronous_refresh(op: RecordingOpenIDProvider, connect: Connect, heard: Heard) -> None:
    connection = connect()

    async def use() -> str:
        await connection.arefresh_access_token()
        return (await connection.aoauth_token).access_token

    assert async_to_sync(use)() == stored(connection).access_token
    assert works(op, connection)
    assert len(heard) == 1


def test_asynchronous_refreshes_at_once_ask_once_and_hold_nobody_up(
    op: RecordingOpenIDProvider, connect: Connect
) -> None:
    connection = connect()
    op.bend("token", _slowly)
    beats: list[float] = []

    async def beat() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.02)

    async def use() -> None:
        heart = asyncio.ensure_future(beat())
        await asyncio.gather(*(stored_.arefresh_access_token() for stored_ in instances))
        heart.cancel()

    instances = [stored(connection) for _ in range(5)]
    async_to_sync(use)()

    assert op.asked().count("token") == 1
    assert len({instance.access_token for instance in instances}) == 1
    assert len(beats) > 3


def test_cancelled_caller_loses_no_token(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    op.bend("token", _slowly)

    async def use() -> None:
        task = asyncio.ensure_future(connection.arefresh_access_token())
        while "token" not in op.asked():
            await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.gather(*refreshing._running)

    async_to_sync(use)()

    assert works(op, connection)


def test_asynchronous_failure_is_the_same(op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    op.grants.revoke_user(connection.provider_user_id)

    with pytest.raises(NeedsReauth):
        async_to_sync(connection.arefresh_access_token)()

    assert stored(connection).status == Status.NEEDS_REAUTH
