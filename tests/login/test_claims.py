"""Claims on their way into the database: whatever a provider sends, no error of it and nothing that harms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.models import OAuthConnection
from oidc_login.signin.claims import MAX_STORED_BYTES, clean_email, storable, username_from
from oidc_login.testing import Answer, OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

DEEP: Any = "x"
for _ in range(20):
    DEEP = [DEEP]


def with_claims(op: OpenIDProvider, **claims: Any) -> None:
    def change(answer: Answer) -> Answer:
        answer.json |= claims
        return answer

    op.bend("userinfo", change)


@pytest.mark.parametrize(
    "claims",
    [
        {"given_name": "a\x00b", "name": "\x00", "preferred_username": "\x00"},
        {"given_name": "a" * 500, "family_name": "b" * 500, "preferred_username": "c" * 500},
        {"given_name": {}, "family_name": ["x"], "name": 7, "preferred_username": None, "nickname": True},
        {"email": "a" * 400 + "@example.org", "email_verified": True},
        {"email": ["a@b.example"], "email_verified": "yes"},
        {"email": None, "email_verified": None},
        {"given_name": "\u202egnirts\u2066", "family_name": "\u0007bell"},
        {"picture": "javascript:alert(1)", "website": "<script>", "profile": "{{ 7|add:7 }}"},
        {"name": "\U0001f600" * 300, "locale": "de-CH"},
        {"updated_at": 10**30, "address": {"formatted": "x" * 20_000}},
        {"updated_at": -(10**30), "gender": DEEP},
        {"address": {"street\x00": "a\x00b", "n": [1, 2.5, None, True, {"k": "\x1b[31m"}]}},
        {"zoneinfo": "x" * 9000, "birthdate": "y" * 9000},
        {str(number): "z" * 100 for number in range(5000)},
    ],
    ids=lambda claims: repr(claims)[:40],
)
def test_no_claim_is_an_error(op: OpenIDProvider, browser: Browser, claims: dict[str, Any]) -> None:
    with_claims(op, **claims)

    assert browser.sign_in(op).status_code == 302

    connection = OAuthConnection.objects.get()
    connection.full_clean(exclude=["access_token", "refresh_token"])
    stored = json.dumps(connection.claims)
    assert len(stored) <= MAX_STORED_BYTES
    assert "\\u0000" not in stored and "\\u202e" not in stored
    user = browser.user
    assert len(user.first_name) <= 150 and len(user.last_name) <= 150
    assert (user.first_name + user.last_name).isprintable()


@pytest.mark.parametrize("where", ["userinfo", "id_token"])
def test_lone_surrogate_is_no_500(op: OpenIDProvider, browser: Browser, where: str) -> None:
    raw = b'"given_name": "a\\ud800b", "preferred_username": "\\udfff"'

    def in_userinfo(answer: Answer) -> Answer:
        return Answer(headers=answer.headers, body=json.dumps(answer.json).encode()[:-1] + b", " + raw + b"}")

    def in_token(token: Any) -> Any:
        token.payload = json.dumps(token.claims).encode()[:-1] + b", " + raw + b"}"
        return token

    op.bend(where, in_userinfo if where == "userinfo" else in_token)

    response = browser.sign_in(op)

    assert response.status_code in (302, 502)
    if response.status_code == 302:
        json.dumps(OAuthConnection.objects.get().claims).encode()
        browser.user.first_name.encode()


@pytest.mark.parametrize(
    "scope", ["openid\x00", "\ud800", "x" * 20_000, ["openid", "email"], {"a": 1}, 7, None, "", "openid\nX: y"]
)
def test_scope_of_the_answer_is_no_500(op: OpenIDProvider, browser: Browser, scope: Any) -> None:
    def change(answer: Answer) -> Answer:
        answer.json["scope"] = scope
        return answer

    op.bend("token", change)

    assert browser.sign_in(op).status_code in (302, 502)
    for connection in OAuthConnection.objects.all():
        assert "\x00" not in connection.scope


@pytest.mark.parametrize("expires_in", ["3600", "abc", 3600.0, -1, 0, None, 10**20, True, [], 1e300])
def test_lifetime_of_the_answer_is_no_500(op: OpenIDProvider, browser: Browser, expires_in: Any) -> None:
    def change(answer: Answer) -> Answer:
        answer.json["expires_in"] = expires_in
        return answer

    op.bend("token", change)

    assert browser.sign_in(op).status_code == 302
    known = OAuthConnection.objects.get().access_token_expires_at is not None
    assert known is (expires_in in ("3600", 3600.0, 0, 10**20, 1e300) and expires_in is not True)


def test_long_tokens_are_stored_whole(op: OpenIDProvider, browser: Browser) -> None:
    long = "t" * 16 * 1024

    def change(answer: Answer) -> Answer:
        answer.json["refresh_token"] = long
        return answer

    op.bend("token", change)
    browser.sign_in(op)

    assert OAuthConnection.objects.get().refresh_token == long


def test_subject_of_255_characters(op: OpenIDProvider, browser: Browser) -> None:
    op.users.add(type(ALICE)("s" * 255))

    browser.sign_in(op, user="s" * 255)

    assert OAuthConnection.objects.get().provider_user_id == "s" * 255


def test_claims_are_escaped_on_pages(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_CLAIMS = ["groups"]
    with_claims(op, given_name="<script>alert(1)</script>", groups=["<img src=x>"])
    browser.sign_in(op)
    user = browser.user
    user.is_staff = user.is_superuser = True
    user.save()

    for url in ("/admin/oidc_login/oauthconnection/", "/oauth/connections/"):
        page = browser.get(url).content.decode()
        assert "<script>alert(1)" not in page and "<img src=x" not in page


# The functions.


def test_stored_claims_are_the_standard_ones_and_those_wanted() -> None:
    claims = {"sub": "1", "iss": "x", "nonce": "n", "name": "A", "groups": ["g"], "shoe_size": 43}

    assert storable(claims, wanted=[]) == {"name": "A"}
    assert storable(claims, wanted=["groups"]) == {"name": "A", "groups": ["g"]}


def test_one_huge_claim_does_not_push_the_others_out() -> None:
    kept = storable({"name": "A", "address": "x" * 20_000, "email": "a@b.example"}, wanted=[])

    assert kept == {"name": "A", "email": "a@b.example"}


@pytest.mark.parametrize("value", ["a@b.example", "A@B.example", "a+b@c.example"])
def test_address_is_kept_as_it_was_given(value: str) -> None:
    assert clean_email(value) == value


def test_username_is_never_empty() -> None:
    assert username_from({}, max_length=10) == "user"
