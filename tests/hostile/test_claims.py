"""Claims on their way to the database and the page: whatever they hold, no 500, no half row, nobody else's account."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.models import OAuthConnection
from oidc_login.testing import User as Person
from tests.hostile.rows import ABSENT, Bends, Seen, body_of, json_of, refused, source
from tests.hostile.stage import Stage
from tests.support.browser import Browser
from tests.support.served import ALICE

pytestmark = pytest.mark.django_db

EVIL_TEXTS = [
    "<script>alert(1)</script>",
    "{{191*193}}{% debug %}",
    "javascript:alert(1)",
    "\u202eevil\u2066",
    "a\x00b\x9fc",
]


def userinfo(**changes: Any) -> Bends:
    return json_of("userinfo", **changes)


def signed_in(stage: Stage, bends: Bends) -> tuple[User, OAuthConnection]:
    """Sign up, sign in again, and return the one user and the one connection."""
    for endpoint, change in bends.items():
        stage.op.bend(endpoint, change)
    for _ in range(2):
        browser = Browser()
        assert browser.sign_in(stage.op).status_code == 302, stage.witness.errors
    user: User = get_user_model().objects.get()
    connection = OAuthConnection.objects.get()
    assert browser.user == user == connection.user
    stored = json.dumps(
        [connection.claims, user.username, user.first_name, user.last_name, user.email, connection.email]
    )
    assert not [text for text in (r"\u0000", r"\ud8", r"\u202e", "NaN") if text in stored]
    assert len(json.dumps(connection.claims)) <= 8 * 1024
    assert not (user.is_staff or user.is_superuser) and not user.has_usable_password()
    return user, connection


ODD: list[tuple[str, dict[str, Any]]] = [
    ("NUL in the address", {"email": "a\0@example.org"}),
    ("NUL in a name", {"name": "a\0b", "given_name": "a\0b"}),
    ("NUL in a claim that nobody asked for", {"x": {"y": ["a\0b"]}}),
    ("half a surrogate pair", {"name": "\ud800", "family_name": "\udfff", "nickname": "a\ud83d"}),
    ("names of 5,000 characters", {"name": "n" * 5000, "given_name": "g" * 5000, "family_name": "f" * 5000}),
    ("an address of 400 characters", {"email": "a" * 380 + "@example.org"}),
    ("a user name of 5,000 characters", {"preferred_username": "u" * 5000}),
    ("names that are objects", {"name": {"a": 1}, "given_name": ["x"], "family_name": 7}),
    ("an address that is an object", {"email": {"a": 1}, "email_verified": []}),
    ("an address that is a list", {"email": ["a@example.org"]}),
    ("a user name that is an object", {"preferred_username": {"a": 1}, "nickname": []}),
    ("a user name of dots", {"preferred_username": "..", "nickname": "../../etc"}),
    ("a user name of another script", {"preferred_username": "иван", "nickname": "☕"}),
    ("everything empty", dict.fromkeys(("name", "email", "given_name", "preferred_username", "picture"), "")),
    ("everything null", dict.fromkeys(("name", "email", "email_verified", "preferred_username"), None)),
    ("everything true", dict.fromkeys(("name", "email", "given_name", "preferred_username", "picture"), True)),
    ("30 deep", {"address": json.loads("[" * 29 + "]" * 29)}),
    ("a claim of 900 kB", {"x": "y" * 900_000}),
    ("a standard claim of 900 kB", {"profile": "y" * 900_000}),
    ("large numbers", {"updated_at": 10**30, "birthdate": -(10**30), "zoneinfo": 1e300}),
    ("10,000 claims", {f"c{number}": number for number in range(10_000)}),
    ("odd names of claims", {"": 1, "\0": 2, "\ud800": 3, "a" * 1000: 4, "__class__": 5}),
    (
        "markup",
        {"name": EVIL_TEXTS[0], "given_name": EVIL_TEXTS[1], "picture": EVIL_TEXTS[2], "nickname": EVIL_TEXTS[3]},
    ),
    (
        "names of a model's fields",
        {
            "is_staff": True,
            "is_superuser": True,
            "is_active": False,
            "password": "x",
            "id": 1,
            "pk": 1,
            "groups": ["admin"],
        },
    ),
]


@pytest.mark.parametrize("claims", [row[1] for row in ODD], ids=[row[0] for row in ODD])
@source("Core 5.1, RFC 8259")
def test_odd_claims_are_no_trouble(stage: Stage, claims: dict[str, Any]) -> None:
    signed_in(stage, userinfo(**claims))


@source("Core 5.1")
def test_names_are_cut_to_their_columns(stage: Stage) -> None:
    user, _ = signed_in(stage, userinfo(given_name="g" * 5000, family_name="f" * 5000))
    assert (user.first_name, user.last_name) == ("g" * 150, "f" * 150)


@source("Core 5.3.2")
def test_userinfo_cannot_make_somebody_else_of_the_person(stage: Stage) -> None:
    _, connection = signed_in(stage, userinfo(iss="https://evil.example", aud="other", azp="other"))
    assert (connection.issuer, connection.provider_user_id) == (stage.op.issuer, ALICE.sub)


REFUSED = [
    refused(
        "a number of 5,000 digits",
        "RFC 8259 6",
        body_of("userinfo", lambda b: b[:-1] + b',"x":' + b"9" * 5000 + b"}"),
        (502, "userinfo_invalid"),
    ),
    refused(
        "200 deep",
        "RFC 8259 9",
        body_of("userinfo", lambda b: b[:-1] + b',"x":' + b"[" * 200 + b"]" * 200 + b"}"),
        (502, "userinfo_invalid"),
    ),
]


@pytest.mark.parametrize("row", REFUSED, ids=str)
def test_claims_that_cannot_be_read(stage: Stage, row: Any) -> None:
    stage.refuse(row)


# Addresses.

ADDRESSES = {
    "two at signs": "victim@example.com@evil.example",
    "two at signs, the victim's last": "x@evil.example@example.com",
    "a list": "victim@example.com,x@evil.example",
    "a display name": "Victim <victim@example.com>",
    "a line break": "victim@example.com\nBcc: x@evil.example",
    "spaces around": " victim@example.com ",
    "a comment": "victim(x)@example.com",
    "quoted": '"victim@example.com"@evil.example',
    "full width": "ｖｉｃｔｉｍ@example.com",
    "a full-width at sign": "victim\uff20example.com",
    "a dotless i": "vıctim@example.com",
    "a capital dotted I": "vİctim@example.com",
    "a Kelvin sign": "vic\u212aim@example.com",
    "a long s": "victim@ſite.example",
    "zero width": "vic\u200btim@example.com",
    "NUL": "victim\0@example.com",
    "a soft hyphen": "vic\xadtim@example.com",
    "an encoded at sign": "victim%40example.com@evil.example",
    "a dot at the end": "victim@example.com.",
    "dots inside": "v.ictim@example.com",
    "a plus": "victim+x@example.com",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
@source("CVE-2026-40574, CVE-2022-35924, CVE-2019-19844")
def test_address_that_is_not_the_victims(stage: Stage, address: str) -> None:
    victims = [
        get_user_model().objects.create_user(name, email)
        for name, email in (
            ("victim", "victim@example.com"),
            ("kim", "vickim@example.com"),
            ("site", "victim@site.example"),
        )
    ]
    stage.op.bend("userinfo", userinfo(email=address, email_verified=True)["userinfo"])
    browser = Browser()

    assert browser.sign_in(stage.op).status_code == 302

    assert browser.user not in victims
    for victim in victims:
        assert not victim.oauth_connections.exists()


@pytest.mark.parametrize("address", ["victim@example.com", "VICTIM@EXAMPLE.COM", "Victim@Example.com"])
@source("RFC 5321 2.4")
def test_address_in_another_case_is_the_same(stage: Stage, address: str) -> None:
    victim = get_user_model().objects.create_user("victim", "victim@example.com")
    stage.op.bend("userinfo", userinfo(email=address)["userinfo"])
    browser = Browser()

    assert browser.sign_in(stage.op).status_code == 302
    assert browser.user == victim


NAMES = ["admin", "root", "victim", "victim@example.com", "VICTIM"]


@pytest.mark.parametrize("name", NAMES)
@source("CVE-2025-65431")
def test_name_finds_nobody(stage: Stage, name: str) -> None:
    victims = [
        get_user_model().objects.create_user(taken, "victim@example.com") for taken in ("admin", "root", "victim")
    ]
    stage.op.bend("userinfo", userinfo(preferred_username=name, nickname=name, name=name)["userinfo"])
    browser = Browser()

    assert browser.sign_in(stage.op).status_code == 302

    assert browser.user not in victims
    assert get_user_model().objects.count() == len(victims) + 1


DOMAINS: list[tuple[str, dict[str, Any], Seen]] = [
    ("in the domain, in another case", {"email": "Alice@CORP.example"}, (302, "")),
    ("unverified", {"email": "alice@corp.example", "email_verified": False}, (403, "domain_not_allowed")),
    ("unsaid", {"email": "alice@corp.example", "email_verified": ABSENT}, (403, "domain_not_allowed")),
    ("verified by text", {"email": "alice@corp.example", "email_verified": "true"}, (403, "domain_not_allowed")),
    ("a longer domain", {"email": "alice@corp.example.evil.example"}, (403, "domain_not_allowed")),
    ("a domain that ends like it", {"email": "alice@evilcorp.example"}, (403, "domain_not_allowed")),
    ("a subdomain", {"email": "alice@sub.corp.example"}, (403, "domain_not_allowed")),
    ("no address", {"email": ABSENT}, (403, "domain_not_allowed")),
    ("two at signs", {"email": "alice@evil.example@corp.example"}, (403, "domain_not_allowed")),
    ("a list", {"email": ["alice@corp.example"]}, (403, "domain_not_allowed")),
]


@pytest.mark.parametrize(("claims", "seen"), [row[1:] for row in DOMAINS], ids=[row[0] for row in DOMAINS])
@source("CVE-2026-40574")
def test_allowed_domains(stage: Stage, claims: dict[str, Any], seen: Seen) -> None:
    stage.configure(allowed_email_domains=["corp.example"])
    row = refused("", "", userinfo(**claims), seen)
    if seen[0] == 302:
        signed_in(stage, row.bends)
        return
    stage.refuse(row)


# Subjects.


@pytest.mark.parametrize(
    "pair",
    [
        ("Maria", "maria"),
        ("maria", "maria "),
        ("é", "e\u0301"),
        ("straße", "strasse"),
        ("ﬁ", "fi"),
        ("maria", "m\u0430ria"),
        ("0", "00"),
    ],
    ids=["case", "a space", "Unicode forms", "sharp s", "a ligature", "a look-alike", "zeros"],
)
@source("Core 2, 5.7; CVE-2024-32879")
def test_subjects_that_differ_are_two_people(stage: Stage, pair: tuple[str, str]) -> None:
    for sub in pair:
        stage.op.users.add(Person(sub))
        for _ in range(2):
            assert Browser().sign_in(stage.op, user=sub).status_code == 302

    assert get_user_model().objects.count() == 2
    assert set(OAuthConnection.objects.values_list("provider_user_id", flat=True)) == set(pair)


@pytest.mark.parametrize("sub", [" a b ", "a/../b", "'; DROP TABLE x; --", '"', "=1+1", "%00", "a\\b", "<b>", "{{x}}"])
@source("Core 2")
def test_subject_of_odd_letters_is_somebody(stage: Stage, sub: str) -> None:
    stage.op.users.add(Person(sub))
    for _ in range(2):
        assert Browser().sign_in(stage.op, user=sub).status_code == 302

    assert OAuthConnection.objects.get().provider_user_id == sub


# The page.


@pytest.mark.parametrize("text", EVIL_TEXTS)
@source("CWE-79")
def test_claims_are_text_on_the_connections_page(stage: Stage, text: str) -> None:
    claims = dict.fromkeys(("name", "given_name", "family_name", "nickname", "preferred_username", "picture"), text)
    stage.op.bend("userinfo", userinfo(**claims, email='"<b>x</b>"@example.org')["userinfo"])
    browser = Browser()
    assert browser.sign_in(stage.op).status_code == 302

    page = browser.get("/oauth/connections/").content.decode()

    for raw in ("<script>alert", "<b>x", "\u202e", "\0", "javascript:alert"):
        assert raw not in page
    assert "36863" not in page
