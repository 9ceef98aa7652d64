"""Mails about ways in that were added or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.linking.conftest import Commits
from tests.support.browser import Browser
from tests.support.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ADDRESS = "somebody@example.org"


@pytest.fixture(autouse=True)
def notify(settings: Settings) -> None:
    settings.OIDC_LOGIN_NOTIFY = True
    settings.DEFAULT_FROM_EMAIL = "site@example.org"


@pytest.fixture
def person(browser: Browser) -> Browser:
    """Somebody whose account has another address than their identity."""
    browser.log_in(get_user_model().objects.create_user("somebody", ADDRESS, "password"))
    return browser


def disconnect(browser: Browser) -> Any:
    return browser.post("/oauth/op/disconnect/", {"provider_user_id": ALICE.sub})


def only_mail() -> Any:
    (sent,) = mail.outbox
    return sent


def test_mail_about_a_connection_goes_to_the_accounts_own_address(
    op: OpenIDProvider, person: Browser, settings: Settings, committing: Commits
) -> None:
    configure(settings, "op", label="Example Inc.")

    with committing():
        person.connect(op)

    sent = only_mail()
    assert (sent.to, sent.from_email) == ([ADDRESS], "site@example.org")
    assert "Example Inc." in sent.subject
    assert "Example Inc. was connected to your account" in sent.body


def test_mail_about_a_connection_that_was_removed(op: OpenIDProvider, person: Browser, committing: Commits) -> None:
    person.connect(op)

    with committing():
        disconnect(person)

    sent = only_mail()
    assert sent.to == [ADDRESS]
    assert "was disconnected from your account" in sent.body


def test_mail_about_a_link(op: OpenIDProvider, browser: Browser, user: User, committing: Commits) -> None:
    with committing():
        browser.sign_in(op)

    assert only_mail().to == [user.email]


def test_mail_about_a_link_that_waited(
    op: OpenIDProvider, browser: Browser, user: User, settings: Settings, committing: Commits
) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.linking.accounts.says_no"
    with committing():
        browser.sign_in(op)
    assert mail.outbox == []

    with committing():
        browser.log_in(user)

    assert only_mail().to == [user.email]


def test_mail_about_a_connection_that_an_administrator_removed(
    op: OpenIDProvider, person: Browser, committing: Commits
) -> None:
    person.connect(op)
    root = Browser()
    root.log_in(get_user_model().objects.create_superuser("root"))
    url = f"/admin/oidc_login/oauthconnection/{OAuthConnection.objects.get().pk}/delete/"
    root.get(url)

    with committing():
        root.post(url, {"post": "yes"})

    assert only_mail().to == [ADDRESS]


def test_no_mail_about_signing_in_or_connecting_again(op: OpenIDProvider, person: Browser, committing: Commits) -> None:
    person.connect(op)

    with committing():
        person.connect(op)
        Browser().sign_in(op)

    assert mail.outbox == []


def test_no_mail_unless_the_site_wants_it(
    op: OpenIDProvider, person: Browser, settings: Settings, committing: Commits
) -> None:
    settings.OIDC_LOGIN_NOTIFY = False

    with committing():
        person.connect(op)
        disconnect(person)

    assert mail.outbox == []


def test_no_mail_about_what_did_not_happen(op: OpenIDProvider, person: Browser, committing: Commits) -> None:
    Browser().sign_in(op)

    with committing():
        person.connect(op)

    assert mail.outbox == []


def test_account_without_an_address_is_told_at_those_of_its_connections(
    op: OpenIDProvider, browser: Browser, committing: Commits
) -> None:
    """One mail each, so that nobody reads another's address; the owner hears of a stranger's connection too."""
    browser.log_in(get_user_model().objects.create_user("without"))
    browser.connect(op)
    op.users.change("bob", email="bob@example.org", email_verified=True)

    with committing():
        browser.connect(op, user="bob")

    assert sorted(sent.to for sent in mail.outbox) == [[ALICE.email], ["bob@example.org"]]


def test_last_connection_of_an_account_without_an_address(
    op: OpenIDProvider, browser: Browser, committing: Commits
) -> None:
    browser.log_in(get_user_model().objects.create_user("without", password="password"))
    browser.connect(op)

    with committing():
        disconnect(browser)

    assert only_mail().to == [ALICE.email]


@pytest.mark.parametrize("person", ["bob", "carol"], ids=["not verified", "none"])
def test_no_mail_to_nobody(op: OpenIDProvider, browser: Browser, committing: Commits, person: str) -> None:
    browser.log_in(get_user_model().objects.create_user("without"))

    with committing():
        browser.connect(op, user=person)

    assert mail.outbox == []


def test_subject_is_one_line_and_nothing_is_markup(
    op: OpenIDProvider, person: Browser, settings: Settings, committing: Commits
) -> None:
    configure(settings, "op", label="Ben & <Jerry>\r\nBcc: everybody@example.org")

    with committing():
        person.connect(op)

    sent = only_mail()
    assert "Ben & <Jerry> Bcc: everybody@example.org" in sent.subject
    assert "\n" not in sent.subject
    assert sent.recipients() == [ADDRESS]


def test_mail_holds_nothing_secret(op: OpenIDProvider, person: Browser, committing: Commits) -> None:
    with committing():
        person.connect(op)
        connection = OAuthConnection.objects.get()
        disconnect(person)

    for sent in mail.outbox:
        text = f"{sent.subject}\n{sent.body}"
        for secret in (connection.access_token, ALICE.sub, ALICE.email, ALICE.name):
            assert secret not in text


def test_mail_about_a_provider_that_is_gone(
    op: OpenIDProvider, person: Browser, settings: Settings, committing: Commits
) -> None:
    person.connect(op)
    settings.OIDC_LOGIN_PROVIDERS = {}

    with committing():
        disconnect(person)

    assert "op was disconnected" in only_mail().body


class Refusing(BaseEmailBackend):
    """A mail service whose client library has errors of its own."""

    def send_messages(self, email_messages: Any) -> int:
        raise RuntimeError(f"no quota left for {ADDRESS}")


def test_mail_that_cannot_be_sent_undoes_nothing(
    op: OpenIDProvider,
    person: Browser,
    settings: Settings,
    committing: Commits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = f"{__name__}.Refusing"
    if hasattr(mail, "mailers"):  # Django 6.1 and later
        settings.MAILERS = {"default": {"BACKEND": backend}}
    else:
        settings.EMAIL_BACKEND = backend

    with committing():
        assert person.connect(op).status_code == 302

    assert OAuthConnection.objects.exists()
    (record,) = [record for record in caplog.records if "notification" in record.message]
    assert record.getMessage() == "notification not sent: error=RuntimeError"
