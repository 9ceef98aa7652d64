"""Moving in from django-allauth: the package's own models hold the accounts, with every oddity of a real site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from oidc_login.models import ImportedConnection, ImportRun, OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.moving.conftest import PEOPLE, run_import
from tests.support.browser import Browser

pytestmark = pytest.mark.django_db(transaction=True)

SECRETS = ("access-of-", "refresh-of-", "sub-of-", "app-secret")


@pytest.fixture
def allauth(install: Callable[..., Any], settings: Any) -> Any:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
    apps = ("allauth", "allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect")
    install(*apps, models="allauth.account.models", names=("EmailAddress",))
    names = ("SocialApp", "SocialAccount", "SocialToken")
    app, account, token = install(models="allauth.socialaccount.models", names=names)
    return Allauth(app=app, account=account, token=token)


class Allauth:
    """A site of allauth, and the people in it."""

    def __init__(self, *, app: Any, account: Any, token: Any) -> None:
        self.app, self.account, self.token = app, account, token

    def add_app(self, provider_id: str = "company", **values: Any) -> Any:
        values = {"client_id": "client", "secret": "app-secret", "settings": {}, **values}
        return self.app.objects.create(provider="openid_connect", provider_id=provider_id, name=provider_id, **values)

    def add(self, name: str, *, provider: str = "company", uid: str | None = None, **extra: Any) -> Any:
        user, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@example.org"})
        uid = f"sub-of-{name}" if uid is None else uid
        return self.account.objects.create(user=user, provider=provider, uid=uid, extra_data=extra)

    def add_token(self, account: Any, app: Any) -> None:
        self.token.objects.create(
            app=app,
            account=account,
            token=f"access-of-{account.uid}",
            token_secret=f"refresh-of-{account.uid}",
            expires_at=timezone.now() + timedelta(hours=1),
        )


@pytest.fixture
def everybody(allauth: Allauth, directory: OpenIDProvider) -> Allauth:
    """A hundred people: 90 with nothing odd, and each oddity once or more."""
    app = allauth.add_app()
    for name in PEOPLE[:90]:
        claims = {"sub": f"sub-of-{name}", "email": f"{name}@example.org", "email_verified": True}
        allauth.add_token(allauth.add(name, userinfo=claims, id_token={"sub": f"sub-of-{name}"}), app)
    # `uid_field`: the identity is in what allauth kept beside, or it is not known.
    allauth.add_app("by-name", client_id="other", settings={"uid_field": "preferred_username"})
    for name in PEOPLE[90:94]:
        allauth.add(name, provider="by-name", uid=name, userinfo={"sub": f"sub-of-{name}"})
    allauth.add(PEOPLE[94], provider="by-name", uid=PEOPLE[94])
    # What allauth kept before 65.11: all claims in one.
    allauth.add(PEOPLE[95], sub=f"sub-of-{PEOPLE[95]}")
    # Nothing besides the uid, and one that is the account's own address.
    allauth.add(PEOPLE[96])
    allauth.add(PEOPLE[97], uid=f"{PEOPLE[97]}@example.org")
    # A second account of the same person, and a provider that nobody has configured.
    allauth.add(PEOPLE[98])
    allauth.add(PEOPLE[98], provider="github", uid="42", id=42, login="octo")
    allauth.add(PEOPLE[99], provider="vk", uid="7")
    return allauth


RENAMED = ("--provider", "by-name=company")


def test_dry_run_says_what_it_would_do(everybody: Allauth, directory: OpenIDProvider) -> None:
    before = list(OAuthConnection.objects.values())

    status, said = run_import("allauth", *RENAMED)

    assert status == 0
    assert "importable: 93 (tokens taken: 90, left: 0)" in said
    assert "importable: 4 (tokens taken: 0, left: 0)" in said
    assert f"issuer: {directory.issuer}" in said
    assert "without a usable sub: 1" in said
    assert "vk -> nothing" in said and "--provider vk=KEY" in said
    assert "(none: OAuth 2.0)" in said
    assert list(OAuthConnection.objects.values()) == before == []
    assert not ImportRun.objects.exists()
    assert not any(secret in said for secret in SECRETS)


def test_the_same_people_sign_in_to_the_same_accounts(everybody: Allauth, directory: OpenIDProvider) -> None:
    status, said = run_import("allauth", *RENAMED, "--apply")

    assert status == 3, said  # something was left, and is named
    assert not any(secret in said for secret in SECRETS)
    users = User.objects.count()
    for name in [*PEOPLE[:3], *PEOPLE[90:94], *PEOPLE[95:97], PEOPLE[98]]:
        browser = Browser()
        assert browser.sign_in(directory, "company", user=f"sub-of-{name}").status_code == 302
        assert browser.user.username == name
    assert User.objects.count() == users


def test_tokens_are_encrypted_as_they_come_in(everybody: Allauth) -> None:
    run_import("allauth", *RENAMED, "--apply")

    made = OAuthConnection.objects.get(provider_user_id=f"sub-of-{PEOPLE[0]}")
    assert made.access_token == f"access-of-sub-of-{PEOPLE[0]}"
    assert made.refresh_token == f"refresh-of-sub-of-{PEOPLE[0]}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM oidc_login_oauthconnection")
        assert not any("-of-" in text for row in cursor.fetchall() for text in row)


def test_imported_connection_says_where_it_comes_from(everybody: Allauth, directory: OpenIDProvider) -> None:
    run_import("allauth", *RENAMED, "--apply")

    made = OAuthConnection.objects.get(provider_user_id=f"sub-of-{PEOPLE[0]}")
    assert (made.issuer, made.link_reason, made.status) == (directory.issuer, "imported", "ok")
    assert (made.email, made.email_verified) == (f"{PEOPLE[0]}@example.org", True)
    github = OAuthConnection.objects.get(provider_key="github")
    assert (github.issuer, github.provider_user_id) == ("", "42")


def test_second_run_changes_nothing(everybody: Allauth) -> None:
    run_import("allauth", *RENAMED, "--apply")
    before = list(OAuthConnection.objects.values())

    _, said = run_import("allauth", *RENAMED, "--apply")

    assert "imported: 0" in said and "already here: 93" in said
    assert list(OAuthConnection.objects.values()) == before


def test_identity_of_somebody_else_is_left_as_it_is(everybody: Allauth, directory: OpenIDProvider) -> None:
    other = User.objects.create_user("other")
    taken = OAuthConnection.objects.create(
        user=other,
        provider_key="company",
        issuer=directory.issuer,
        provider_user_id=f"sub-of-{PEOPLE[0]}",
        link_reason="connected",
    )
    _, said = run_import("allauth", *RENAMED, "--apply")

    assert "in conflict: 1 (rows 1)" in said
    taken.refresh_from_db()
    assert (taken.user, taken.link_reason) == (other, "connected")
    assert not OAuthConnection.objects.filter(user__username=PEOPLE[0]).exists()


def test_identity_stored_without_its_server_is_a_conflict(everybody: Allauth) -> None:
    other = User.objects.create_user("other")
    OAuthConnection.objects.create(
        user=other, provider_key="company", provider_user_id=f"sub-of-{PEOPLE[0]}", link_reason="connected"
    )
    _, said = run_import("allauth", *RENAMED, "--apply")

    assert "in conflict: 1 (rows 1)" in said
    assert OAuthConnection.objects.filter(provider_user_id=f"sub-of-{PEOPLE[0]}").count() == 1


def test_two_old_accounts_with_one_identity_have_one_owner(allauth: Allauth, directory: OpenIDProvider) -> None:
    allauth.add(PEOPLE[0], userinfo={"sub": "sub-of-person-0"})
    allauth.add(PEOPLE[1], provider="second", uid="sub-of-person-0")

    _, said = run_import("allauth", "--provider", "second=company", "--apply")

    assert "in conflict: 1" in said
    assert OAuthConnection.objects.get().user.username == PEOPLE[0]


def test_tokens_of_another_client_are_left(allauth: Allauth, directory: OpenIDProvider) -> None:
    allauth.add_token(allauth.add(PEOPLE[0]), allauth.add_app(client_id="another"))

    _, said = run_import("allauth", "--apply")

    assert "imported: 1 (tokens taken: 0, left: 1)" in said
    made = OAuthConnection.objects.get()
    assert (made.access_token, made.refresh_token) == ("", "")


def test_a_run_that_was_stopped_goes_on_as_one_run(everybody: Allauth) -> None:
    run_import("allauth", *RENAMED, "--apply", "--batch-size", "7")
    run = ImportRun.objects.get()
    removed = ImportedConnection.objects.filter(run=run).order_by("-pk")[:20]
    OAuthConnection.objects.filter(pk__in=[record.connection for record in removed]).delete()
    ImportedConnection.objects.filter(pk__in=[record.pk for record in removed]).delete()
    ImportRun.objects.update(finished_at=None)  # as a run that was killed leaves it

    _, said = run_import("allauth", *RENAMED, "--apply")

    assert f"This is run {run.pk}." in said
    assert ImportedConnection.objects.filter(run=run).count() == OAuthConnection.objects.count() == 98


def test_undo_takes_back_exactly_that_run(everybody: Allauth, directory: OpenIDProvider) -> None:
    own = OAuthConnection.objects.create(
        user=User.objects.create_user("other"), provider_key="github", provider_user_id="9", link_reason="connected"
    )
    before = list(OAuthConnection.objects.values())
    run_import("allauth", *RENAMED, "--apply")
    run = str(ImportRun.objects.get().pk)

    assert "would be removed: 98" in run_import("allauth", "--undo", run)[1]
    assert OAuthConnection.objects.count() == 99
    status, said = run_import("allauth", "--undo", run, "--apply", "--batch-size", "30")

    assert (status, "removed: 98" in said) == (0, True)
    assert list(OAuthConnection.objects.values()) == before
    assert own.pk == before[0]["id"]
    assert not ImportedConnection.objects.exists()
    assert "already been undone" in run_import("allauth", "--undo", run, "--apply")[1]


def test_undo_keeps_and_lists_what_was_used_since(everybody: Allauth, directory: OpenIDProvider) -> None:
    run_import("allauth", *RENAMED, "--apply")
    run = str(ImportRun.objects.get().pk)
    Browser().sign_in(directory, "company", user=f"sub-of-{PEOPLE[0]}")
    used = OAuthConnection.objects.get(provider_user_id=f"sub-of-{PEOPLE[0]}")

    status, said = run_import("allauth", "--undo", run, "--apply")

    assert status == 3
    assert f"been used since: 1 ({used.pk})" in said
    assert OAuthConnection.objects.get() == used


def test_import_needs_the_old_tables_and_no_old_application(directory: OpenIDProvider, transactional_db: None) -> None:
    status, said = run_import("allauth")

    assert status == 1
    assert "has no table 'socialaccount_socialaccount'" in said
