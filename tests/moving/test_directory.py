"""Moving in from packages that keep no identities, by an export of the directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.moving.conftest import PEOPLE, run_import
from tests.support.browser import Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(directory: OpenIDProvider, settings: Any) -> OpenIDProvider:
    settings.OIDC_LOGIN_PROVIDERS = dict.fromkeys(("oidc", "microsoft"), settings.OIDC_LOGIN_PROVIDERS["company"])
    return directory


@pytest.fixture
def export(tmp_path: Path) -> Any:
    def written(*lines: str) -> str:
        path = tmp_path / "people.csv"
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return written


def test_people_are_found_by_address(site: OpenIDProvider, export: Any) -> None:
    for name in PEOPLE:
        User.objects.create_user(name, f"{name}@Example.org")
    path = export("email,sub", *(f"{name}@example.org,sub-of-{name}" for name in PEOPLE))

    status, said = run_import("mozilla", "--file", path, "--apply")

    assert (status, "imported: 100" in said) == (0, True)
    assert site.issuer in said and "sub-of" not in said and "@" not in said
    browser = Browser()
    assert browser.sign_in(site, "oidc", user=f"sub-of-{PEOPLE[3]}").status_code == 302
    assert (browser.user.username, User.objects.count()) == (PEOPLE[3], 100)


def test_people_are_found_by_the_claim_of_adfs(site: OpenIDProvider, export: Any, settings: Any) -> None:
    settings.AUTH_ADFS = {"TENANT_ID": "t", "USERNAME_CLAIM": "upn"}
    User.objects.create_user("jo@corp.example")

    run_import("adfs", "--file", export("upn,sub,oid", "jo@corp.example,s1,o1"), "--apply")

    made = OAuthConnection.objects.get()
    assert (made.user.username, made.provider_user_id, made.alternate_id) == ("jo@corp.example", "s1", "o1")


def test_people_of_pyoidc_are_found_by_user_name(site: OpenIDProvider, export: Any) -> None:
    User.objects.create_user("jo")

    run_import("pyoidc", "--file", export("sub,preferred_username", "s1,jo"), "--apply")

    assert OAuthConnection.objects.get().user.username == "jo"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"is_active": False}, "without a user: 1"),
        ({"is_staff": True}, "of staff: 1"),
        ({"is_superuser": True}, "of staff: 1"),
        ({"email": "jo@еxample.org"}, "without a user: 1"),  # a Cyrillic letter
    ],
    ids=["inactive", "staff", "superuser", "look-alike"],
)
def test_accounts_that_are_left(site: OpenIDProvider, export: Any, change: dict[str, Any], outcome: str) -> None:
    User.objects.create(username="jo", **{"email": "jo@example.org", **change})

    assert outcome in run_import("mozilla", "--file", export("email,sub", "jo@example.org,s1"), "--apply")[1]
    assert not OAuthConnection.objects.exists()


def test_two_accounts_with_one_address_are_left(site: OpenIDProvider, export: Any) -> None:
    for name in ("jo", "joe"):
        User.objects.create_user(name, "jo@example.org")

    assert "several possible users: 1" in run_import("mozilla", "--file", export("email,sub", "jo@example.org,s1"))[1]


def test_staff_are_moved_if_they_are_named(site: OpenIDProvider, export: Any) -> None:
    User.objects.create_user("jo", "jo@example.org", is_staff=True)

    run_import("mozilla", "--file", export("email,sub", "jo@example.org,s1"), "--staff", "jo", "--apply")

    assert OAuthConnection.objects.get().user.username == "jo"


def test_user_with_a_connection_keeps_it(site: OpenIDProvider, export: Any) -> None:
    jo = User.objects.create_user("jo", "jo@example.org")
    OAuthConnection.objects.create(
        user=jo, provider_key="oidc", issuer=site.issuer, provider_user_id="before", link_reason="connected"
    )

    said = run_import("mozilla", "--file", export("email,sub", "jo@example.org,s1"), "--apply")[1]

    assert "whose user already has a connection: 1" in said
    assert OAuthConnection.objects.get().provider_user_id == "before"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Pass an export"),
        (("--file", "/nowhere.csv"), "cannot be read"),
    ],
)
def test_a_file_is_needed(site: OpenIDProvider, arguments: tuple[str, ...], text: str) -> None:
    assert text in run_import("mozilla", *arguments)[1]


def test_a_file_names_its_columns(site: OpenIDProvider, export: Any) -> None:
    assert "has no column 'sub'" in run_import("mozilla", "--file", export("email,uuid", "jo@example.org,s1"))[1]


def test_account_is_moved_once(site: OpenIDProvider, export: Any) -> None:
    User.objects.create_user("jo", "jo@example.org")

    said = run_import("mozilla", "--file", export("email,sub", "jo@example.org,s1", "jo@example.org,s2"), "--apply")[1]

    assert "whose user already has a connection: 1" in said
    assert OAuthConnection.objects.get().provider_user_id == "s1"
