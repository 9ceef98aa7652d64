"""All stored tokens under the first key: beside live traffic, to be stopped and begun again, and never one lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections, transaction

from oidc_login.exceptions import ProviderUnavailable
from oidc_login.maintenance.rotation import FIELDS
from oidc_login.models import OAuthConnection
from oidc_login.testing import User
from tests.support.databases import TABLE, before, ciphertext, fail, overwrite
from tests.support.served import RecordingOpenIDProvider
from tests.tokens.conftest import Connect, stored, works
from tests.tokens.test_races import not_on_sqlite, while_asking

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW, OLDER = "the old key " * 3, "the new key " * 3, "the key before that " * 3
COMMAND = "oidc_login_rotate_keys"


@pytest.fixture
def several(op: RecordingOpenIDProvider, connect: Connect, settings: Settings) -> list[OAuthConnection]:
    """Connections under the old key, while the new one is already in front of it."""
    settings.OIDC_LOGIN_TOKEN_KEYS = [OLD]
    made = []
    for number in range(5):
        op.users.add(User(f"sub-{number}"))
        made.append(connect(f"person{number}", sub=f"sub-{number}"))
    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW, OLD]
    return made


def rotate(*arguments: str, status: int = 0) -> str:
    """Run the command; return all that it says, after it ended as expected."""
    out = StringIO()
    try:
        call_command(COMMAND, *arguments, stdout=out, stderr=out)
    except CommandError as error:
        assert error.returncode == status, error
        return f"{out.getvalue()}{error}"
    assert status == 0, out.getvalue()
    return out.getvalue()


def tokens_of(connection: OAuthConnection) -> tuple[str, str]:
    connection = stored(connection)
    return connection.access_token, connection.refresh_token


@pytest.mark.parametrize("size", ["1", "2", "5", "200"])
def test_old_key_is_needed_no_more(several: list[OAuthConnection], settings: Settings, size: str) -> None:
    tokens = list(map(tokens_of, several))

    told = rotate("--batch-size", size)

    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW]
    assert list(map(tokens_of, several)) == tokens
    assert "Connections with tokens: 5, re-encrypted: 5" in told
    assert [line.split() for line in told.splitlines()[1:]] == [
        ["5", "need", "OIDC_LOGIN_TOKEN_KEYS[0]"],
        ["0", "need", "OIDC_LOGIN_TOKEN_KEYS[1]"],
    ]


def test_nothing_else_of_a_row_is_written(several: list[OAuthConnection]) -> None:
    def others() -> list[Any]:
        rows = OAuthConnection.objects.order_by("pk").values()
        return [{name: value for name, value in row.items() if not name.endswith("_token")} for row in rows]

    untouched = others()
    rotate()

    assert others() == untouched


def test_second_time_there_is_nothing_to_do(several: list[OAuthConnection]) -> None:
    rotate()
    texts = [ciphertext(connection) for connection in several]

    assert "re-encrypted: 0" in rotate()
    assert [ciphertext(connection) for connection in several] == texts


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_check_counts_and_changes_nothing(several: list[OAuthConnection], option: str) -> None:
    several[0].access_token = "under the new key"
    several[0].save(update_fields=["access_token"])
    texts = [ciphertext(connection) for connection in several]

    told = rotate(option, status=3)

    assert "1 need OIDC_LOGIN_TOKEN_KEYS[0]" in told
    assert "5 need OIDC_LOGIN_TOKEN_KEYS[1]" in told, "its refresh token does"
    assert [ciphertext(connection) for connection in several] == texts
    rotate()
    assert "0 need OIDC_LOGIN_TOKEN_KEYS[1]" in rotate(option)


def test_secret_key_and_its_fallbacks(connect: Connect, settings: Settings) -> None:
    connection = connect()
    tokens = tokens_of(connection)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another " * 10
    assert "1 need SECRET_KEY_FALLBACKS[0]" in rotate("--check", status=3)

    rotate()

    settings.SECRET_KEY_FALLBACKS = []
    assert tokens_of(connection) == tokens


def test_connections_without_tokens_are_not_counted(connect: Connect) -> None:
    connect(access_token="", refresh_token="")

    assert "Connections with tokens: 0" in rotate()


def test_quiet(several: list[OAuthConnection]) -> None:
    assert rotate("--verbosity", "0") == ""


def test_batch_size_that_is_none() -> None:
    assert "--batch-size" in rotate("--batch-size", "0", status=1)


# What no key decrypts.


@pytest.mark.parametrize("option", [(), ("--check",)], ids=["", "check"])
def test_missing_key_is_named_and_nothing_is_lost(
    several: list[OAuthConnection], settings: Settings, option: tuple[str, ...]
) -> None:
    settings.OIDC_LOGIN_TOKEN_KEYS = [OLDER]
    texts = [ciphertext(connection) for connection in several]

    told = rotate(*option, status=1)

    assert "no key decrypts: 5" in told
    assert "to OIDC_LOGIN_TOKEN_KEYS," in told
    assert [ciphertext(connection) for connection in several] == texts
    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW, OLDER, OLD]
    rotate()


def test_missing_secret_key_is_named(connect: Connect, settings: Settings) -> None:
    connect()
    settings.SECRET_KEY = "another " * 10

    assert "to SECRET_KEY_FALLBACKS," in rotate(status=1)


def test_all_others_are_encrypted_anew(several: list[OAuthConnection], settings: Settings) -> None:
    """Also the other token of the same connection."""
    settings.OIDC_LOGIN_TOKEN_KEYS = [OLDER]
    several[0].access_token = "under a key that is lost"
    several[0].save(update_fields=["access_token"])
    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW, OLD]
    refresh_token = several[0].__class__.objects.get(pk=several[0].pk).refresh_token
    text = ciphertext(several[0])

    told = rotate(status=1)

    assert "no key decrypts: 1" in told and "re-encrypted: 5" in told
    assert ciphertext(several[0]) == text
    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW]
    assert stored(several[0]).refresh_token == refresh_token


def test_changed_ciphertext_is_told_apart(several: list[OAuthConnection]) -> None:
    """No key would help."""
    overwrite(several[0], ciphertext(several[1]))
    text = ciphertext(several[0])

    told = rotate(status=1)

    assert "changed or moved to another row in the database: 1" in told
    assert "no key decrypts" not in told
    assert ciphertext(several[0]) == text


def test_text_that_is_no_ciphertext(several: list[OAuthConnection]) -> None:
    overwrite(several[0], "in clear, \u00e9")

    assert "no key decrypts: 1" in rotate(status=1)
    assert ciphertext(several[0]) == "in clear, \u00e9"


def test_no_token_is_told(several: list[OAuthConnection], settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secrets = [OLD, NEW, *(token for connection in several for token in tokens_of(connection))]
    overwrite(several[0], ciphertext(several[1]))

    told = rotate(status=1) + caplog.text

    assert not [secret for secret in secrets if secret in told]


# Beside live traffic.


def test_refresh_between_reading_and_writing_stays(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    first = several[0]

    with before("UPDATE", TABLE, stored(first).refresh_access_token):
        rotate()

    assert tokens_of(first) == (op.answered[-1]["access_token"], op.answered[-1]["refresh_token"])
    assert all(works(op, connection) for connection in several)


def test_refresh_by_a_process_that_has_the_old_key_in_front(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], settings: Settings
) -> None:
    def refresh_there() -> None:
        settings.OIDC_LOGIN_TOKEN_KEYS = [OLD, NEW]
        stored(several[0]).refresh_access_token()
        settings.OIDC_LOGIN_TOKEN_KEYS = [NEW, OLD]

    with before("UPDATE", TABLE, refresh_there):
        told = rotate()

    assert "0 need OIDC_LOGIN_TOKEN_KEYS[1]" in told
    assert works(op, several[0])


def test_row_that_changes_each_time_is_left_over(several: list[OAuthConnection], settings: Settings) -> None:
    def store_anew() -> None:
        settings.OIDC_LOGIN_TOKEN_KEYS = [OLD]
        overwrite(several[0], FIELDS["access_token"].encrypt("newer", several[0]))
        settings.OIDC_LOGIN_TOKEN_KEYS = [NEW, OLD]

    OAuthConnection.objects.exclude(pk=several[0].pk).delete()
    with before("UPDATE", TABLE, store_anew, times=3):
        told = rotate(status=3)

    assert "still need an old key: 1" in told
    assert tokens_of(several[0])[0] == "newer"


def test_row_that_is_removed_meanwhile(several: list[OAuthConnection]) -> None:
    with before("UPDATE", TABLE, lambda: OAuthConnection.objects.filter(pk=several[0].pk).delete()):
        told = rotate()

    assert "Connections with tokens: 4" in told
    assert OAuthConnection.objects.count() == 4


def test_deadlock_costs_nothing(several: list[OAuthConnection], settings: Settings) -> None:
    """The database ends one of two transactions: all rows of the batch are written one by one."""
    with before("UPDATE", TABLE, at_the_third(fail(OperationalError)), times=3):
        assert "re-encrypted: 5" in rotate()

    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW]
    assert all(map(tokens_of, several))


@not_on_sqlite
def test_locked_row_is_left_over_and_holds_nobody_else_up(
    several: list[OAuthConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oidc_login.tokens.database.LOCK_TIMEOUT", 1)
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            OAuthConnection.objects.select_for_update().get(pk=several[2].pk)
            locked.set()
            done.wait(60)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    connections.close_all()
    try:
        told = rotate(status=3)
    finally:
        done.set()
        holder.join()

    assert "re-encrypted: 4" in told and "still need an old key: 1" in told
    rotate()


def test_refresh_under_way_saves_its_tokens(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], settings: Settings
) -> None:
    connection = several[0]

    with while_asking(op, rotate):
        connection.refresh_access_token()

    assert works(op, connection)
    assert "0 need OIDC_LOGIN_TOKEN_KEYS[1]" in rotate()


def test_refresh_whose_lease_has_ended_saves_its_tokens(
    op: RecordingOpenIDProvider, several: list[OAuthConnection]
) -> None:
    """What is stored is the same token in another ciphertext: nobody has overtaken the refresh."""
    connection = several[0]

    def rotate_late() -> None:
        OAuthConnection.objects.update(refresh_lease="", refresh_lease_until=None)
        rotate()

    with while_asking(op, rotate_late):
        connection.refresh_access_token()

    assert works(op, connection)


def test_rotating_to_and_fro_beside_refreshes_loses_nothing(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], settings: Settings
) -> None:
    end = threading.Event()
    failures: list[BaseException] = []

    def refresh_all_the_time(pk: Any) -> None:
        while not end.is_set():
            try:
                OAuthConnection.objects.select_related("user").get(pk=pk).refresh_access_token()
            except ProviderUnavailable:
                pass  # a lock
            except BaseException as error:
                failures.append(error)
                break
        connections.close_all()

    workers = [threading.Thread(target=refresh_all_the_time, args=[connection.pk]) for connection in several]
    for worker in workers:
        worker.start()
    for turn in range(12):
        settings.OIDC_LOGIN_TOKEN_KEYS = [NEW, OLD] if turn % 2 else [OLD, NEW]
        out = StringIO()
        try:
            call_command(COMMAND, "--batch-size", "2", stdout=out)
        except CommandError as error:
            assert error.returncode == 3, error
    end.set()
    for worker in workers:
        worker.join()

    assert failures == []
    assert all(works(op, connection) for connection in several)
    assert op.asked().count("token") > 10


# Stopped, and begun again.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_stopped_and_begun_again(several: list[OAuthConnection], settings: Settings, number: signal.Signals) -> None:
    tokens = list(map(tokens_of, several))
    handler = signal.getsignal(signal.SIGTERM)

    with before("UPDATE", TABLE, at_the_third(lambda: signal.raise_signal(number)), times=5):
        told = rotate("--batch-size", "1", status=130)

    assert "Run the command again to continue" in told
    assert "re-encrypted: 2" in told
    assert signal.getsignal(signal.SIGTERM) == handler
    assert "re-encrypted: 3" in rotate()
    settings.OIDC_LOGIN_TOKEN_KEYS = [NEW]
    assert list(map(tokens_of, several)) == tokens


def at_the_third(act: Callable[[], Any]) -> Callable[[], None]:
    turns: Iterator[int] = iter(range(1, 100))

    def count() -> None:
        if next(turns) == 3:
            act()

    return count
