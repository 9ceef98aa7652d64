"""Many connections at once: which are due, how their provider is treated, and what a run tells afterwards."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from django.db import connection as database
from django.utils import timezone

from oidc_login import signals
from oidc_login.models import OAuthConnection, Status
from oidc_login.testing import Answer, User
from oidc_login.tokens import bulk, pace
from tests.support.invariant import Witness
from tests.support.served import RecordingGitHub, RecordingOpenIDProvider, configure
from tests.tokens.conftest import Connect, stored, works
from tests.tokens.test_races import while_asking

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

Several = Callable[..., list[OAuthConnection]]
COMMAND = "oidc_login_refresh"
SOON = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.01)


@pytest.fixture
def several(op: RecordingOpenIDProvider, connect: Connect) -> Several:
    """Make connections that expire within the hour."""

    def make(number: int = 5, **fields: Any) -> list[OAuthConnection]:
        made = []
        for _ in range(number):
            name = f"person-{OAuthConnection.objects.count()}"
            op.users.add(User(name))
            made.append(connect(name, sub=name, **{"access_token_expires_at": timezone.now() + SOON, **fields}))
        return made

    return make


def run(*arguments: str, status: int = 0) -> dict[str, Any]:
    """Run the command; return its summary, after it ended as expected."""
    out = StringIO()
    try:
        call_command(COMMAND, "--json", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        assert error.returncode == status, error
    else:
        assert status == 0, out.getvalue()
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def outcomes(summary: dict[str, Any]) -> dict[str, int]:
    """What did happen."""
    return {name: number for name, number in summary.items() if name in bulk.OUTCOMES and number}


def posted(op: RecordingOpenIDProvider) -> Counter[str]:
    """How often each refresh token was posted."""
    return Counter(request.form["refresh_token"] for request in op.requests if request.endpoint == "token")


# Who is due.


def test_all_that_expire_soon_are_refreshed(op: RecordingOpenIDProvider, several: Several) -> None:
    connections = several(7)

    summary = run("--expiring-within", "1h", "--provider", "op", "--concurrency", "3")

    assert (summary["due"], outcomes(summary)) == (7, {"refreshed": 7})
    assert summary["providers"] == {"op": {"due": 7, **dict.fromkeys(bulk.OUTCOMES, 0), "refreshed": 7}}
    assert summary["stopped"] is False and summary["seconds"] >= 0
    assert all(works(op, connection) for connection in connections)
    assert set(posted(op).values()) == {1}
    assert outcomes(run()) == {}, "none is due any more"


def minutes(number: float) -> Any:
    return timezone.now() + timedelta(minutes=number)


@pytest.mark.parametrize(
    ("fields", "is_due"),
    [
        (lambda: {}, True),
        (lambda: {"access_token_expires_at": minutes(-100_000)}, True),
        (lambda: {"access_token_expires_at": minutes(59)}, True),
        (lambda: {"access_token_expires_at": minutes(61)}, False),
        (lambda: {"access_token_expires_at": None}, False),
        (lambda: {"refresh_token": ""}, False),
        (lambda: {"refresh_token_expires_at": minutes(-1)}, False),
        (lambda: {"refresh_token_expires_at": minutes(1)}, True),
        (lambda: {"status": Status.NEEDS_REAUTH}, False),
        (lambda: {"status": Status.REVOKED}, False),
        (lambda: {"refreshed_at": minutes(-0.2)}, False),
        (lambda: {"last_login_at": minutes(-0.2)}, False),
        (lambda: {"refreshed_at": minutes(-1)}, True),
        (lambda: {"refreshed_at": minutes(1440), "last_login_at": minutes(1440)}, True),
    ],
    ids=[
        "soon",
        "long expired",
        "just within",
        "later",
        "never",
        "no refresh token",
        "refresh token expired",
        "refresh token not expired",
        "sign-in needed to renew the tokens",
        "revoked",
        "refreshed just now",
        "signed in just now",
        "refreshed a minute ago",
        "refreshed by a clock that was a day fast",
    ],
)
def test_who_is_due(several: Several, fields: Callable[[], dict[str, Any]], is_due: bool) -> None:
    several(1, **fields())

    assert OAuthConnection.objects.get_queryset().expiring(timedelta(hours=1)).exists() == is_due


def test_user_who_is_not_active(several: Several) -> None:
    (connection,) = several(1)
    type(connection.user)._default_manager.filter(pk=connection.user_id).update(is_active=False)

    assert run()["due"] == 0


def test_provider_that_is_gone_is_left_alone(several: Several, settings: Settings) -> None:
    several(1)
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert run()["due"] == 0


def test_other_providers_are_left_alone(op: RecordingOpenIDProvider, several: Several, settings: Settings) -> None:
    configure(settings, "other", **settings.OIDC_LOGIN_PROVIDERS["op"])
    several(1)
    several(2, provider_key="other")

    assert run("--provider", "other")["due"] == 2
    assert run()["due"] == 1
    several(1)
    several(1, provider_key="other")
    assert list(run("--provider", "op", "--provider", "other")["providers"]) == ["op", "other"]


def test_pages_of_any_size(several: Several, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PAGE", 2)
    several(5)

    assert outcomes(run()) == {"refreshed": 5}


# How the provider is treated.


@pytest.mark.parametrize("number", [1, 4])
def test_so_many_requests_at_once(op: RecordingOpenIDProvider, several: Several, number: int) -> None:
    several(2 * number)
    meeting, counting, under_way = threading.Barrier(number), threading.Lock(), [0, 0]

    def bend(good: Answer) -> Answer:
        with counting:
            under_way[0] += 1
            under_way[1] = max(under_way)
        meeting.wait(5)  # fewer than so many would wait here in vain
        with counting:
            under_way[0] -= 1
        return good

    with op.bend("token", bend):
        assert outcomes(run("--concurrency", str(number))) == {"refreshed": 2 * number}

    assert under_way == [0, number]


@contextmanager
def answering(op: RecordingOpenIDProvider, answers: list[Answer | None]) -> Iterator[list[float]]:
    """Let the provider answer one thing after the other, then well; note when it was asked."""
    times: list[float] = []
    left = list(answers)
    lock = threading.Lock()

    def bend(good: Answer) -> Answer:
        with lock:
            times.append(time.monotonic())
            return (left.pop(0) if left else None) or good

    with op.bend("token", bend):
        yield times


def test_so_many_requests_in_a_second(op: RecordingOpenIDProvider, several: Several) -> None:
    several(6)

    with answering(op, []) as times:
        run("--rate", "10", "--concurrency", "6")

    assert times[-1] - times[0] >= 0.3  # half a second between the first and the last, but for what the first was late


def too_many(seconds: str) -> Answer:
    return Answer(status=429, headers={"Retry-After": seconds})


def test_provider_that_wants_a_pause_gets_it(op: RecordingOpenIDProvider, several: Several) -> None:
    op.rotate_refresh_tokens = False
    connections = several(4)

    with answering(op, [None, too_many("1")]) as times:
        summary = run("--concurrency", "1")

    assert outcomes(summary) == {"refreshed": 4}
    assert times[2] - times[1] >= 1
    assert all(works(op, connection) for connection in connections)


def test_provider_that_wants_long_is_left_to_the_next_run(
    op: RecordingOpenIDProvider, github: RecordingGitHub, several: Several
) -> None:
    op.rotate_refresh_tokens = False
    github.expiring_tokens = True
    several(9)
    token = granted_by(github)
    several(1, provider_key="github", issuer=github.base_url, refresh_token=token)

    with answering(op, [too_many("3600")] * 20) as times:
        summary = run("--concurrency", "2", status=3)

    assert len(times) <= 2
    assert summary["providers"]["op"]["postponed"] == 9
    assert summary["providers"]["github"]["refreshed"] == 1
    OAuthConnection.objects.update(refresh_lease_until=timezone.now())
    assert outcomes(run()) == {"refreshed": 9}


def granted_by(github: RecordingGitHub) -> str:
    from oidc_login.testing.grants import Grant

    return github.grants.issue_refresh_token(Grant(sub="42", redirect_uri="", scope=""), lifetime=3600, prefix="ghr_")


@pytest.mark.parametrize(
    "answer",
    [Answer(status=500), Answer(raw=lambda write: None), Answer.of_json({"error": "server_error"}, status=400)],
    ids=["500", "reset", "server_error"],
)
def test_passing_fault_passes(op: RecordingOpenIDProvider, several: Several, answer: Answer) -> None:
    op.rotate_refresh_tokens = False
    several(5)

    with answering(op, [answer, None, answer]):
        assert outcomes(run("--concurrency", "1")) == {"refreshed": 5}


def test_provider_that_fails_now_and_then_is_not_left_alone(op: RecordingOpenIDProvider, several: Several) -> None:
    op.rotate_refresh_tokens = False
    several(3 * pace.MOST_PAUSES)

    with answering(op, [Answer(status=503), None] * 2 * pace.MOST_PAUSES):
        assert outcomes(run("--concurrency", "1")) == {"refreshed": 3 * pace.MOST_PAUSES}


def test_provider_that_is_down_is_left_alone_soon(op: RecordingOpenIDProvider, several: Several) -> None:
    op.rotate_refresh_tokens = False
    several(30)

    with answering(op, [Answer(status=503)] * 100) as times:
        summary = run("--concurrency", "2", status=3)

    assert outcomes(summary) == {"postponed": 30}
    assert len(times) <= 2 * (pace.MOST_PAUSES + 1)
    OAuthConnection.objects.update(refresh_lease_until=None)  # those that were tried have a pause of their own
    assert outcomes(run()) == {"refreshed": 30}


def test_connection_that_always_fails_holds_nobody_up(op: RecordingOpenIDProvider, several: Several) -> None:
    broken, *_ = several(10)
    refresh_token = broken.refresh_token

    def bend(good: Answer) -> Answer:
        is_broken = refresh_token in op.requests[-1].body.decode()
        return Answer(status=500) if is_broken else good

    op.rotate_refresh_tokens = False
    with op.bend("token", bend):
        summary = run("--concurrency", "1", status=3)

    assert outcomes(summary) == {"refreshed": 9, "postponed": 1}


@pytest.mark.parametrize("error", ["invalid_client", "invalid_scope"])
def test_site_that_is_refused_uses_up_few_tokens(op: RecordingOpenIDProvider, several: Several, error: str) -> None:
    several(40)

    with op.bend("token", lambda good: Answer.of_json({"error": error}, status=400)):
        summary = run("--concurrency", "2", status=1)

    assert 0 < summary["failed"] <= 2 * (pace.MOST_PAUSES + 1)
    assert summary["failed"] + summary["postponed"] == 40
    assert sum(posted(op).values()) == summary["failed"]


# What can become of one.


def test_who_needs_the_person_is_told_and_the_others_go_on(op: RecordingOpenIDProvider, several: Several) -> None:
    gone, *others = several(4)
    op.grants.revoke_user(gone.provider_user_id)

    assert outcomes(run()) == {"refreshed": 3, "needs_reauth": 1}
    assert stored(gone).status == Status.NEEDS_REAUTH
    assert all(works(op, connection) for connection in others)
    assert run()["due"] == 0


def test_lost_key_is_one_line_of_the_log(
    op: RecordingOpenIDProvider, several: Several, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    several(3)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["another key " * 3]
    several(2)

    assert outcomes(run(status=1)) == {"refreshed": 2, "unreadable": 3}
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert told == "tokens cannot be decrypted: 3 connections, see OIDC_LOGIN_TOKEN_KEYS"


def test_removed_and_deactivated_meanwhile(op: RecordingOpenIDProvider, several: Several) -> None:
    first, removed, deactivated = several(3)

    def change() -> None:
        OAuthConnection.objects.filter(pk=removed.pk).delete()
        type(removed.user)._default_manager.filter(pk=deactivated.user_id).update(is_active=False)

    with while_asking(op, change):
        assert outcomes(run("--concurrency", "1")) == {"refreshed": 1, "skipped": 2}
    assert works(op, first)


def test_who_was_refreshed_by_another_run_is_not_left_over(
    op: RecordingOpenIDProvider, several: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGE", 2)
    _, *others = several(6)

    def refresh_others() -> None:
        for connection in others:
            stored(connection).refresh_access_token()

    with while_asking(op, refresh_others):
        summary = run("--concurrency", "1")

    assert outcomes(summary) == {"refreshed": 2, "skipped": 4}
    assert set(posted(op).values()) == {1}


def test_bug_of_the_site_is_counted_and_told_without_its_text(
    op: RecordingOpenIDProvider, several: Several, caplog: pytest.LogCaptureFixture
) -> None:
    connections = several(3)

    def receiver(connection: OAuthConnection, **kwargs: Any) -> None:
        raise RuntimeError(f"may quote {connection.access_token}")

    signals.token_refreshed.connect(receiver)
    try:
        assert outcomes(run(status=1)) == {"failed": 3}
    finally:
        signals.token_refreshed.disconnect(receiver)

    assert "RuntimeError" in caplog.text and "may quote" not in caplog.text
    assert all(works(op, connection) for connection in connections)


def test_refresh_by_somebody_else_is_no_second_request(op: RecordingOpenIDProvider, several: Several) -> None:
    first, second = several(2)

    with while_asking(op, lambda: stored(second).refresh_access_token()):
        assert outcomes(run("--concurrency", "1")) == {"refreshed": 2}

    assert set(posted(op).values()) == {1}
    assert works(op, first) and works(op, second)


@pytest.mark.skipif(database.vendor != "postgresql", reason="PostgreSQL ends connections on demand")
def test_lost_connection_to_the_database_costs_one(several: Several) -> None:
    several(6)
    left = [1]

    def cut_all(**kwargs: Any) -> None:
        if left and left.pop():
            with suppress(DatabaseError), connections["default"].cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                )

    signals.token_refreshed.connect(cut_all)
    try:
        summary = run("--concurrency", "1", status=3)
    finally:
        signals.token_refreshed.disconnect(cut_all)
        connections.close_all()

    assert outcomes(summary) == {"refreshed": 5, "postponed": 1}


def test_no_token_is_told(op: RecordingOpenIDProvider, several: Several, witness: Witness) -> None:
    several(3)
    secrets = {c.access_token for c in OAuthConnection.objects.all()} | {
        c.refresh_token for c in OAuthConnection.objects.all()
    }
    out = StringIO()
    call_command(COMMAND, stdout=out, stderr=out)

    secrets |= op.secrets()
    assert not [secret for secret in secrets if secret and secret in out.getvalue() + witness.caplog.text]


# Stopped, and begun again.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_what_is_under_way_is_saved(op: RecordingOpenIDProvider, several: Several, number: signal.Signals) -> None:
    connections = several(12)
    left = [3]

    def bend(good: Answer) -> Answer:
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(number)
        good.delay = 0.5
        return good

    with op.bend("token", bend):
        summary = run("--concurrency", "3", status=130)

    assert summary["stopped"] is True
    assert 0 < summary["refreshed"] < 12
    assert all(works(op, connection) for connection in connections)
    assert outcomes(run()) == {"refreshed": 12 - summary["refreshed"]}
    assert set(posted(op).values()) == {1}


# How it is asked for, and what it says.


def test_function_for_jobs(op: RecordingOpenIDProvider, several: Several) -> None:
    several(2)

    summary = OAuthConnection.objects.refresh_expiring(within=timedelta(hours=1), provider_keys=["op"], concurrency=2)

    assert json.loads(json.dumps(summary)) == summary
    assert outcomes(summary) == {"refreshed": 2}


def told(*arguments: str) -> str:
    out = StringIO()
    try:
        call_command(COMMAND, *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_summary_for_people(op: RecordingOpenIDProvider, several: Several) -> None:
    gone, *_ = several(3)
    op.grants.revoke_user(gone.provider_user_id)

    first, last = told().splitlines()

    assert first == "op: 3 due, 2 refreshed, 1 needs_reauth"
    assert last.startswith("All: 3 due, 2 refreshed, 1 needs_reauth, in ")


def test_summary_names_what_is_left_and_what_to_do(
    op: RecordingOpenIDProvider, several: Several, settings: Settings
) -> None:
    op.rotate_refresh_tokens = False
    several(1)
    settings.SECRET_KEY = "another " * 10
    several(2)

    with op.bend("token", lambda good: Answer(status=503)):
        lines = told().splitlines()

    assert "Connections with tokens that no key decrypts: 1. See SECRET_KEY_FALLBACKS." in lines
    assert "Connections left for the next run: 2." in lines


def test_quiet(several: Several) -> None:
    several(1)

    assert told("--verbosity", "0") == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--provider", "opp"], "no provider 'opp' in OIDC_LOGIN_PROVIDERS. Did you mean 'op'?"),
        (["--expiring-within", "1"], "'1' is not a duration; write 90s, 30m, 1h or 2d"),
        (["--expiring-within", "-1h"], "expected one argument"),
        (["--expiring-within", "99999d"], "is not a duration"),
        (["--concurrency", "0"], "must be 1 or more"),
        (["--concurrency", "x"], "invalid"),
        (["--rate", "0"], "must be greater than 0"),
        (["--rate", "nan"], "must be greater than 0"),
    ],
)
def test_option_that_cannot_be(op: RecordingOpenIDProvider, arguments: list[str], says: str) -> None:
    assert says in told(*arguments)


@pytest.mark.parametrize("text", ["90s", "30m", "1h", "2d", "9999d"])
def test_times(several: Several, text: str) -> None:
    several(1, access_token_expires_at=minutes(-1))

    assert run("--expiring-within", text)["due"] == 1
