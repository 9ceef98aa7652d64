"""Every decision has a reason: one record with provider and connection, and the same words in the signal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.exceptions import OAuthError
from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.linking.conftest import Commits
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, configure
from tests.support.signals import Heard

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def records(caplog: pytest.LogCaptureFixture, reason: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if getattr(record, "reason", "") == reason]


def assert_noted_once(caplog: pytest.LogCaptureFixture, reason: str) -> None:
    connection = OAuthConnection.objects.get()
    (record,) = records(caplog, reason)
    assert (record.levelname, vars(record)["provider"]) == ("INFO", connection.provider_key)
    assert vars(record)["connection"] == connection.pk
    assert record.getMessage() == f"{reason}: connection={connection.pk} provider={connection.provider_key}"


def test_sign_up(
    op: OpenIDProvider, browser: Browser, heard: Heard, caplog: pytest.LogCaptureFixture, committing: Commits
) -> None:
    with committing():
        browser.sign_in(op)

    reason = "signed up: nobody has this identity or email"
    assert_noted_once(caplog, reason)
    assert [(name, told["reason"]) for name, told in heard] == [
        ("connection_created", reason),
        ("user_signed_up", reason),
    ]


def test_known_identity(
    op: OpenIDProvider, heard: Heard, caplog: pytest.LogCaptureFixture, committing: Commits
) -> None:
    Browser().sign_in(op)

    with committing():
        Browser().sign_in(op)

    assert_noted_once(caplog, "signed in by known identity")
    assert [(name, told["reason"]) for name, told in heard] == [("connection_updated", "signed in by known identity")]


def test_verified_email(
    op: OpenIDProvider,
    browser: Browser,
    user: User,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    committing: Commits,
) -> None:
    with committing():
        browser.sign_in(op)

    assert_noted_once(caplog, "linked by verified email")
    assert [(name, told["reason"]) for name, told in heard] == [("connection_created", "linked by verified email")]


def test_connected(
    op: OpenIDProvider, signed_in: Browser, heard: Heard, caplog: pytest.LogCaptureFixture, committing: Commits
) -> None:
    with committing():
        signed_in.connect(op)

    reason = "connected by the person who is signed in"
    assert_noted_once(caplog, reason)
    assert [(name, told["reason"]) for name, told in heard] == [("connection_created", reason)]


def test_sites_own_rule(
    op: OpenIDProvider,
    browser: Browser,
    user: User,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    committing: Commits,
    settings: Settings,
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.support.backends.FindingByUsername"]
    op.users.change("alice", claims={"employee": "existing"})
    settings.OIDC_LOGIN_CLAIMS = ["employee"]

    op.bend("userinfo", lambda answer: _with(answer, employee="existing"))
    with committing():
        browser.sign_in(op)

    assert_noted_once(caplog, "linked by the site's own rule")
    assert [told["reason"] for _, told in heard] == ["linked by the site's own rule"]


def _with(answer: Any, **claims: Any) -> Any:
    answer.json = {**answer.json, **claims}
    return answer


REFUSALS = [
    pytest.param({}, {"EMAIL_LINKING": "never"}, "refused: linking by email is off", id="off"),
    pytest.param({"is_active": False}, {}, "refused: the account with this email is not active", id="inactive"),
    pytest.param({"is_staff": True}, {}, "refused: staff are not linked by this provider's email", id="staff"),
    pytest.param(None, {"ALLOW_SIGNUP": False}, "refused: no account, and sign-up is closed", id="closed"),
    pytest.param(
        {},
        {"LOCAL_EMAIL_VERIFIED": "tests.linking.accounts.says_no"},
        "waiting for a sign-in to the account: its email was never confirmed",
        id="to be confirmed",
    ),
]


@pytest.mark.parametrize(("fields", "site", "reason"), REFUSALS)
def test_refusal(
    op: OpenIDProvider,
    browser: Browser,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
    fields: dict[str, Any] | None,
    site: dict[str, Any],
    reason: str,
) -> None:
    if fields is not None:
        get_user_model().objects.create_user("existing", ALICE.email, **fields)
    for name, value in site.items():
        setattr(settings, f"OIDC_LOGIN_{name}", value)

    browser.sign_in(op)

    assert_refused_once(caplog, heard, reason)


def assert_refused_once(caplog: pytest.LogCaptureFixture, heard: Heard, reason: str, connection: object = None) -> None:
    (record,) = records(caplog, reason)
    assert (vars(record)["provider"], vars(record)["connection"]) == ("op", connection)
    assert reason in record.getMessage()
    ((name, told),) = [told for told in heard if told[0] == "login_failed"]
    error = told["error"]
    assert isinstance(error, OAuthError)
    assert (told["reason"], error.reason, error.connection_id) == (reason, reason, connection)


def test_refusal_of_what_the_provider_does_not_vouch_for(
    op: OpenIDProvider, browser: Browser, user: User, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    op.users.change("alice", email_verified=False)

    browser.sign_in(op)

    assert_refused_once(caplog, heard, "refused: email not verified by provider")


def test_refusal_of_several_accounts(
    op: OpenIDProvider, browser: Browser, user: User, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    get_user_model().objects.create_user("another", ALICE.email)

    browser.sign_in(op)

    assert_refused_once(caplog, heard, "refused: several accounts have this email")


def test_refusal_of_a_domain(
    op: OpenIDProvider, browser: Browser, heard: Heard, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    configure(settings, "op", allowed_email_domains=["corp.example"])

    browser.sign_in(op)

    assert_refused_once(caplog, heard, "refused: email not verified in an allowed domain")


def test_refusal_of_an_address_that_was_given_to_somebody_else(
    op: OpenIDProvider, browser: Browser, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    Browser().sign_in(op)
    op.users.remove("alice")
    op.users.change("bob", email=ALICE.email, email_verified=True)

    browser.sign_in(op, user="bob")

    assert_refused_once(caplog, heard, "refused: the account has another identity of this provider")


def test_refusal_about_a_connection_names_it(
    op: OpenIDProvider, browser: Browser, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    Browser().sign_in(op)
    get_user_model().objects.update(is_active=False)

    browser.sign_in(op)

    key = OAuthConnection.objects.get().pk
    assert_refused_once(caplog, heard, "refused: the account of this identity is not active", connection=key)


def test_refusal_of_an_identity_of_another_account_names_it(
    op: OpenIDProvider, browser: Browser, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    Browser().sign_in(op)
    browser.log_in(get_user_model().objects.create_user("another"))

    browser.connect(op)

    key = OAuthConnection.objects.get().pk
    assert_refused_once(caplog, heard, "refused: identity of another account", connection=key)


def test_refusal_of_whoever_did_not_begin(
    op: OpenIDProvider, signed_in: Browser, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))
    signed_in.log_in(get_user_model().objects.create_user("another"))

    signed_in.end(answer)

    assert_refused_once(caplog, heard, "refused: nobody or somebody else is signed in now")


def test_no_reason_tells_a_secret(
    op: OpenIDProvider,
    github: GitHubStyleProvider,
    browser: Browser,
    user: User,
    witness: Witness,
    committing: Commits,
) -> None:
    with committing():
        browser.sign_in(op)
        browser.connect(github, "github")

    witness.assert_no_secrets(browser)
