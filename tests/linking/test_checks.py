"""The system checks about whose account it is: unconfirmed addresses, groups and profile fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, run_checks

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
OUR_BACKEND = "oidc_login.backends.OIDCLoginBackend"
SHARED = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://localhost"}}


def configure(settings: Settings, **arguments: Any) -> None:
    entry = {"issuer": "https://op.example", "client_id": "x", "client_secret": "y" * 32, **arguments}
    settings.OIDC_LOGIN_PROVIDERS = {"op": entry}


def messages(*, deploy: bool = False) -> list[CheckMessage]:
    return run_checks(tags=["oidc_login"], databases=[], include_deployment_checks=deploy)


@pytest.fixture(autouse=True)
def shared_cache(settings: Settings) -> None:
    settings.CACHES = SHARED


# Accounts with addresses that nobody confirmed.


def test_deployment_explains_the_choice_where_passwords_are_accepted(settings: Settings) -> None:
    configure(settings)

    (found,) = messages(deploy=True)

    assert found.id == "oidc_login.W013"
    assert "OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = " in str(found.hint)
    assert 'OIDC_LOGIN_EMAIL_LINKING = "never"' in str(found.hint)
    assert messages() == []


@pytest.mark.parametrize(
    ("site", "arguments"),
    [
        ({"OIDC_LOGIN_LOCAL_EMAIL_VERIFIED": "tests.linking.accounts.says_yes"}, {}),
        ({"OIDC_LOGIN_EMAIL_LINKING": "never"}, {}),
        ({}, {"link_by_email": "never"}),
        ({"AUTHENTICATION_BACKENDS": [OUR_BACKEND, "tests.support.backends.Updating"]}, {}),
        ({"SILENCED_SYSTEM_CHECKS": ["oidc_login.W013"]}, {}),
    ],
    ids=["asked", "off", "off for the provider", "no passwords", "silenced"],
)
def test_nothing_to_explain(settings: Settings, site: dict[str, Any], arguments: dict[str, Any]) -> None:
    configure(settings, **arguments)
    for name, value in site.items():
        setattr(settings, name, value)

    assert [message for message in messages(deploy=True) if not message.is_silenced()] == []


@pytest.mark.parametrize("link_by_email", ["verified", None])
def test_provider_that_links_where_the_site_does_not(settings: Settings, link_by_email: str | None) -> None:
    configure(settings, link_by_email=link_by_email)
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"

    assert len(messages(deploy=True)) == (1 if link_by_email else 0)


def test_no_provider_links_nobody() -> None:
    assert messages(deploy=True) == []


# Groups and fields.

GOOD: list[dict[str, Any]] = [
    {"groups_claim": "groups"},
    {"groups_claim": "groups", "group_map": {"a": "b"}, "staff_groups": ["a"], "superuser_groups": ("b",)},
    {"groups_claim": ["roles", "resource_access.shop.roles"], "groups_missing": "refuse", "create_groups": True},
    {"groups_claim": "groups", "group_map": {"a": ["b", "c"], "app-*": "*", "team-*": ["Team *", "staff"], "d": []}},
    {"profile_map": {"first_name": str}},
    {"group_map": None, "profile_map": None},
    {"group_map": {}, "staff_groups": []},
    {"profile_map": {"first_name": "given_name", "last_name": "family_name"}},
]


@pytest.mark.parametrize("arguments", GOOD, ids=range(len(GOOD)))
def test_good_arguments_give_no_message(settings: Settings, arguments: dict[str, Any]) -> None:
    configure(settings, **arguments)

    assert messages() == []


@pytest.mark.parametrize(
    ("arguments", "number", "named"),
    [
        ({"groups_claim": None}, "E007", "groups_claim"),
        ({"groups_claim": "groups", "group_map": ["a"]}, "E007", "group_map"),
        ({"groups_claim": ["groups", 1]}, "E007", "groups_claim"),
        ({"groups_claim": ["groups", ""]}, "E190", "groups_claim"),
        ({"groups_claim": "groups", "groups_missing": "ignore"}, "E009", "groups_missing"),
        ({"groups_claim": "groups", "create_groups": "yes"}, "E007", "create_groups"),
        ({"groups_claim": "groups", "group_map": {"a": ["b", 1]}}, "E007", "group_map"),
        ({"groups_claim": "groups", "group_map": {"a": None}}, "E007", "group_map"),
        ({"groups_claim": "groups", "group_map": {"a": "*"}}, "E191", "'a'"),
        ({"groups_claim": "groups", "group_map": {"*-a-*": "b"}}, "E191", "'*-a-*'"),
        ({"groups_claim": "groups", "group_map": {"a-*": ["b", "*-*"]}}, "E191", "'*-*'"),
        ({"groups_missing": "refuse"}, "E028", "groups_missing"),
        ({"create_groups": True}, "E028", "create_groups"),
        ({"profile_map": {"is_active": "active"}}, "E026", "is_active"),
        ({"groups_claim": "groups", "group_map": {1: "b"}}, "E007", "group_map"),
        ({"groups_claim": "groups", "staff_groups": "admins"}, "E007", "staff_groups"),
        ({"groups_claim": "groups", "superuser_groups": [None]}, "E007", "superuser_groups"),
        ({"group_map": {"a": "b"}}, "E028", "group_map"),
        ({"staff_groups": ["a"]}, "E028", "staff_groups"),
        ({"superuser_groups": ["a"]}, "E028", "superuser_groups"),
        ({"profile_map": {"first_name": 5}}, "E007", "profile_map"),
        ({"profile_map": {"email": "email"}}, "E026", "email"),
        ({"profile_map": {"username": "nickname"}}, "E026", "username"),
        ({"profile_map": {"password": "nickname"}}, "E026", "password"),
        ({"profile_map": {"is_staff": "nickname"}}, "E026", "is_staff"),
        ({"profile_map": {"groups": "groups"}}, "E026", "groups"),
        ({"profile_map": {"date_joined": "birthdate"}}, "E026", "date_joined"),
        ({"profile_map": {"fist_name": "given_name"}}, "E026", "fist_name"),
    ],
    ids=range(28),
)
def test_a_mistake_is_named(settings: Settings, arguments: dict[str, Any], number: str, named: str) -> None:
    configure(settings, **arguments)

    (found,) = messages()

    assert found.id == f"oidc_login.{number}"
    assert named in found.msg and "'op'" in found.msg


# Addresses of accounts that were made while they linked nobody.


def address_messages() -> list[CheckMessage]:
    found = run_checks(tags=["oidc_login"], databases=["default"])
    return [message for message in found if message.id == "oidc_login.W202"]


@pytest.mark.django_db
def test_linking_that_is_switched_on_later(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    browser.sign_in(op)
    assert browser.user.email == ALICE.email
    assert address_messages() == []

    settings.OIDC_LOGIN_EMAIL_LINKING = "verified"

    (found,) = address_messages()
    assert found.msg.startswith("1 accounts") and "'op'" in found.msg
    assert f"(rows {OAuthConnection.objects.get().pk} " in found.msg


@pytest.mark.django_db
def test_address_of_an_entry_that_says_never_later(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    """Also the one of an account that an earlier version gave it to."""
    browser.sign_in(op)
    assert address_messages() == []

    entry = settings.OIDC_LOGIN_PROVIDERS["op"]
    settings.OIDC_LOGIN_PROVIDERS = {"op": {**entry, "link_by_email": "never"}, "other": {**entry, "client_id": "b"}}

    assert len(address_messages()) == 1


@pytest.mark.django_db
def test_address_that_was_removed_is_no_message(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    browser.sign_in(op)
    get_user_model().objects.update(email="")

    settings.OIDC_LOGIN_EMAIL_LINKING = "verified"

    assert address_messages() == []


@pytest.mark.django_db
def test_account_that_connected_the_identity_has_its_address_from_elsewhere(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    browser.log_in(get_user_model().objects.create_user("somebody", ALICE.email))
    browser.connect(op)

    settings.OIDC_LOGIN_EMAIL_LINKING = "verified"

    assert address_messages() == []
