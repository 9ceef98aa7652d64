"""Connecting and disconnecting while something else happens to the same account or identity."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.urls import reverse

from oidc_login.backends import OIDCLoginBackend
from oidc_login.models import OAuthConnection
from tests.concurrency.conftest import Meeting
from tests.support.browser import Browser
from tests.support.served import ALICE, BOB, RecordingGitHub, RecordingOpenIDProvider
from tests.support.threads import A_MOMENT, SECONDS, Crossing, at_once

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)


def make_user(name: str, **fields: Any) -> Any:
    """A user who has no password."""
    user = get_user_model()(username=name, **fields)
    user.set_unusable_password()
    user.save()
    return user


def connect(user: Any, issuer: str, subject: str) -> OAuthConnection:
    return OAuthConnection.objects.create(
        user=user, provider_key="op", issuer=issuer, provider_user_id=subject, link_reason="connected"
    )


def signed_in(user: Any) -> Browser:
    browser = Browser()
    browser.log_in(user)
    browser.csrf_token()
    return browser


def begun(browser: Browser, op: RecordingOpenIDProvider, user: str = "alice", *, view: str = "connect") -> Any:
    """The answer that the browser is about to bring back."""
    return browser.authorize(op, browser.begin(view=view), user)


def end(browser: Browser, answer: Any) -> Callable[[], int]:
    return lambda: int(browser.end(answer).status_code)


def disconnect(browser: Browser, subject: str, *, after: threading.Barrier | None = None) -> Callable[[], int]:
    """Click the button, as soon as the others are at the barrier."""

    def click() -> int:
        if after is not None:
            after.wait()
        url = reverse("oidc_login:disconnect", args=["op"])
        return int(browser.post(url, {"provider_user_id": subject}).status_code)

    return click


def test_one_identity_connected_by_two_people(op: RecordingOpenIDProvider, meeting: Meeting, rounds: range) -> None:
    """One of them gets it, the other is told, and has nothing."""
    people = [make_user("first"), make_user("second")]
    for _ in rounds:
        visits = [(browser, begun(browser, op)) for browser in map(signed_in, people)]
        meeting(2)

        statuses = at_once(*(end(*visit) for visit in visits))

        assert sorted(statuses) == [302, 409]
        assert OAuthConnection.objects.get().user == people[statuses.index(302)]
        assert [browser.user for browser, _ in visits] == people
        OAuthConnection.objects.all().delete()


def test_one_identity_connected_in_two_tabs(op: RecordingOpenIDProvider, meeting: Meeting, rounds: range) -> None:
    person = make_user("somebody")
    for _ in rounds:
        visits = [(browser, begun(browser, op)) for browser in (signed_in(person), signed_in(person))]
        meeting(2)

        assert at_once(*(end(*visit) for visit in visits)) == [302, 302]
        assert OAuthConnection.objects.get().user == person
        OAuthConnection.objects.all().delete()


def test_connect_against_disconnect_of_one_identity(
    op: RecordingOpenIDProvider, meeting: Meeting, rounds: range
) -> None:
    person = make_user("somebody", password="usable")
    person.set_password("password")
    person.save()
    for _ in rounds:
        old = connect(person, op.issuer, ALICE.sub)
        connecting, disconnecting = signed_in(person), signed_in(person)
        answer = begun(connecting, op)
        barrier = meeting(2)

        statuses = at_once(end(connecting, answer), disconnect(disconnecting, ALICE.sub, after=barrier))

        assert statuses == [302, 302]
        assert not OAuthConnection.objects.filter(pk=old.pk).exists(), "the row was resurrected"
        OAuthConnection.objects.all().delete()


def test_connect_against_disconnect_of_the_only_other_identity(
    op: RecordingOpenIDProvider, meeting: Meeting, rounds: range
) -> None:
    """A person without a password keeps a way in, whoever comes first."""
    person = make_user("somebody")
    for _ in rounds:
        connect(person, op.issuer, BOB.sub)
        connecting, disconnecting = signed_in(person), signed_in(person)
        answer = begun(connecting, op)
        barrier = meeting(2)

        statuses = at_once(end(connecting, answer), disconnect(disconnecting, BOB.sub, after=barrier))

        assert statuses in ([302, 302], [302, 403])
        assert person.oauth_connections.count() == (1 if statuses[1] == 302 else 2)
        OAuthConnection.objects.all().delete()


@pytest.mark.parametrize("backend", ["oidc_login.backends.OIDCLoginBackend", "tests.support.backends.Updating"])
def test_sign_in_against_disconnect(
    op: RecordingOpenIDProvider, meeting: Meeting, settings: Settings, rounds: range, backend: str
) -> None:
    """The row is gone for good: a sign-in that comes later is one of an identity that nobody has."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", backend]
    person = make_user("somebody", email=ALICE.email)
    connect(person, op.issuer, BOB.sub)
    for _ in rounds:
        old = connect(person, op.issuer, ALICE.sub)
        signing_in, disconnecting = Browser(), signed_in(person)
        answer = begun(signing_in, op, view="login")
        barrier = meeting(2)

        statuses = at_once(end(signing_in, answer), disconnect(disconnecting, ALICE.sub, after=barrier))

        assert statuses[1] == 302
        # Another identity of this provider is left, so the address alone links nothing (409).
        # Django answers 400 where the session of a sign-in was ended, with all of the identity, before its answer.
        assert statuses[0] in (302, 400, 409)
        assert not OAuthConnection.objects.filter(pk=old.pk).exists(), "the row was resurrected"
        assert OAuthConnection.objects.get().provider_user_id == BOB.sub
        assert get_user_model()._default_manager.get() == person


