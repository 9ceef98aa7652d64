"""A sign-up works with every user model that can be filled, and says clearly why it does not work with another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models.signals import post_save

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import Failure, NothingChanged, Witness
from tests.support.served import ALICE
from tests.usermodels.models import Company, Filled, Hideable, Nicknamed, WithPhone
from tests.usermodels.support import UseModel

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def failed(browser: Browser, op: OpenIDProvider, nothing_changed: NothingChanged, user: str = "alice") -> Failure:
    """Sign in without success, and leave nothing behind."""
    answer = browser.authorize(op, browser.begin(), user)
    with nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    return failure


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("WithBirthday", "not-null constraint"),
        ("Employee", "not-null constraint"),
        ("WithTenant", "has_tenant"),
        ("ValidatedWithBirthday", "validation of birthday"),
    ],
)
def test_model_that_nobody_can_fill_is_the_sites_own_error(
    op: OpenIDProvider,
    browser: Browser,
    use_model: UseModel,
    witness: Witness,
    assert_nothing_changed: NothingChanged,
    model: str,
    named: str,
) -> None:
    """The log names what is missing, the page says that it is no use to try again, and nothing is tried twice."""
    use_model(model)

    failure = failed(browser, op, assert_nothing_changed)

    assert failure.seen == (500, "site_misconfigured")
    assert "Retry-After" not in failure.response
    assert "not set up correctly" in failure.response.content.decode()
    (record,) = [
        record for record in witness.caplog.records if record.levelname == "ERROR" and record.name == "oidc_login"
    ]
    assert named in record.getMessage()
    assert "sign-in retried" not in witness.caplog.text


@pytest.mark.parametrize(("model", "column"), [("WithBirthday", "birthday"), ("Employee", "company_id")])
def test_log_names_the_column_that_nobody_fills(
    op: OpenIDProvider,
    browser: Browser,
    use_model: UseModel,
    assert_nothing_changed: NothingChanged,
    model: str,
    column: str,
) -> None:
    use_model(model)

    assert failed(browser, op, assert_nothing_changed).errors[0].reason.endswith(column)


def test_unique_field_that_stays_empty_fails_for_the_second_person(
    op: OpenIDProvider, browser: Browser, use_model: UseModel, assert_nothing_changed: NothingChanged
) -> None:
    use_model("WithPhone")
    assert Browser().sign_in(op, user="bob").status_code == 302

    failure = failed(browser, op, assert_nothing_changed)

    assert failure.seen == (500, "site_misconfigured")
    assert "phone" in failure.errors[0].reason
    assert WithPhone.objects.count() == 1


@contextmanager
def receiving(receiver: Callable[..., None]) -> Iterator[None]:
    post_save.connect(receiver, sender=User)
    try:
        yield
    finally:
        post_save.disconnect(receiver, sender=User)


def test_receiver_that_cannot_store_its_row_is_the_sites_own_error(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    def make_company(**kwargs: Any) -> None:
        Company.objects.create(name=None)  # type: ignore[misc]  # that is its mistake

    with receiving(make_company):
        failure = failed(browser, op, assert_nothing_changed)

    assert failure.seen == (500, "site_misconfigured")
    assert failure.errors[0].reason.startswith("not-null constraint")


def test_manager_fills_what_the_model_needs(op: OpenIDProvider, browser: Browser, use_model: UseModel) -> None:
    """The same that mozilla-django-oidc calls."""
    use_model("Filled")

    assert browser.sign_in(op).status_code == 302

    made = Filled.objects.get()
    assert (str(made.birthday), made.email, made.username) == ("2000-01-01", ALICE.email, "alice")
    assert made.first_name == ALICE.claims["given_name"]
    assert not made.has_usable_password()


def test_manager_that_takes_few_arguments(op: OpenIDProvider, browser: Browser, use_model: UseModel) -> None:
    """What it does not take is stored after it, and a password that it leaves empty cannot be used."""
    use_model("Nicknamed")

    assert browser.sign_in(op).status_code == 302

    made = Nicknamed.objects.get()
    assert (made.email, made.first_name) == (ALICE.email, ALICE.claims["given_name"])
    assert not made.has_usable_password()


def test_manager_that_wants_an_address(
    op: OpenIDProvider, browser: Browser, use_model: UseModel, assert_nothing_changed: NothingChanged
) -> None:
    use_model("Nicknamed")

    assert failed(browser, op, assert_nothing_changed, "bob").seen == (403, "email_required")


def test_value_of_a_claim_that_breaks_a_constraint_is_refused(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    use_model: UseModel,
    assert_nothing_changed: NothingChanged,
) -> None:
    use_model("Nicknamed")
    settings.OIDC_LOGIN_PROVIDERS["op"]["profile_map"] = {"nickname": "nickname"}
    op.users.change("alice", claims={**ALICE.claims, "nickname": "nobody"})

    failure = failed(browser, op, assert_nothing_changed)

    assert failure.seen == (403, "refused_by_site")
    assert failure.errors[0].reason.startswith("check constraint")
    assert failure.errors[0].reason.endswith("not_nobody")


def test_value_of_a_claim_that_a_model_finds_invalid_is_refused(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    use_model: UseModel,
    assert_nothing_changed: NothingChanged,
) -> None:
    use_model("Validated")
    settings.AUTHENTICATION_BACKENDS = ["tests.usermodels.backends.TakingHandles"]
    settings.OIDC_LOGIN_PROVIDERS["op"]["profile_map"] = {"handle": "nickname"}
    op.users.change("alice", claims={**ALICE.claims, "nickname": "too long"})

    failure = failed(browser, op, assert_nothing_changed)

    assert failure.seen == (403, "refused_by_site")
    assert failure.errors[0].reason == "validation of handle"


# User names.


@pytest.mark.parametrize("taken", ["alice", "Alice", "ALICE"])
def test_name_that_differs_in_case_alone_is_not_free(op: OpenIDProvider, browser: Browser, taken: str) -> None:
    """As in Django's own form for new users."""
    User.objects.create_user(taken)

    browser.sign_in(op)

    assert browser.user.username.startswith("alice-")


def test_name_of_a_hidden_account_is_not_free(op: OpenIDProvider, browser: Browser, use_model: UseModel) -> None:
    use_model("Hideable")
    Hideable.objects.create_user("alice", closed=True)

    assert browser.sign_in(op).status_code == 302
    assert get_user_model()._base_manager.count() == 2
    assert OAuthConnection.objects.get().user.username.startswith("alice-")


@pytest.mark.parametrize("name", ["admin", "Admin", "root", "administrator", "SYSTEM"])
def test_name_that_would_pass_for_the_site_is_not_free(op: OpenIDProvider, browser: Browser, name: str) -> None:
    op.users.change("alice", preferred_username=name)

    browser.sign_in(op, user=ALICE.sub)

    assert browser.user.username.startswith(f"{name.lower()}-")


def test_site_says_which_names_are_reserved(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.usermodels.backends.ReservingAlice"]

    browser.sign_in(op)

    assert browser.user.username.startswith("alice-")
