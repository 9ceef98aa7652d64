"""Identities under another issuer: nobody is lost, no token is lost, and without --apply nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from oidc_login.models import OAuthConnection, SignedInSession, Status
from oidc_login.testing import User
from tests.support.browser import Browser
from tests.support.databases import TABLE, before, ciphertext, fail, overwrite
from tests.support.served import RecordingGitHub, RecordingOpenIDProvider
from tests.tokens.conftest import Connect, stored, works

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

OLD = "https://before.example/auth/realms/staff"


@pytest.fixture
def several(op: RecordingOpenIDProvider, connect: Connect) -> list[OAuthConnection]:
    """Connections of the time before the provider moved."""
    made = []
    for number in range(5):
        op.users.add(User(f"sub-{number}", preferred_username=f"person{number}"))
        made.append(connect(f"person{number}", sub=f"sub-{number}", issuer=OLD))
    return made


def move(*arguments: str, status: int = 0) -> str:
    """Run the command; return all that it says, after it ended as expected."""
    out = StringIO()
    try:
        call_command("oidc_login_move_issuer", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        assert error.returncode == status, error
        return f"{out.getvalue()}{error}"
    assert status == 0, out.getvalue()
    return out.getvalue()


def rows() -> list[Any]:
    return list(OAuthConnection.objects.order_by("pk").values())


def tokens_of(connection: OAuthConnection) -> tuple[str, str]:
    connection = stored(connection)
    return connection.access_token, connection.refresh_token


def test_without_apply_it_only_says_what_it_would_do(
    op: RecordingOpenIDProvider, several: list[OAuthConnection]
) -> None:
    as_before = rows()

    told = move("op", OLD, op.issuer)

    assert rows() == as_before
    assert "Connections: 5, would be moved: 5" in told
    assert "--apply" in told


@pytest.mark.parametrize("size", ["1", "2", "5", "200"])
def test_everybody_is_known_and_every_token_works(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], size: str
) -> None:
    tokens = list(map(tokens_of, several))

    told = move("op", OLD, op.issuer, "--apply", "--batch-size", size)

    assert "Connections: 5, moved: 5" in told
    assert list(map(tokens_of, several)) == tokens
    assert all(works(op, stored(connection)) for connection in several)
    for number in range(5):
        browser = Browser()
        assert browser.sign_in(op, user=f"person{number}").status_code == 302
        assert browser.user == several[number].user
    assert get_user_model().objects.count() == 5


def test_nothing_else_of_a_row_is_written(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    def others() -> list[Any]:
        changed = ("issuer", "access_token", "refresh_token")
        return [{name: value for name, value in row.items() if name not in changed} for row in rows()]

    as_before = others()
    move("op", OLD, op.issuer, "--apply")

    assert others() == as_before


def test_other_issuers_and_providers_are_left_alone(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], connect: Connect
) -> None:
    connect("elsewhere", sub="sub-0", issuer="https://elsewhere.example")
    connect("other", sub="sub-0", issuer=OLD, provider_key="other")
    as_before = rows()[5:]

    move("op", OLD, op.issuer, "--apply")

    assert rows()[5:] == as_before


def test_identities_without_a_server_get_one(github: RecordingGitHub) -> None:
    Browser().sign_in(github, "github", user="bob")
    connection = OAuthConnection.objects.get()
    connection.issuer, connection.access_token = "", connection.access_token
    token = connection.access_token
    connection.save()
    assert Browser().sign_in(github, "github", user="bob").status_code == 409

    move("github", "", github.base_url, "--apply")

    assert stored(connection).access_token == token
    browser = Browser()
    assert browser.sign_in(github, "github", user="bob").status_code == 302
    assert browser.user == connection.user


def test_sessions_are_still_ended_by_the_provider(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    for issuer in (OLD, "https://elsewhere.example"):
        SignedInSession.objects.create(
            user=several[0].user,
            provider_key="op",
            issuer=issuer,
            subject="sub-0",
            expires_at=timezone.now() + timedelta(hours=1),
        )

    assert "Sessions: 1 would be moved" in move("op", OLD, op.issuer)
    assert "Sessions: 1 moved" in move("op", OLD, op.issuer, "--apply")

    issuers = set(SignedInSession.objects.values_list("issuer", flat=True))
    assert issuers == {op.issuer, "https://elsewhere.example"}


def test_second_time_there_is_nothing_to_do(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    move("op", OLD, op.issuer, "--apply")
    as_before = rows()

    told = move("op", OLD, op.issuer, "--apply")

    assert "Connections: 0, moved: 0" in told
    assert f"Issuers found: {op.issuer!r}" in told
    assert rows() == as_before


# What is left as it is.


@pytest.mark.parametrize("option", [(), ("--apply",)], ids=["dry", "apply"])
def test_person_who_has_come_back_meanwhile_is_named_and_left(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], connect: Connect, option: tuple[str, ...]
) -> None:
    connect("person2again", sub="sub-2", issuer=op.issuer)

    told = move("op", OLD, op.issuer, *option, status=1)

    assert f": 1 ({several[2].pk})" in told
    assert "sub-2" not in told
    assert ("moved: 4" if option else "would be moved: 4") in told
    assert stored(several[2]).issuer == OLD


def test_person_who_comes_back_at_that_moment_is_left(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], connect: Connect
) -> None:
    def come() -> None:
        connect("person0again", sub="sub-0", issuer=op.issuer)

    with before("UPDATE", TABLE, come, times=2):  # in the batch, then for the row alone
        told = move("op", OLD, op.issuer, "--apply", status=1)

    assert f": 1 ({several[0].pk})" in told
    assert "moved: 4" in told


@pytest.mark.parametrize("option", [(), ("--apply",)], ids=["dry", "apply"])
def test_tokens_that_no_key_opens_are_not_lost(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], settings: Settings, option: tuple[str, ...]
) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [], "another key " * 5
    texts = [ciphertext(connection) for connection in several]

    told = move("op", OLD, op.issuer, *option, status=1)

    assert "no key decrypts: 5" in told and "SECRET_KEY_FALLBACKS" in told
    assert [ciphertext(connection) for connection in several] == texts
    assert set(OAuthConnection.objects.values_list("issuer", flat=True)) == {OLD}


def test_they_can_be_moved_without_their_tokens(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    overwrite(several[0], ciphertext(several[1]))

    assert "moved: 5, 1 of them without" in move("op", OLD, op.issuer, "--forget-unreadable")
    told = move("op", OLD, op.issuer, "--apply", "--forget-unreadable")

    assert "moved: 5, 1 of them without" in told
    assert tokens_of(several[0]) == ("", "")
    assert stored(several[0]).status == Status.NEEDS_REAUTH
    assert all(tokens_of(several[1]))
    assert Browser().sign_in(op, user="person0").status_code == 302


def test_refresh_under_way_is_not_disturbed(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    """Its tokens would be stored with the seal of before."""
    until = timezone.now() + timedelta(seconds=30)
    OAuthConnection.objects.filter(pk=several[1].pk).update(refresh_lease="somebody", refresh_lease_until=until)

    told = move("op", OLD, op.issuer, "--apply", status=3)

    assert "moved: 4" in told and "refreshed or changed: 1" in told
    OAuthConnection.objects.update(refresh_lease_until=timezone.now() - timedelta(seconds=1))
    assert "moved: 1" in move("op", OLD, op.issuer, "--apply")


def test_token_that_changed_in_between_is_the_one_that_stays(
    op: RecordingOpenIDProvider, several: list[OAuthConnection]
) -> None:
    def change() -> None:
        connection = stored(several[0])
        connection.access_token = "newer"
        connection.save(update_fields=["access_token"])

    with before("UPDATE", TABLE, change):
        move("op", OLD, op.issuer, "--apply")

    assert tokens_of(several[0])[0] == "newer"


@pytest.mark.parametrize("error", [OperationalError, IntegrityError])
def test_batch_that_fails_is_written_one_by_one(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], error: type[Exception]
) -> None:
    with before("UPDATE", TABLE, at_the_third(fail(error)), times=3):
        told = move("op", OLD, op.issuer, "--apply")

    assert "Connections: 5, moved: 5" in told
    assert all(map(tokens_of, several))


def at_the_third(act: Callable[[], None]) -> Callable[[], None]:
    calls = []

    def acted() -> None:
        calls.append(1)
        if len(calls) == 3:
            act()

    return acted


# What it says.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("op", OLD, OLD), "the same issuer"),
        (("op", OLD, "x" * 256), "longer than 255"),
        (("op", OLD, "x", "--batch-size", "0"), "--batch-size"),
        (("misspelt", OLD, "x"), "No connection belongs to the provider 'misspelt'"),
    ],
    ids=["same", "long", "size", "key"],
)
def test_mistakes_are_told(several: list[OAuthConnection], arguments: tuple[str, ...], said: str) -> None:
    as_before = rows()

    assert said in move(*arguments, status=1)
    assert rows() == as_before


def test_issuer_that_the_settings_do_not_name_is_told(
    op: RecordingOpenIDProvider, several: list[OAuthConnection]
) -> None:
    assert "sign-ins do not find" in move("op", OLD, "https://new.example")
    assert "sign-ins do not find" not in move("op", OLD, op.issuer)


def test_no_token_and_no_identity_is_told(
    op: RecordingOpenIDProvider, several: list[OAuthConnection], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secrets = [value for connection in several for value in (*tokens_of(connection), connection.provider_user_id)]
    overwrite(several[0], ciphertext(several[1]))

    told = move("op", OLD, op.issuer, "--apply", status=1) + caplog.text

    assert not [secret for secret in secrets if secret in told]


def test_quiet(op: RecordingOpenIDProvider, several: list[OAuthConnection]) -> None:
    assert move("op", OLD, op.issuer, "--apply", "--verbosity", "0") == ""