class WritingFirst(OIDCLoginBackend):
    """Writes the account, as hooks of mozilla-django-oidc do, and lets a disconnect go on before it returns."""

    account_written, disconnecting = threading.Event(), threading.Event()
    locks_of_account = 0

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:
        claims = payload or self.get_userinfo(access_token, id_token, payload)
        user = get_user_model().objects.get(username="somebody")
        user.first_name = claims["sub"]
        user.save()
        self.account_written.set()
        self.disconnecting.wait(A_MOMENT)
        return user


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no rows")
@pytest.mark.parametrize("key", ["op", "github"])  # the second says who it is only when userinfo is asked
def test_hook_that_writes_the_account_first_against_disconnect(
    op: RecordingOpenIDProvider, github: RecordingGitHub, settings: Settings, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    """The disconnect has the connection and wants the account; the sign-in must not have them the other way round.

    The database would end one of them after a second. Both would try again, so the retries are what is looked at.
    """
    caplog.set_level("INFO", logger="oidc_login")
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", f"{__name__}.WritingFirst"]
    person = make_user("somebody", email=ALICE.email)
    signing_in, disconnecting = Browser(), signed_in(person)
    provider: Any = {"op": op, "github": github}[key]
    signing_in.sign_in(provider, key)
    connect(person, op.issuer, BOB.sub)
    answer = signing_in.authorize(provider, signing_in.begin(key), "alice")
    WritingFirst.locks_of_account = 0
    WritingFirst.account_written.clear()
    WritingFirst.disconnecting.clear()

    def click_late() -> int:
        assert WritingFirst.account_written.wait(SECONDS)
        with connection.execute_wrapper(pause_before_account):
            return disconnect(disconnecting, BOB.sub)()

    assert at_once(end(signing_in, answer), click_late) == [302, 302]
    assert "sign-in retried" not in caplog.text
    assert WritingFirst.locks_of_account == 1
    assert OAuthConnection.objects.get().provider_key == key
    assert OAuthConnection.objects.get().provider_user_id != BOB.sub


def pause_before_account(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Let the sign-in go on when a disconnect is about to lock the account, so that the sign-in waits first."""
    table = connection.ops.quote_name(get_user_model()._meta.db_table)
    if f"FROM {table}" in sql and "FOR UPDATE" in sql:
        WritingFirst.locks_of_account += 1
        WritingFirst.disconnecting.set()
        threading.Event().wait(A_MOMENT)
    return execute(sql, params, many, context)


def test_disconnects_of_the_last_two(op: RecordingOpenIDProvider, rounds: range) -> None:
    person = make_user("somebody")
    for _ in rounds:
        for subject in (ALICE.sub, BOB.sub):
            connect(person, op.issuer, subject)
        clicks = [disconnect(signed_in(person), subject) for subject in (ALICE.sub, BOB.sub)]

        assert sorted(at_once(*clicks)) == [302, 403]

        assert OAuthConnection.objects.count() == 1
        OAuthConnection.objects.all().delete()


def test_disconnects_of_the_last_two_meet_at_no_statement(op: RecordingOpenIDProvider) -> None:
    """Were both let so far as to delete, the account would have no way in."""
    person = make_user("somebody")
    for subject in (ALICE.sub, BOB.sub):
        connect(person, op.issuer, subject)
    crossing = Crossing("DELETE", OAuthConnection._meta.db_table)

    def watched(click: Callable[[], int]) -> Callable[[], int]:
        def run() -> int:
            with crossing.watched():
                return click()

        return run

    clicks = [watched(disconnect(signed_in(person), subject)) for subject in (ALICE.sub, BOB.sub)]

    assert sorted(at_once(*clicks)) == [302, 403]
    assert OAuthConnection.objects.count() == 1


def test_one_connection_disconnected_twice_at_once(op: RecordingOpenIDProvider, rounds: range) -> None:
    """A double click is no error, and takes nothing else away."""
    person = make_user("somebody")
    connect(person, op.issuer, BOB.sub)
    for _ in rounds:
        connect(person, op.issuer, ALICE.sub)
        clicks = [disconnect(signed_in(person), ALICE.sub) for _ in range(2)]

        assert sorted(at_once(*clicks)) in ([302, 302], [302, 404])
        assert OAuthConnection.objects.get().provider_user_id == BOB.sub
