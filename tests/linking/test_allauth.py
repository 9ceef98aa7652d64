"""Beside django-allauth: what its `EmailAddress` says decides, without a setting (rule 3d)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection

from oidc_login.models import OAuthConnection
from oidc_login.signin.linking import allauth_has_verified
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def email_address(transactional_db: None, settings: Settings) -> Iterator[Any]:
    """The model of `allauth.account`, in a site that has the application."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
    registered = dict(admin.site._registry)  # installing an application lets its admin register itself for good
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "allauth", "allauth.account"]
    settings.AUTHENTICATION_BACKENDS = [
        "allauth.account.auth_backends.AuthenticationBackend",
        "oidc_login.backends.OIDCLoginBackend",
    ]
    settings.ROOT_URLCONF = "tests.linking.allauth_urls"
    settings.LOGIN_URL = "account_login"
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    settings.ACCOUNT_RATE_LIMITS = False
    from allauth.account.models import EmailAddress

    with connection.schema_editor() as editor:
        editor.create_model(EmailAddress)
    yield EmailAddress
    with connection.schema_editor() as editor:
        editor.delete_model(EmailAddress)
    admin.site._registry = registered


def log_in(browser: Browser) -> Any:
    return browser.post("/accounts/login/", {"login": "existing", "password": "password"})


def test_confirmed_address_is_linked(op: OpenIDProvider, browser: Browser, user: User, email_address: Any) -> None:
    email_address.objects.create(user=user, email=user.email.upper(), verified=True)

    assert browser.sign_in(op).status_code == 302
    assert (browser.user, OAuthConnection.objects.get().link_reason) == (user, "verified_email")


def test_unconfirmed_address_waits_for_a_sign_in(
    op: OpenIDProvider, browser: Browser, user: User, email_address: Any
) -> None:
    email_address.objects.create(user=user, email=user.email, verified=False)

    response = browser.sign_in(op)
    assert response.status_code == 409
    assert 'href="/accounts/login/?next=/oauth/connections/"' in response.content.decode()
    assert not OAuthConnection.objects.exists()

    assert log_in(browser).status_code == 302

    assert browser.user == user
    assert OAuthConnection.objects.get().link_reason == "confirmed"


def test_account_without_a_record_waits(op: OpenIDProvider, browser: Browser, user: User) -> None:
    assert browser.sign_in(op).status_code == 409


@pytest.mark.parametrize(
    "confirmed",
    ["another@example.org", ALICE.email.replace("i", "ı"), ALICE.email + ".", f"{ALICE.email} "],
    ids=["another", "look-alike", "dot", "space"],
)
def test_confirmed_address_must_be_the_accounts_own(
    op: OpenIDProvider, browser: Browser, user: User, email_address: Any, confirmed: str
) -> None:
    # No row with the account's own address beside it: MariaDB takes some of these for the same.
    email_address.objects.create(user=user, email=confirmed, verified=True)

    assert browser.sign_in(op).status_code == 409


def test_confirmed_address_must_be_of_this_account(
    op: OpenIDProvider, browser: Browser, user: User, email_address: Any
) -> None:
    other = User.objects.create_user("another")
    email_address.objects.create(user=other, email=user.email, verified=True)

    assert browser.sign_in(op).status_code == 409


def test_account_without_an_address_has_none_confirmed(user: User, email_address: Any) -> None:
    """Of a user model whose address may be null."""
    email_address.objects.create(user=user, email=user.email, verified=True)
    user.email = None  # type: ignore[assignment]  # not of this model

    assert not allauth_has_verified(user)


def test_setting_comes_first(
    op: OpenIDProvider, browser: Browser, user: User, settings: Settings, email_address: Any
) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.linking.accounts.says_yes"

    assert browser.sign_in(op).status_code == 302


def test_deploy_check_has_nothing_to_explain(op: OpenIDProvider) -> None:
    found = run_checks(tags=["oidc_login"], databases=[], include_deployment_checks=True)

    assert "oidc_login.W013" not in [message.id for message in found]
