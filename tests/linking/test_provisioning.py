"""What claims do to groups, flags and profile fields, where a provider's settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User

from oidc_login.testing import OpenIDProvider
from tests.login.browser import Browser
from tests.login.invariant import NothingChanged
from tests.login.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

MAP = {"editors-at-op": "editors", "authors-at-op": "authors"}


@pytest.fixture(autouse=True)
def groups() -> None:
    for name in ("editors", "authors", "outside"):
        Group.objects.create(name=name)


def says(op: OpenIDProvider, **claims: Any) -> None:
    """Let userinfo say this of the person; `None`: nothing."""
    op.mend()

    def change(answer: Any) -> Any:
        merged = {**answer.json, **claims}
        answer.json = {name: value for name, value in merged.items() if value is not None}
        return answer

    op.bend("userinfo", change)


def sign_in(op: OpenIDProvider) -> User:
    browser = Browser()
    assert browser.sign_in(op).status_code == 302
    user: User = browser.user
    return user


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


# Groups.


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (["editors-at-op"], {"editors"}),
        (["editors-at-op", "authors-at-op"], {"editors", "authors"}),
        ("editors-at-op", {"editors"}),
        (["editors"], set()),
        (["outside", "staff"], set()),
        ([], set()),
        ([{"name": "editors-at-op"}, 1, None, ["editors-at-op"]], set()),
        ({"editors-at-op": True}, set()),
        (True, set()),
        (None, set()),
    ],
    ids=range(10),
)
def test_groups_of_the_map_alone(op: OpenIDProvider, settings: Settings, claim: Any, expected: set[str]) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    says(op, groups=claim)

    assert groups_of(sign_in(op)) == expected


@pytest.mark.parametrize("then", [[], None, ["authors-at-op"], "nonsense"], ids=str)
def test_group_goes_with_its_claim(op: OpenIDProvider, settings: Settings, then: Any) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    says(op, groups=["editors-at-op"])
    assert groups_of(sign_in(op)) == {"editors"}

    says(op, groups=then)

    assert groups_of(sign_in(op)) == ({"authors"} if then == ["authors-at-op"] else set())


def test_groups_outside_the_map_are_not_touched(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    user = sign_in(op)
    user.groups.set(Group.objects.filter(name__in=["outside", "authors"]))

    says(op, groups=["editors-at-op", "outside"])

    assert groups_of(sign_in(op)) == {"outside", "editors"}


def test_group_that_does_not_exist_is_not_made(
    op: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"a": "missing", "b": "editors"})
    says(op, groups=["a", "b"])

    assert groups_of(sign_in(op)) == {"editors"}

    assert not Group.objects.filter(name="missing").exists()
    assert "'missing', which does not exist" in caplog.text


def test_everything_is_off_by_default(op: OpenIDProvider) -> None:
    says(op, groups=["editors-at-op", "admins"], given_name="Alice")
    user = sign_in(op)
    user.groups.add(Group.objects.get(name="editors"))
    User.objects.update(is_staff=True, first_name="Chosen")

    user = sign_in(op)

    assert groups_of(user) == {"editors"}
    assert (user.is_staff, user.is_superuser, user.first_name) == (True, False, "Chosen")


def test_map_without_a_claim_changes_nothing(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", group_map=MAP, staff_groups=["admins"])
    says(op, groups=["editors-at-op", "admins"])

    user = sign_in(op)

    assert (groups_of(user), user.is_staff) == (set(), False)


def test_groups_of_whoever_was_just_linked(op: OpenIDProvider, settings: Settings, user: User) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    says(op, groups=["editors-at-op"])

    assert groups_of(sign_in(op)) == {"editors"}


def test_connecting_changes_no_groups(op: OpenIDProvider, settings: Settings, signed_in: Browser, user: User) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, staff_groups=["admins"])
    says(op, groups=["editors-at-op", "admins"])

    signed_in.connect(op)

    user.refresh_from_db()
    assert (groups_of(user), user.is_staff) == (set(), False)


def test_refused_sign_in_changes_no_groups(
    op: OpenIDProvider, settings: Settings, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, staff_groups=["admins"])
    says(op, groups=["editors-at-op", "admins"])
    get_user_model().objects.create_user("existing", ALICE.email, is_active=False)
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "inactive")
    assert not User.groups.through.objects.exists()


def test_userinfo_is_asked_for_a_claim_that_the_id_token_lacks(op: OpenIDProvider, settings: Settings) -> None:
    op.claims_in_id_token = True
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    sign_in(op)
    op.clear()
    says(op, groups=["editors-at-op"])

    assert groups_of(sign_in(op)) == {"editors"}
    assert "userinfo" in [request.endpoint for request in op.requests]


def test_userinfo_is_not_asked_where_nothing_needs_it(op: OpenIDProvider) -> None:
    op.claims_in_id_token = True
    sign_in(op)
    op.clear()

    sign_in(op)

    assert "userinfo" not in [request.endpoint for request in op.requests]


# Staff and superuser.


@pytest.mark.parametrize(("argument", "flag"), [("staff_groups", "is_staff"), ("superuser_groups", "is_superuser")])
def test_flag_comes_and_goes_with_the_group(op: OpenIDProvider, settings: Settings, argument: str, flag: str) -> None:
    configure(settings, "op", groups_claim="groups", **{argument: ["admins", "root"]})
    says(op, groups=["root"])
    user = sign_in(op)
    assert getattr(user, flag)
    other = {"is_staff": "is_superuser", "is_superuser": "is_staff"}[flag]
    assert not getattr(user, other)

    says(op, groups=None)

    assert not getattr(sign_in(op), flag)


def test_flag_that_nothing_maps_is_left_alone(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    sign_in(op)
    User.objects.update(is_staff=True, is_superuser=True)

    user = sign_in(op)

    assert (user.is_staff, user.is_superuser) == (True, True)


# Profile fields.


def test_profile_is_synchronised_at_each_sign_in(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", profile_map={"first_name": "given_name", "last_name": "nickname"})
    says(op, given_name="Alice", nickname="Al")
    user = sign_in(op)
    assert (user.first_name, user.last_name) == ("Alice", "Al")

    says(op, given_name="Alicia", nickname=None)

    user = sign_in(op)
    assert (user.first_name, user.last_name) == ("Alicia", "Al")


@pytest.mark.parametrize(
    ("claim", "kept"),
    [(5, ""), (["x"], ""), ("", ""), ("  A\0\n", "A"), ("\ud800B", "B"), ("x" * 10_000, "x" * 150), ("😀", "😀")],
    ids=range(7),
)
def test_profile_takes_what_fits(op: OpenIDProvider, settings: Settings, claim: Any, kept: str) -> None:
    configure(settings, "op", profile_map={"first_name": "nickname"})
    says(op, nickname=claim, given_name=None)

    assert sign_in(op).first_name == kept


@pytest.mark.parametrize(
    ("field", "claim"),
    [
        ("email", "nickname"),
        ("username", "nickname"),
        ("password", "nickname"),
        ("is_superuser", "nickname"),
        ("is_staff", "nickname"),
        ("is_active", "nickname"),
        ("id", "nickname"),
        ("pk", "nickname"),
        ("groups", "nickname"),
        ("last_login", "nickname"),
        ("date_joined", "nickname"),
        ("missing", "nickname"),
        ("oauth_connections", "nickname"),
    ],
)
def test_profile_never_writes(op: OpenIDProvider, settings: Settings, field: str, claim: str) -> None:
    sign_in(op)
    before = User.objects.values("email", "username", "is_superuser", "is_staff", "is_active", "date_joined").get()
    configure(settings, "op", profile_map={field: claim})
    says(op, nickname="1")

    user = sign_in(op)

    assert User.objects.values(*before).get() == before
    assert not user.has_usable_password()
