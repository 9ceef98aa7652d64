"""Moving in from social-auth-app-django: the package's own model, with the uids that its versions have written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.moving.conftest import PEOPLE, run_import
from tests.support.browser import Browser

pytestmark = pytest.mark.django_db(transaction=True)

RENAMED = ("--provider", "oidc=company", "--provider", "google-oauth2=company", "--provider", "keycloak=company")


@pytest.fixture
def add(install: Callable[..., Any], directory: OpenIDProvider) -> Callable[..., Any]:
    (model,) = install("social_django", models="social_django.models", names=("UserSocialAuth",))

    def add_account(name: str, provider: str, uid: str, id_key: str = "", **extra: Any) -> Any:
        user, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@example.org"})
        return model.objects.create(user=user, provider=provider, uid=uid, id_key=id_key, extra_data=extra)

    return add_account


def test_people_of_openid_connect_sign_in_again(add: Callable[..., Any], directory: OpenIDProvider) -> None:
    for name in PEOPLE:
        add(name, "oidc", f"sub-of-{name}", "sub", id=f"sub-of-{name}", access_token="access-of", expires=60)

    status, said = run_import("social_auth", *RENAMED, "--apply")

    assert (status, "imported: 100 (tokens taken: 100, left: 0)" in said) == (0, True)
    assert "access-of" not in said
    users = User.objects.count()
    browser = Browser()
    assert browser.sign_in(directory, "company", user=f"sub-of-{PEOPLE[7]}").status_code == 302
    assert (browser.user.username, User.objects.count()) == (PEOPLE[7], users)


@pytest.mark.parametrize(
    ("provider", "uid", "id_key", "extra", "subject"),
    [
        ("google-oauth2", "person-0@example.org", "", {}, None),
        ("google-oauth2", "person-0@example.org", "email", {"sub": "108"}, "108"),
        ("google-oauth2", "108", "", {}, "108"),
        ("keycloak", "person-0", "", {}, None),
        ("keycloak", "person-0", "username", {}, None),
        ("keycloak", "5f2c", "sub", {}, "5f2c"),
        ("oidc", "5f2c", "email", {}, None),
        ("oidc", "login", "preferred_username", {"id": "5f2c"}, "5f2c"),
        ("oidc", "x" * 255, "sub", {}, "x" * 255),
        ("oidc", " 5f2c", "sub", {}, None),
        ("github", "42", "", {"id": 42}, "42"),
        ("github", "octo", "login", {"id": 42}, None),
    ],
)
def test_uid_is_taken_only_if_it_is_the_identity(
    add: Callable[..., Any], provider: str, uid: str, id_key: str, extra: dict[str, Any], subject: str | None
) -> None:
    add(PEOPLE[0], provider, uid, id_key, **extra)

    _, said = run_import("social_auth", *RENAMED, "--apply")

    assert list(OAuthConnection.objects.values_list("provider_user_id", flat=True)) == ([subject] if subject else [])
    assert ("without a usable sub: 1" in said) == (subject is None)


def test_id_key_of_the_settings_counts(add: Callable[..., Any], settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_KEY = "email"
    add(PEOPLE[0], "oidc", "5f2c")

    assert "without a usable sub: 1" in run_import("social_auth", *RENAMED)[1]


def test_expiry_is_counted_from_the_sign_in(add: Callable[..., Any]) -> None:
    begun = int(timezone.now().timestamp()) - 50
    add(PEOPLE[0], "oidc", "5f2c", "sub", access_token="a", refresh_token="r", expires=3600, auth_time=begun)

    run_import("social_auth", *RENAMED, "--apply")

    made = OAuthConnection.objects.get()
    assert made.access_token_expires_at is not None
    assert (made.access_token, made.refresh_token) == ("a", "r")
    assert int(made.access_token_expires_at.timestamp()) == begun + 3600


def test_token_of_oauth_1_is_left(add: Callable[..., Any]) -> None:
    add(PEOPLE[0], "github", "42", access_token={"oauth_token": "t", "oauth_token_secret": "s"})

    run_import("social_auth", "--apply")

    assert OAuthConnection.objects.get().access_token == ""
