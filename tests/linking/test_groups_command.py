"""`manage.py oidc_login_groups` tells what the next sign-in would change, and changes nothing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.linking.test_provisioning import NULL, groups_of, says, sign_in
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(op: OpenIDProvider, settings: Settings) -> User:
    """Somebody who has signed in before the settings were changed."""
    for name in ("editors", "authors"):
        Group.objects.create(name=name)
    configure(settings, "op", groups_claim="groups", group_map={"e": "editors"}, staff_groups=["e"])
    says(op, groups=["e", "vpn"])
    user = sign_in(op)
    configure(settings, "op", group_map={"e": "authors", "x": "editors"}, staff_groups=["x"])
    return user


def told(*arguments: str) -> dict[str, str]:
    out = io.StringIO()
    call_command("oidc_login_groups", *arguments, stdout=out, no_color=True)
    lines = out.getvalue().splitlines()[1:]
    return {line[:12].strip(): line[12:] for line in lines}


def test_claim_decision_and_changes_are_shown(user: User) -> None:
    assert told("op", "--user", user.username) == {
        "claim": "given: e, vpn",
        "decision": "apply",
        "joins": "authors",
        "leaves": "editors",
        "flags": "is_staff: False",
    }


@pytest.mark.parametrize(("create_groups", "name"), [(True, "creates"), (False, "missing")])
def test_groups_that_do_not_exist_are_told(user: User, settings: Settings, create_groups: bool, name: str) -> None:
    configure(settings, "op", group_map={"e": ["authors", "nowhere"]}, create_groups=create_groups)

    seen = told("op", "--user", user.username)

    assert (seen["joins"], seen[name]) == ("authors", "nowhere")
    assert not Group.objects.filter(name="nowhere").exists()


def test_nothing_is_written(user: User) -> None:
    told("op", "--user", user.username)

    user.refresh_from_db()
    assert (groups_of(user), user.is_staff) == ({"editors"}, True)


def test_last_superuser_is_told(user: User, settings: Settings) -> None:
    User.objects.update(is_superuser=True)

    seen = told("op", "--user", user.username)

    assert (seen["flags"], seen["kept"]) == ("(none)", "the flags of the last active superuser")


@pytest.mark.parametrize(
    ("stored", "groups_missing", "expected"),
    [
        (
            {},
            "keep",
            {"claim": "absent: the last sign-in had no groups claim, or could not read it", "decision": "keep"},
        ),
        (
            {},
            "refuse",
            {"claim": "absent: the last sign-in had no groups claim, or could not read it", "decision": "refuse"},
        ),
        ({"groups": None}, "remove", {"claim": "unavailable: too many names to keep", "decision": "keep"}),
    ],
    ids=["keep", "refuse", "too many"],
)
def test_claim_that_is_not_given(
    user: User, settings: Settings, stored: dict[str, Any], groups_missing: str, expected: dict[str, str]
) -> None:
    configure(settings, "op", groups_missing=groups_missing)
    OAuthConnection.objects.update(claims=stored)

    assert told("op", "--user", user.username) == expected


def test_claim_that_was_unavailable_shows_the_one_before(user: User, op: OpenIDProvider) -> None:
    says(op, groups=NULL)
    sign_in(op)

    assert told("op", "--user", user.username)["claim"] == "given: e, vpn"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("opp", "--user", "alice"), "Did you mean 'op'"),
        (("op", "--user", "nobody"), "There is no user 'nobody'"),
        (("op", "--user", "unconnected"), "no connection"),
    ],
)
def test_mistake_is_named(user: User, arguments: tuple[str, ...], said: str) -> None:
    User.objects.create_user("unconnected")

    with pytest.raises(CommandError, match=said):
        call_command("oidc_login_groups", *arguments)


def test_provider_without_the_setting(op: OpenIDProvider) -> None:
    with pytest.raises(CommandError, match="no groups_claim"):
        call_command("oidc_login_groups", "op", "--user", "alice")
