"""What a provider may send and no database may choke on; identities that only look alike to a database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, UnsignedToken, User
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ODD_TEXTS = {
    "NUL": "a\x00b",
    "NUL alone": "\x00",
    "half a surrogate pair": "a\ud83d",
    "surrogates the wrong way round": "\udfff\ud800",
    "4-byte characters": "𝒜lice 😀",
    "the last character of all": "\U0010ffff\uffff\ufffe",
    "combining marks": "a" + "\u0301" * 300,
    "10 kB": "x" * 10_240,
    "10 kB of 4-byte characters": "😀" * 2_560,
    "quotes and placeholders": "'\"\\%s%(a)s{}$1`;--",
    "spaces": " a ",
}
TEXT_CLAIMS = (
    "email",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "preferred_username",
    "picture",
    "locale",
    "birthdate",
    "department",
)
ODD_VALUES: dict[str, Any] = {
    "NUL in a member's name": {"a\x00b": {"c\ud800": "d"}},
    "many members": {f"member-{number}": "x" * 100 for number in range(100)},
    "nested 30 deep": json.loads("[" * 30 + "]" * 30),
    "an integer of 64 bits and one more": 2**64,
    "the largest float": 1.7976931348623157e308,
    "the smallest float": 5e-324,
    "minus zero": -0.0,
    "a list of odd texts": list(ODD_TEXTS.values()),
}
# With what becomes of it: 302 is signed in, 502 a page that says it was the provider. An error of the database is 503.
SUBJECTS = {
    "NUL": ("a\x00b", 502),
    "half a surrogate pair": ("a\ud83d", 502),
    "10 kB": ("x" * 10_240, 502),
    "256 characters": ("x" * 256, 502),
    "255 characters": ("x" * 255, 302),
    "255 characters of 4 bytes": ("😀" * 255, 302),
    "a space at the end": ("alice ", 302),
    "a number": (17, 502),
}
# None are the same to an exact comparison; to one collation or another, some are.
LOOK_ALIKES = (
    "alice",
    "Alice",
    "ALICE",
    "alice ",
    " alice",
    "alice  ",
    "alíce",
    "ali\u0301ce",
    "al\u0131ce",
    "ａｌｉｃｅ",
    "alice\u200b",
    "strasse",
    "straße",
    "\u212a",
    "K",
    "k",
    "😀",
    "😁",
)

Change = Callable[[Any], Any]


def claims_are(**claims: Any) -> Change:
    """Bend userinfo."""

    def change(answer: Answer) -> Answer:
        answer.json = {"sub": answer.json["sub"], **claims}
        return answer

    return change


def tokens_are(**members: Any) -> Change:
    """Bend the token response."""

    def change(answer: Answer) -> Answer:
        answer.json = {**answer.json, **members}
        return answer

    return change


def id_token_says(**claims: Any) -> Change:
    def change(token: UnsignedToken) -> UnsignedToken:
        token.claims = {**token.claims, **claims}
        return token

    return change


def without_at_hash(token: UnsignedToken) -> UnsignedToken:
    """Not bound to an access token that was replaced (Core 3.1.3.6: optional here)."""
    del token.claims["at_hash"]
    return token


def sign_in_twice(op: RecordingOpenIDProvider) -> list[int]:
    """A sign-up and a repeat sign-in; the connection can be read afterwards."""
    statuses = [int(Browser().sign_in(op).status_code) for _ in range(2)]
    for stored in OAuthConnection.objects.select_related("user"):
        json.dumps([stored.email, stored.scope, stored.claims, stored.user.get_username()]).encode()
        assert stored.access_token
    return statuses


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=list(ODD_TEXTS))
def test_text_claims(op: RecordingOpenIDProvider, settings: Settings, text: str) -> None:
    settings.OIDC_LOGIN_CLAIMS = ["department"]
    op.bend("userinfo", claims_are(**dict.fromkeys(TEXT_CLAIMS, text)))

    assert sign_in_twice(op) == [302, 302]
    assert OAuthConnection.objects.count() == get_user_model()._default_manager.count() == 1


@pytest.mark.parametrize("local_part", ODD_TEXTS.values(), ids=list(ODD_TEXTS))
def test_verified_address(op: RecordingOpenIDProvider, local_part: str) -> None:
    op.bend("userinfo", claims_are(email=f"{local_part}@example.org", email_verified=True))

    assert sign_in_twice(op) == [302, 302]


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=list(ODD_VALUES))
def test_values_of_other_types(op: RecordingOpenIDProvider, settings: Settings, value: Any) -> None:
    settings.OIDC_LOGIN_CLAIMS = ["department"]
    op.bend("userinfo", claims_are(address=value, department=value, name=value, updated_at=value))

    assert sign_in_twice(op) == [302, 302]


@pytest.mark.parametrize(("subject", "expected"), SUBJECTS.values(), ids=list(SUBJECTS))
def test_subject(op: RecordingOpenIDProvider, subject: Any, expected: int) -> None:
    op.bend("id_token", id_token_says(sub=subject))
    op.bend("userinfo", claims_are(sub=subject))

    assert sign_in_twice(op) == [expected, expected]
    assert OAuthConnection.objects.count() == (expected == 302)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=list(ODD_TEXTS))
def test_granted_scope(op: RecordingOpenIDProvider, text: str) -> None:
    op.bend("token", tokens_are(scope=text))

    assert sign_in_twice(op) == [302, 302]


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=list(ODD_TEXTS))
def test_tokens(op: RecordingOpenIDProvider, name: str, text: str) -> None:
    """A token is visible ASCII (RFC 6749 appendix A) of some length, or the answer is not one."""
    op.bend("token", tokens_are(**{name: text}))
    op.bend("id_token", without_at_hash)
    op.bend("userinfo", lambda answer: Answer.of_json({"sub": op.users.find("alice").sub}))
    expected = 302 if text.isascii() and text.isprintable() else 502

    assert sign_in_twice(op) == [expected, expected]


@pytest.mark.parametrize("lifetime", [0, 1, -1, 10**12, 1e300, 2**63, "3600", "x", None], ids=str)
def test_lifetime(op: RecordingOpenIDProvider, lifetime: Any) -> None:
    op.bend("token", tokens_are(expires_in=lifetime, refresh_token_expires_in=lifetime))

    assert sign_in_twice(op) == [302, 302]


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=list(ODD_TEXTS))
def test_what_the_session_keeps(op: RecordingOpenIDProvider, text: str) -> None:
    op.bend("id_token", id_token_says(acr=text, sid=text, amr=[text], auth_time=10**15))

    assert set(sign_in_twice(op)) <= {302, 502}


@pytest.mark.parametrize("attribute", ["provider_user_id", "issuer"])
def test_identities_are_compared_byte_for_byte(attribute: str) -> None:
    """Core 2: `sub` is case-sensitive, and every other difference counts too; so it is for the issuer."""
    user = get_user_model()._default_manager.create(username="somebody")
    for look_alike in LOOK_ALIKES:
        identity = {"provider_key": "op", "issuer": "", "provider_user_id": "", attribute: look_alike}
        OAuthConnection.objects.create(user=user, link_reason="signed_up", **identity)

    for look_alike in LOOK_ALIKES:
        assert getattr(OAuthConnection.objects.get(**{attribute: look_alike}), attribute) == look_alike


def test_people_whose_subjects_look_alike_are_strangers(op: RecordingOpenIDProvider) -> None:
    signed_in = {}
    for subject in LOOK_ALIKES:
        op.users.add(User(subject))
        browser = Browser()
        assert browser.sign_in(op, user=subject).status_code == 302
        signed_in[subject] = browser.user
    for subject, user in signed_in.items():
        browser = Browser()
        browser.sign_in(op, user=subject)
        assert browser.user == user

    assert len(set(signed_in.values())) == len(LOOK_ALIKES)


@pytest.mark.skipif(connection.vendor != "mysql", reason="elsewhere the default collation compares exactly")
def test_columns_of_an_identity_have_a_collation_that_compares_exactly() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, collation_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = %s",
            [OAuthConnection._meta.db_table],
        )
        collations = dict(cursor.fetchall())
    exact = "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"  # type: ignore[attr-defined]

    assert {collations[name] for name in ("provider_key", "issuer", "provider_user_id")} == {exact}
