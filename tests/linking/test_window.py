"""Windows: a claim that the operator answers for finds the account of somebody whose identity nobody stored, once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from oidc_login.maintenance.window import NAME_NOBODY, close_window
from oidc_login.models import LinkWindow, LinkWindowUse, OAuthConnection
from oidc_login.signin.link_window import forget_closed
from tests.support.browser import Browser
from tests.support.served import ALICE, BOB, RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

CLAIM = "employee"
TOMORROW = f"{timezone.localtime() + timedelta(days=1):%Y-%m-%d}"
FIXED = "--people-cannot-change-claim"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("oidc_login_window", *arguments, stdout=out)
    return out.getvalue()


def open_window(*arguments: str, claim: str = CLAIM) -> LinkWindow:
    run("open", "op", "--claim", claim, "--until", TOMORROW, FIXED, *arguments)
    return LinkWindow.objects.get()


@pytest.fixture(autouse=True)
def looked_again() -> Iterator[None]:
    forget_closed()
    yield
    forget_closed()


@pytest.fixture
def op(op: RecordingOpenIDProvider) -> RecordingOpenIDProvider:
    """Alice has a number in the directory, and an address that the provider does not vouch for."""
    give(op, ALICE, "a-17")
    return op


def give(op: RecordingOpenIDProvider, person: Any, value: Any, **changes: Any) -> None:
    claims = {**person.claims, CLAIM: value}
    op.users.add(replace(person, email_verified=False, claims=claims, **changes))


@pytest.fixture
def account() -> User:
    return User.objects.create_user("A-17", "somebody@example.org")


def result(op: RecordingOpenIDProvider, who: str = "alice") -> tuple[str, int]:
    """Sign in; return the user name, or the code of the refusal, and the number of users."""
    browser = Browser()
    response = browser.sign_in(op, user=who)
    name = browser.user.username if browser.user else response.context["oauth_error"].code
    return name, User.objects.count()


def test_person_is_linked_and_stays_linked(op: RecordingOpenIDProvider, account: User, caplog: Any) -> None:
    window = open_window()
    with caplog.at_level(logging.INFO, logger="oidc_login"):
        assert result(op) == ("A-17", 1)

    assert f"window used: window={window.pk} provider=op user={account.pk}" in caplog.text
    assert "a-17" not in caplog.text.lower()
    assert (OAuthConnection.objects.get().link_reason, LinkWindowUse.objects.get().user_key) == (
        "operator",
        str(account.pk),
    )
    close_window(window)
    assert result(op) == ("A-17", 1)  # by the identity, from now on


def refuse_inactive(account: User) -> None:
    User.objects.filter(pk=account.pk).update(is_active=False)


def make_staff(account: User) -> None:
    User.objects.filter(pk=account.pk).update(is_staff=True)


def make_superuser(account: User) -> None:
    User.objects.filter(pk=account.pk).update(is_superuser=True)


def connect_elsewhere(account: User) -> None:
    OAuthConnection.objects.create(user=account, provider_key="github", provider_user_id="1")


def use_before(account: User) -> None:
    LinkWindowUse.objects.create(window=LinkWindow.objects.get(), user_key=str(account.pk))


def have_a_twin(account: User) -> None:
    if connection.vendor == "mysql":
        pytest.skip("this database compares user names without case, so there can be no twin")
    User.objects.create_user("a-17")


def have_the_address_elsewhere(account: User) -> None:
    User.objects.create_user("other", ALICE.email)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (refuse_inactive, "inactive"),
        (make_staff, "staff_linking_off"),
        (make_superuser, "staff_linking_off"),
        (connect_elsewhere, "identity_conflict"),
        (use_before, "identity_conflict"),
        (have_a_twin, "email_ambiguous"),
        (have_the_address_elsewhere, "email_ambiguous"),
    ],
)
def test_account_that_no_window_links(op: RecordingOpenIDProvider, account: User, change: Any, code: str) -> None:
    """Nobody is linked, and nobody gets a second account."""
    open_window()
    change(account)
    users = User.objects.count()

    assert result(op) == (code, users)
    assert not OAuthConnection.objects.filter(provider_key="op").exists()


def test_second_person_with_the_same_value_is_refused(op: RecordingOpenIDProvider, account: User) -> None:
    open_window()
    give(op, BOB, "a-17")

    assert result(op) == ("A-17", 1)
    assert result(op, "bob") == ("identity_conflict", 1)
    assert OAuthConnection.objects.get().provider_user_id == ALICE.sub


def test_account_is_linked_once_even_if_it_was_disconnected(op: RecordingOpenIDProvider, account: User) -> None:
    open_window()
    result(op)
    OAuthConnection.objects.all().delete()

    assert result(op) == ("identity_conflict", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": timezone.now() - timedelta(seconds=1)},
        {"closed_at": timezone.now()},
        {"opened_at": timezone.now() + timedelta(hours=1)},
        {"issuer": "https://another.example"},
        {"provider_key": "github"},
    ],
    ids=["past its end", "closed", "not begun", "another issuer", "another provider"],
)
def test_window_that_is_not_open_links_nobody(
    op: RecordingOpenIDProvider, account: User, change: dict[str, Any]
) -> None:
    open_window()
    LinkWindow.objects.update(**change)

    assert result(op)[0] != "A-17"
    assert not OAuthConnection.objects.filter(user=account).exists()


@pytest.mark.parametrize("value", ["a-18", "", 17, ["a-17"], "а-17"], ids=["other", "empty", "int", "list", "alike"])
def test_value_that_is_not_the_same_links_nobody(op: RecordingOpenIDProvider, account: User, value: Any) -> None:
    open_window()
    give(op, ALICE, value)

    assert result(op) == ("alice", 2)


def test_staff_who_are_named_are_linked(op: RecordingOpenIDProvider, account: User) -> None:
    make_staff(account)
    open_window("--staff", "A-17")

    assert result(op) == ("A-17", 1)


def test_address_that_is_not_verified_links_in_its_window(op: RecordingOpenIDProvider) -> None:
    """The people whom mozilla-django-oidc let in, and whom the ordinary rules lock out."""
    User.objects.create_user("local", ALICE.email)
    assert result(op) == ("email_not_verified", 1)
    open_window(claim="email")

    assert result(op) == ("local", 1)


def test_site_without_linking_by_email_has_no_window_for_addresses(
    op: RecordingOpenIDProvider, settings: Settings
) -> None:
    User.objects.create_user("local", ALICE.email)
    open_window(claim="email")
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"

    assert result(op)[0] in ("email_not_verified", "email_linking_off")
    assert not OAuthConnection.objects.exists()


def is_unconfirmed(user: Any) -> bool:
    return False


def test_unconfirmed_account_is_confirmed_first(op: RecordingOpenIDProvider, account: User, settings: Settings) -> None:
    """Somebody may have opened it to wait for the person."""
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"{__name__}.is_unconfirmed"
    open_window()

    assert result(op) == ("confirm_link", 1)
    assert not OAuthConnection.objects.exists()


def test_domain_list_wins(op: RecordingOpenIDProvider, account: User, settings: Settings) -> None:
    open_window()
    configure(settings, "op", allowed_email_domains=["corp.example"])

    assert result(op) == ("domain_not_allowed", 1)


def test_window_is_judged_again_when_it_is_used(op: RecordingOpenIDProvider, account: User) -> None:
    """It was closed, or the account was connected, between the decision and the lock."""
    from oidc_login.exceptions import IdentityConflict
    from oidc_login.signin.link_window import use

    window = open_window()
    connect_elsewhere(account)
    with pytest.raises(IdentityConflict):
        use(window, account)
    OAuthConnection.objects.all().delete()
    LinkWindow.objects.update(closed_at=timezone.now())
    with pytest.raises(IdentityConflict):
        use(window, account)
    assert not LinkWindowUse.objects.exists()


# The command.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--claim", CLAIM, "--until", TOMORROW), "they can take over accounts"),
        (("--claim", "email", "--until", TOMORROW), "they can take over accounts"),
        (("--claim", "nickname", "--until", TOMORROW, FIXED), "does not identify one person"),
        (("--claim", CLAIM, "--until", "2020-01-01", FIXED), "in the future"),
        (("--claim", CLAIM, "--until", "2099-01-01", FIXED), "within 366 days"),
        (("--claim", CLAIM, "--until", "soon", FIXED), "write a day"),
        (("--claim", CLAIM, "--until", TOMORROW, FIXED, "--field", "shoe"), "no field 'shoe'"),
        (("--claim", CLAIM, "--until", TOMORROW, FIXED, "--issuer", "https://x.example"), "cannot have that issuer"),
        (("--claim", CLAIM, "--until", TOMORROW, FIXED, "--staff", "nobody"), "no user 'nobody'"),
    ],
)
def test_window_that_is_not_opened(op: RecordingOpenIDProvider, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("open", "op", *arguments)
    assert not LinkWindow.objects.exists()


def test_claims_that_people_choose_are_never_enough() -> None:
    assert {"name", "nickname", "picture", "phone_number"} <= NAME_NOBODY


def test_one_window_for_each_provider(op: RecordingOpenIDProvider) -> None:
    open_window()
    with pytest.raises(CommandError, match="already has an open window"):
        open_window()


def test_windows_are_listed_and_closed(op: RecordingOpenIDProvider, account: User) -> None:
    window = open_window()
    result(op)

    assert f"{window.pk}: op of {op.issuer}, {CLAIM} is username, until {TOMORROW}" in run("list")
    assert "open, used 1 times" in run("list")
    assert "closed" in run("close", str(window.pk))
    with pytest.raises(CommandError, match="no open window"):
        run("close", str(window.pk))
