"""What claims do to groups, flags and profile fields, where a provider's settings say so."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from oidc_login.models import OAuthConnection
from oidc_login.registry import get_provider
from oidc_login.signin.provisioning import provision_again
from oidc_login.testing import Answer, OpenIDProvider, UnsignedToken
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

NULL = object()
MAP = {"editors-at-op": "editors", "authors-at-op": "authors"}


@pytest.fixture(autouse=True)
def groups() -> None:
    for name in ("editors", "authors", "outside"):
        Group.objects.create(name=name)


def says(op: OpenIDProvider, **claims: Any) -> None:
    """Let userinfo say this of the person; `None`: nothing, `NULL`: null."""
    op.mend()

    def change(answer: Any) -> Any:
        merged = {**answer.json, **claims}
        told = {name: value for name, value in merged.items() if value is not None}
        answer.json = {name: None if value is NULL else value for name, value in told.items()}
        return answer

    op.bend("userinfo", change)


def says_in_id_token(op: OpenIDProvider, **claims: Any) -> None:
    """Let the ID token say this of the person; `None`: nothing."""
    op.mend()

    def change(token: UnsignedToken) -> UnsignedToken:
        merged = {**token.claims, **claims}
        token.claims = {name: value for name, value in merged.items() if value is not None}
        return token

    op.bend("id_token", change)


def sign_in(op: OpenIDProvider, user: str = "alice") -> User:
    browser = Browser()
    assert browser.sign_in(op, user=user).status_code == 302
    signed_in: User = browser.user
    return signed_in


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


@pytest.mark.parametrize("then", [[], None, ["authors-at-op"], "nonsense", "Domain Users", "CN=Users,OU=x"], ids=str)
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
    assert "group in group_map does not exist: 'missing'" in caplog.text


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


# Claims that are absent or unavailable.

UNAVAILABLE: list[tuple[dict[str, Any], str]] = [
    ({"groups": None, "_claim_names": {"groups": "src1"}}, "overage"),
    ({"groups": None, "_claim_names": "nonsense"}, "overage"),
    ({"groups": None, "hasgroups": True}, "overage"),
    ({"groups": NULL}, "null"),
    ({"groups": [{"name": "authors-at-op"}]}, "shape"),
    ({"groups": [["authors-at-op"]]}, "shape"),
    ({"groups": ["authors-at-op", None]}, "shape"),
    ({"groups": {"authors-at-op": True}}, "shape"),
    ({"groups": True}, "shape"),
    ({"groups": ""}, "shape"),
    ({"groups": '["authors-at-op"]'}, "json_in_a_text"),
    ({"groups": "[]"}, "json_in_a_text"),
    ({"groups": "authors-at-op,editors-at-op"}, "several_names_in_one_text"),
    ({"groups": "authors-at-op users"}, "several_names_in_one_text"),
]


@pytest.mark.parametrize(("claims", "reason"), UNAVAILABLE, ids=range(len(UNAVAILABLE)))
@pytest.mark.parametrize("groups_missing", ["remove", "keep", "refuse"])
def test_unavailable_claim_changes_nothing_and_is_logged(
    op: OpenIDProvider,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    claims: dict[str, Any],
    reason: str,
    groups_missing: str,
) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, staff_groups=["editors-at-op"])
    says(op, groups=["editors-at-op"])
    sign_in(op)
    configure(settings, "op", groups_missing=groups_missing)
    says(op, **claims)

    user = sign_in(op)

    assert (groups_of(user), user.is_staff) == ({"editors"}, True)
    assert (
        f"groups unavailable, nothing changed: reason={reason} claim=groups provider=op user={user.pk}" in caplog.text
    )
    assert "authors-at-op" not in caplog.text


def test_shape_is_logged_once_and_told_by_the_diagnosis(
    op: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    says(op, groups="authors-at-op,editors-at-op")
    for _ in range(3):
        sign_in(op)

    assert caplog.text.count("groups unavailable") == 1
    out = io.StringIO()
    call_command("oidc_login_diagnose", "op", stdout=out)
    assert "groups      The claim 'groups' cannot be read: the claim is one text with several names" in out.getvalue()


@pytest.mark.parametrize(
    ("groups_missing", "expected"), [("remove", (set(), False)), ("keep", ({"editors"}, True))], ids=str
)
def test_absent_claim_does_what_the_settings_say(
    op: OpenIDProvider, settings: Settings, groups_missing: str, expected: tuple[set[str], bool]
) -> None:
    configure(
        settings,
        "op",
        groups_claim="groups",
        group_map=MAP,
        staff_groups=["editors-at-op"],
        groups_missing=groups_missing,
    )
    says(op, groups=["editors-at-op"])
    sign_in(op)
    says(op, groups=None)

    user = sign_in(op)

    assert (groups_of(user), user.is_staff) == expected


@pytest.mark.parametrize("is_known", [True, False])
def test_absent_claim_refuses_before_anything_is_written(
    op: OpenIDProvider, settings: Settings, assert_nothing_changed: NothingChanged, is_known: bool
) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, groups_missing="refuse")
    if is_known:
        says(op, groups=["editors-at-op"])
        sign_in(op)
    says(op, groups=None)
    browser = Browser()
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "refused_by_site")


def test_absent_claim_refuses_to_connect(
    op: OpenIDProvider, settings: Settings, signed_in: Browser, assert_nothing_changed: NothingChanged
) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, groups_missing="refuse")
    says(op, groups=None)
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))

    with assert_nothing_changed(signed_in) as failure:
        failure.response = signed_in.end(answer)

    assert failure.seen == (403, "refused_by_site")


def test_empty_claim_is_not_absent(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, groups_missing="refuse")
    says(op, groups=[])

    assert groups_of(sign_in(op)) == set()


def test_userinfo_that_is_down_costs_a_known_person_nothing(
    op: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    op.claims_in_id_token = True
    configure(settings, "op", groups_claim="groups", group_map=MAP, groups_missing="refuse")
    says(op, groups=["editors-at-op"])
    sign_in(op)
    op.mend()
    op.bend("userinfo", lambda answer: Answer(status=503))

    assert groups_of(sign_in(op)) == {"editors"}
    assert "userinfo unavailable: reason=userinfo_endpoint provider=op" in caplog.text
    assert "groups unavailable, nothing changed: reason=null" in caplog.text


@pytest.mark.parametrize("why", ["new", "always", "claims"])
def test_userinfo_that_is_down_refuses_whoever_needs_it(
    op: OpenIDProvider, settings: Settings, browser: Browser, why: str
) -> None:
    op.claims_in_id_token = True
    configure(settings, "op", groups_claim="groups", group_map=MAP)
    if why != "new":
        sign_in(op)
    if why == "always":
        configure(settings, "op", userinfo="always")
    if why == "claims":
        settings.OIDC_LOGIN_CLAIMS = ["department"]
    op.bend("userinfo", lambda answer: Answer(status=503))

    assert browser.sign_in(op).status_code == 503


# Paths.

PATHS: list[tuple[str | list[str], dict[str, Any]]] = [
    ("realm_access.roles", {"realm_access": {"roles": ["editors-at-op"]}}),
    ("resource_access.shop.roles", {"resource_access": {"shop": {"roles": ["editors-at-op"]}, "other": {}}}),
    ("resource_access.shop.example.roles", {"resource_access": {"shop.example": {"roles": ["editors-at-op"]}}}),
    ("groups[].name", {"groups": [{"name": "editors-at-op"}, {"name": "x"}]}),
    ("teams[].groups[]", {"teams": [{"groups": ["x"]}, {"groups": ["editors-at-op"]}]}),
    ("https://shop.example/roles", {"https://shop.example/roles": ["editors-at-op"]}),
    ("a.b", {"a.b": ["editors-at-op"], "a": {"b": ["authors-at-op"]}}),
    (["roles", "realm_access.roles"], {"realm_access": {"roles": ["editors-at-op"]}}),
    (["roles", "groups"], {"roles": ["x"], "groups": ["editors-at-op"]}),
]


@pytest.mark.parametrize(("path", "claims"), PATHS, ids=range(len(PATHS)))
def test_path_leads_to_the_names(
    op: OpenIDProvider, settings: Settings, path: str | list[str], claims: dict[str, Any]
) -> None:
    configure(settings, "op", groups_claim=path, group_map=MAP)
    says(op, **claims)
    assert groups_of(sign_in(op)) == {"editors"}
    says(op, **dict.fromkeys(claims))

    assert groups_of(sign_in(op)) == set()


UNREADABLE: list[tuple[str | list[str], dict[str, Any]]] = [
    ("realm_access.roles", {"realm_access": "text"}),
    ("realm_access.roles", {"realm_access": NULL}),
    ("realm_access.roles", {"_claim_names": {"realm_access": "src1"}}),
    ("groups[].name", {"groups": [{"name": "x"}, {"id": "y"}]}),
    ("groups[].name", {"groups": {"name": "x"}}),
    ("teams[].groups", {"teams": [{"groups": ["x"]}]}),
    (["roles", "groups"], {"roles": ["x"], "groups": [1]}),
]


@pytest.mark.parametrize(("path", "claims"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_path_that_leads_to_another_shape_changes_nothing(
    op: OpenIDProvider, settings: Settings, path: str | list[str], claims: dict[str, Any]
) -> None:
    configure(settings, "op", groups_claim=path, group_map=MAP)
    user = sign_in(op)
    user.groups.add(Group.objects.get(name="editors"))
    says(op, **claims)

    assert groups_of(sign_in(op)) == {"editors"}


def test_names_with_slashes_are_exact(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"/parent/child": "editors", "/parent": "authors"})
    says(op, groups=["/parent/child"])

    assert groups_of(sign_in(op)) == {"editors"}


# Lists and patterns of the map.


def test_one_name_gives_several_groups(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"a": ["editors", "authors"], "b": "authors"})
    says(op, groups=["a"])
    assert groups_of(sign_in(op)) == {"editors", "authors"}
    says(op, groups=["b"])

    assert groups_of(sign_in(op)) == {"authors"}


@pytest.mark.parametrize(
    ("group_map", "names", "expected"),
    [
        ({"app-*": "*"}, ["app-editors", "app-authors", "other-outside", "editors"], {"editors", "authors"}),
        ({"app-*": "*", "app-editors": "outside"}, ["app-editors", "app-authors"], {"outside", "authors"}),
        ({"app-*": "*", "app-editors": []}, ["app-editors", "app-authors"], {"authors"}),
        ({"*-app": "*"}, ["editors-app", "app", "-app"], {"editors"}),
        ({"app-*": ["*", "outside"]}, ["app-editors"], {"editors", "outside"}),
        ({"app-*": "outside"}, ["app-editors"], {"outside"}),
        ({"*": "*"}, ["editors"], {"editors"}),
        ({"aba*bab": "editors"}, ["abab"], set()),
    ],
    ids=range(8),
)
def test_star_of_a_pattern_stands_for_the_same_text(
    op: OpenIDProvider, settings: Settings, group_map: dict[str, Any], names: list[str], expected: set[str]
) -> None:
    configure(settings, "op", groups_claim="groups", group_map=group_map)
    says(op, groups=names)

    assert groups_of(sign_in(op)) == expected


def test_pattern_takes_away_only_what_the_claim_before_brought(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"app-*": "*"})
    says(op, groups=["app-editors", "app-authors"])
    user = sign_in(op)
    user.groups.add(Group.objects.get(name="outside"))
    says(op, groups=NULL)
    sign_in(op)
    says(op, groups=["app-authors"])

    assert groups_of(sign_in(op)) == {"authors", "outside"}


def test_connecting_once_more_does_not_hide_what_the_claim_before_brought(
    op: OpenIDProvider, settings: Settings
) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"app-*": "*"})
    says(op, groups=["app-editors"])
    browser = Browser()
    browser.sign_in(op)
    says(op, groups=[])
    browser.connect(op)
    assert groups_of(browser.user) == {"editors"}

    assert groups_of(sign_in(op)) == set()


def test_pattern_takes_away_what_it_could_have_brought_where_too_much_came_to_be_kept(
    op: OpenIDProvider, settings: Settings
) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"app-*": "*"})
    says(op, groups=["app-editors", *(f"app-{number}" for number in range(1000))])
    assert groups_of(sign_in(op)) == {"editors"}
    assert OAuthConnection.objects.get().claims["groups"] is None
    says(op, groups=[])

    assert groups_of(sign_in(op)) == set()


def test_groups_are_made_where_the_settings_say_so(op: OpenIDProvider, settings: Settings) -> None:
    group_map = {"a": ["new", "editors"], "app-*": "*", "b": "unused"}
    configure(settings, "op", groups_claim="groups", group_map=group_map, create_groups=True)
    says(op, groups=["a", "app-made", f"app-{'x' * 151}", "app-\u202ex", "other"])

    assert groups_of(sign_in(op)) == {"new", "editors", "made"}
    assert not Group.objects.filter(name__in=["unused", "other"]).exists()


def test_log_tells_no_group_whose_name_came_with_a_claim(
    op: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, "op", groups_claim="groups", group_map={"app-*": "*"})
    says(op, groups=["app-nowhere"])

    assert groups_of(sign_in(op)) == set()
    assert "group from a pattern in group_map does not exist" in caplog.text and "nowhere" not in caplog.text


# What is kept with the connection.


def test_names_are_kept_under_their_path(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim=["realm_access.roles", "roles"], group_map=MAP)
    says(op, realm_access={"roles": ["editors-at-op", "x"], "other": 1})
    sign_in(op)

    claims = OAuthConnection.objects.get().claims
    assert claims["realm_access.roles"] == ["editors-at-op", "x"]
    assert "realm_access" not in claims and "roles" not in claims


def test_many_names_are_kept_as_far_as_the_settings_know_them(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", group_map=MAP, staff_groups=["staff-at-op"])
    says(op, groups=[*(f"{number:036}" for number in range(1000)), "editors-at-op", "staff-at-op"])
    sign_in(op)

    claims = OAuthConnection.objects.get().claims
    assert claims["groups"] == ["editors-at-op", "staff-at-op"]
    assert len(json.dumps(claims)) <= 8 * 1024


def test_names_are_kept_where_the_id_token_has_no_address(op: OpenIDProvider, settings: Settings) -> None:
    op.claims_in_id_token = True
    configure(settings, "op", groups_claim="groups", group_map={"app-*": "*"})
    says_in_id_token(op, groups=["app-editors"])
    sign_in(op)
    says_in_id_token(op, groups=["app-editors", "app-authors"], email=None, email_verified=None)
    sign_in(op)
    before = OAuthConnection.objects.get()
    assert before.claims["groups"] == ["app-editors", "app-authors"] and before.email
    says_in_id_token(op, groups=[], email=None, email_verified=None)

    assert groups_of(sign_in(op)) == set()
    assert OAuthConnection.objects.get().email == before.email


# Sessions that are confirmed without a sign-in.


@pytest.mark.parametrize(
    ("claims", "expected", "stored"),
    [
        ({"groups": ["app-authors"]}, ({"authors"}, False), ["app-authors"]),
        ({"groups": []}, (set(), False), []),
        ({}, ({"editors"}, True), ["app-editors"]),
        ({"hasgroups": True}, ({"editors"}, True), ["app-editors"]),
    ],
    ids=["given", "empty", "missing", "overage"],
)
@pytest.mark.parametrize("groups_missing", ["remove", "refuse"])
def test_refreshed_id_token_changes_only_what_it_says(
    op: OpenIDProvider,
    settings: Settings,
    claims: dict[str, Any],
    expected: tuple[set[str], bool],
    stored: list[str],
    groups_missing: str,
) -> None:
    rights = {"group_map": {"app-*": "*"}, "staff_groups": ["app-editors"], "groups_missing": groups_missing}
    configure(settings, "op", groups_claim="groups", **rights)
    says(op, groups=["app-editors"])
    sign_in(op)
    connection = OAuthConnection.objects.get()
    before = connection.claims

    provision_again(connection, claims, get_provider("op"))

    user = User.objects.get()
    assert (groups_of(user), user.is_staff) == expected
    connection.refresh_from_db()
    assert connection.claims == {**before, "groups": stored}


def test_refreshed_id_token_tells_of_the_last_superuser(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", groups_claim="groups", superuser_groups=["admins"])
    says(op, groups=["admins"])
    sign_in(op)

    changes = provision_again(OAuthConnection.objects.get(), {"groups": []}, get_provider("op"))

    assert changes.last_superuser and User.objects.get().is_superuser


# Staff and superuser.


@pytest.mark.parametrize(("argument", "flag"), [("staff_groups", "is_staff"), ("superuser_groups", "is_superuser")])
def test_flag_comes_and_goes_with_the_group(op: OpenIDProvider, settings: Settings, argument: str, flag: str) -> None:
    User.objects.create_superuser("somebody-else")
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


@pytest.mark.parametrize("other", [None, "inactive", "active"])
def test_last_active_superuser_is_never_demoted(
    op: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture, other: str | None
) -> None:
    if other is not None:
        User.objects.create_superuser("other", is_active=other == "active")
    rights = {"staff_groups": ["admins"], "superuser_groups": ["admins"], "group_map": MAP}
    configure(settings, "op", groups_claim="groups", **rights)
    says(op, groups=["admins", "editors-at-op"])
    sign_in(op)
    says(op, groups=["authors-at-op"])

    user = sign_in(op)

    kept = other != "active"
    assert (user.is_superuser, user.is_staff, groups_of(user)) == (kept, kept, {"authors"})
    assert ("flags of the last superuser kept" in caplog.text) is kept


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


def test_profile_finds_a_claim_at_a_path(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", profile_map={"last_name": "address.locality"})
    says(op, address={"locality": "Bern"})

    assert sign_in(op).last_name == "Bern"


def test_function_makes_the_value_of_a_field_from_all_claims(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", profile_map={"first_name": lambda claims: f"{claims['nickname']}\n of {claims['team']}"})
    says(op, nickname="Al", team="Bern")

    assert sign_in(op).first_name == "Al of Bern"


@pytest.mark.parametrize("answer", [None, 5, ["x"], KeyError("a claim's value")], ids=str)
def test_function_that_gives_nothing_fitting_leaves_the_field(
    op: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    def first_name(claims: dict[str, Any]) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    configure(settings, "op", profile_map={"first_name": first_name, "last_name": "nickname"})
    User.objects.filter(pk=sign_in(op).pk).update(first_name="Chosen")
    says(op, nickname="Al")

    user = sign_in(op)

    assert (user.first_name, user.last_name) == ("Chosen", "Al")
    logged = "profile_map failed: field=first_name error=KeyError" in caplog.text
    assert logged is isinstance(answer, Exception) and "a claim's value" not in caplog.text


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
