"""Connecting for somebody else: the command, the admin's form, and the page of a 409."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.urls import reverse

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("oidc_login_link", *arguments, stdout=out)
    return out.getvalue()


def test_operator_lets_a_person_in(op: OpenIDProvider, browser: Browser) -> None:
    jo = User.objects.create_user("jo", is_staff=True)

    assert "Nothing was changed" in run("jo", "op", ALICE.sub)
    assert not OAuthConnection.objects.exists()
    assert op.issuer in run("jo", "op", ALICE.sub, "--apply")

    made = OAuthConnection.objects.get()
    assert (made.issuer, made.link_reason, made.access_token) == (op.issuer, "operator", "")
    assert browser.sign_in(op).status_code == 302
    assert browser.user == jo


def test_second_time_changes_nothing(op: OpenIDProvider) -> None:
    User.objects.create_user("jo")
    run("jo", "op", "s1", "--apply")

    assert "is already connected to this account" in run("jo", "op", "s1", "--apply")
    assert OAuthConnection.objects.count() == 1
    assert "1 other identities" in run("jo", "op", "s2")
    assert "s1 of" in run("jo", "op")


@pytest.mark.parametrize("issuer", ["", "its own"])
def test_identity_of_another_account_is_refused(op: OpenIDProvider, issuer: str) -> None:
    """Also one that is stored without its server, which may be the same."""
    User.objects.create_user("jo")
    other = User.objects.create_user("other")
    OAuthConnection.objects.create(
        user=other,
        provider_key="op",
        issuer=op.issuer if issuer else "",
        provider_user_id="s1",
        link_reason="connected",
    )
    with pytest.raises(CommandError, match="belongs to another account"):
        run("jo", "op", "s1", "--apply")
    assert OAuthConnection.objects.get().user == other


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nobody", "op", "s1"), "no user"),
        (("jo", "other", "s1"), "no provider"),
        (("jo", "op", ""), "not valid for"),
        (("jo", "op", " s1"), "not valid for"),
        (("jo", "op", "s" * 256), "not valid for"),
        (("jo", "op", "s1", "--issuer", "https://elsewhere.example"), "not valid for"),
        (("gone", "op", "s1"), "not active"),
    ],
)
def test_what_the_command_refuses(op: OpenIDProvider, arguments: tuple[str, ...], text: str) -> None:
    User.objects.create_user("jo")
    User.objects.create_user("gone", is_active=False)

    with pytest.raises(CommandError, match=text):
        run(*arguments, "--apply")
    assert not OAuthConnection.objects.exists()


# The admin.


@pytest.fixture
def operator(browser: Browser) -> User:
    user = User.objects.create_user("operator", is_staff=True)
    codes = ["view_oauthconnection", "change_oauthconnection", "add_oauthconnection", "delete_oauthconnection"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    browser.log_in(user)
    return user


def add(browser: Browser, **values: Any) -> Any:
    url = reverse("admin:oidc_login_oauthconnection_add")
    browser.get(reverse("admin:index"))
    return browser.post(url, {"provider_key": "op", "issuer": "", "provider_user_id": ALICE.sub, **values})


def test_form_needs_a_permission_of_its_own(op: OpenIDProvider, browser: Browser, operator: User) -> None:
    jo = User.objects.create_user("jo")
    browser.get(reverse("oidc_login:providers"))

    assert add(browser, user=jo.pk).status_code == 403

    operator.user_permissions.add(Permission.objects.get(codename="link_identity"))
    assert add(browser, user=jo.pk).status_code == 302
    made = OAuthConnection.objects.get()
    assert (made.user, made.issuer, made.link_reason) == (jo, op.issuer, "operator")


def test_form_refuses_the_identity_of_another_account(op: OpenIDProvider, browser: Browser, operator: User) -> None:
    operator.user_permissions.add(Permission.objects.get(codename="link_identity"))
    run_user = User.objects.create_user("other")
    run("other", "op", ALICE.sub, "--apply")
    browser.get(reverse("oidc_login:providers"))

    response = add(browser, user=User.objects.create_user("jo").pk)

    assert (response.status_code, "belongs to another account" in response.content.decode()) == (200, True)
    assert OAuthConnection.objects.get().user == run_user


# The page of a 409.


@pytest.fixture
def unverified(op: OpenIDProvider) -> Any:
    """Somebody has Alice's address, and the provider does not vouch for it."""
    User.objects.create_user("existing", ALICE.email, is_staff=True)
    return op


@pytest.mark.parametrize("login_url", ["oidc_login:providers", "/oauth/op/login/", "oidc_authentication_init"])
def test_page_does_not_lead_back_to_the_provider(
    unverified: Any, browser: Browser, settings: Settings, login_url: str
) -> None:
    settings.LOGIN_URL = login_url

    response = browser.sign_in(unverified)

    page = response.content.decode()
    assert response.status_code == 409
    assert "Only the people who run this site" in page
    assert not any(
        f'href="{path}' in page for path in ("/oauth/op/login/", "/oauth/authenticate/", "/oauth/?", '/oauth/"')
    )


def test_page_leads_to_another_provider(unverified: Any, browser: Browser, settings: Settings) -> None:
    other = {"issuer": "https://other.example", "client_id": "c"}
    settings.OIDC_LOGIN_PROVIDERS = {**settings.OIDC_LOGIN_PROVIDERS, "other": other}

    page = browser.sign_in(unverified).content.decode()

    assert 'href="/oauth/?next=' in page


def test_page_leads_to_the_sites_own_login(unverified: Any, browser: Browser, settings: Settings) -> None:
    settings.LOGIN_URL = "/accounts/login/"

    assert 'href="/accounts/login/?next=/oauth/connections/"' in browser.sign_in(unverified).content.decode()
