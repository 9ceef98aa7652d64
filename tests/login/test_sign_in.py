"""Signing up and signing in again: what is written, what is asked of the provider, what becomes of the session."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import ALICE, BOB, CAROL, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def the_user() -> User:
    user: User = get_user_model().objects.get()
    return user


# Signing up.


def test_first_sign_in_makes_a_user_that_has_no_password(op: OpenIDProvider, browser: Browser) -> None:
    response = browser.sign_in(op)

    user = the_user()
    assert (response.status_code, response["Location"]) == (302, "/")
    assert browser.user == user
    assert not user.has_usable_password()
    assert (user.username, user.email) == ("alice", ALICE.email)
    assert (user.first_name, user.last_name) == (ALICE.claims["given_name"], ALICE.claims["family_name"])
    assert not (user.is_staff or user.is_superuser)


def test_first_sign_in_makes_a_connection(op: OpenIDProvider, browser: Browser) -> None:
    op.always_refresh_token = True
    before = timezone.now()

    browser.sign_in(op)

    connection = OAuthConnection.objects.get()
    assert connection.user == the_user()
    assert (connection.provider_key, connection.issuer) == ("op", op.issuer)
    assert connection.provider_user_id == ALICE.sub
    assert (connection.email, connection.email_verified) == (ALICE.email, True)
    assert (connection.link_reason, connection.status) == ("signed_up", "ok")
    assert connection.scope == "openid email profile"
    assert connection.access_token and connection.refresh_token
    assert connection.access_token_expires_at is not None
    assert abs((connection.access_token_expires_at - before).total_seconds() - op.access_token_lifetime) < 10
    assert not connection.access_token_expired()
    assert connection.last_login_at is not None and connection.last_login_at >= before
    assert connection.claims["given_name"] == ALICE.claims["given_name"]
    assert "sub" not in connection.claims


def test_unverified_address_stays_on_the_connection_alone(op: OpenIDProvider, browser: Browser) -> None:
    """A password reset or an invitation must not trust what nobody verified."""
    browser.sign_in(op, user="bob")

    connection = OAuthConnection.objects.get()
    assert the_user().email == ""
    assert (connection.email, connection.email_verified) == (BOB.email, False)


def test_person_without_address_signs_up(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op, user="carol")

    assert browser.user.email == ""
    assert OAuthConnection.objects.get().provider_user_id == CAROL.sub


def test_two_people_without_address_are_two_users(op: OpenIDProvider) -> None:
    op.users.change("bob", email="")

    Browser().sign_in(op, user="bob")
    Browser().sign_in(op, user="carol")

    assert get_user_model().objects.count() == OAuthConnection.objects.count() == 2


def test_nothing_secret_is_logged_by_a_good_sign_in(op: OpenIDProvider, browser: Browser, witness: Witness) -> None:
    response = browser.sign_in(op, next="/next/")

    witness.assert_no_secrets(browser, response)


# Signing in again.


def test_repeat_sign_in_is_the_same_user(op: OpenIDProvider) -> None:
    Browser().sign_in(op)
    again = Browser()

    again.sign_in(op)

    assert again.user == the_user()
    assert OAuthConnection.objects.count() == 1


def test_warm_repeat_sign_in_asks_once_over_the_open_connection(op: OpenIDProvider, browser: Browser) -> None:
    Browser().sign_in(op)
    op.clear()

    browser.sign_in(op)

    assert op.asked() == ["token"]
    assert op.connections == 0


@pytest.mark.django_db(transaction=True)
def test_repeat_callback_needs_eight_statements_and_two_commits_at_most(op: OpenIDProvider, browser: Browser) -> None:
    """One transaction for the sign-in, and one of Django's for the session."""
    Browser().sign_in(op)
    answer = browser.authorize(op, browser.begin())

    with CaptureQueriesContext(database) as captured:
        browser.end(answer)

    statements = [query["sql"] for query in captured.captured_queries]
    assert len([sql for sql in statements if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]) <= 8
    if database.vendor == "sqlite":  # the others do not begin a transaction by a statement of its own
        assert statements.count("BEGIN") <= 4
    assert browser.user == the_user()


def test_identity_decides_and_not_its_address(op: OpenIDProvider, browser: Browser) -> None:
    """The address moved to one that somebody else has here: it plays no part for a known identity."""
    Browser().sign_in(op)
    user = the_user()
    other = get_user_model().objects.create_user("other", "other@example.org")
    op.users.change("alice", email=other.email)
    op.claims_in_id_token = True

    browser.sign_in(op)

    assert browser.user == user
    user.refresh_from_db()
    other.refresh_from_db()
    assert (user.email, other.email) == (ALICE.email, "other@example.org")
    assert OAuthConnection.objects.get().email == "other@example.org"


def test_repeat_sign_in_keeps_what_the_provider_was_not_asked_for(op: OpenIDProvider, browser: Browser) -> None:
    """The ID token alone says less than is known already."""
    Browser().sign_in(op)
    before = OAuthConnection.objects.get()

    browser.sign_in(op)

    after = OAuthConnection.objects.get()
    assert (after.email, after.email_verified, after.claims) == (before.email, True, before.claims)
    assert after.access_token != before.access_token
    assert after.last_login_at and before.last_login_at and after.last_login_at > before.last_login_at


def test_identities_differ_by_case_and_spaces(op: OpenIDProvider) -> None:
    """A sub is compared byte for byte (Core 2)."""
    for sub in ("Sub-of-one", "sub-of-one", "sub-of-one ", "sub-of-o\u006ee\u0301", "sub-of-on\u00e9"):
        op.users.add(type(ALICE)(sub))
        Browser().sign_in(op, user=sub)

    assert OAuthConnection.objects.count() == get_user_model().objects.count() == 5


def test_claims_that_the_site_wants_are_asked_for_and_kept(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_CLAIMS = ["groups"]
    op.users.change("alice", claims={"groups": ["staff"], "shoe_size": 43})

    browser.sign_in(op)

    claims = OAuthConnection.objects.get().claims
    assert claims["groups"] == ["staff"]
    assert "shoe_size" not in claims


def test_userinfo_is_asked_again_where_a_wanted_claim_is_missing(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_CLAIMS = ["groups"]
    Browser().sign_in(op)
    op.clear()

    browser.sign_in(op)

    assert op.asked() == ["token", "userinfo"]


# Tokens of later answers.


def test_refresh_token_is_kept_when_none_comes(op: OpenIDProvider, browser: Browser) -> None:
    op.always_refresh_token = True
    Browser().sign_in(op)
    kept = OAuthConnection.objects.get().refresh_token
    op.always_refresh_token = False

    browser.sign_in(op)

    assert OAuthConnection.objects.get().refresh_token == kept != ""


def test_newer_refresh_token_replaces_the_old_one(op: OpenIDProvider, browser: Browser) -> None:
    op.always_refresh_token = True
    Browser().sign_in(op)
    old = OAuthConnection.objects.get().refresh_token

    browser.sign_in(op)

    assert OAuthConnection.objects.get().refresh_token not in (old, "")


def test_sign_in_puts_a_connection_in_order_again(op: OpenIDProvider, browser: Browser) -> None:
    Browser().sign_in(op)
    OAuthConnection.objects.update(status="needs_reauth")

    browser.sign_in(op)

    assert OAuthConnection.objects.get().status == "ok"


# The session.


def test_session_key_changes_and_a_planted_one_is_dead(op: OpenIDProvider) -> None:
    attacker, victim = Browser(), Browser()
    planted = attacker.session
    planted["planted"] = True
    planted.create()
    attacker.jar["sessionid"] = victim.jar["sessionid"] = _cookie("sessionid", str(planted.session_key))

    victim.sign_in(op)

    assert victim.session_key != planted.session_key
    assert victim.user == the_user()
    assert attacker.user is None
    assert not Session.objects.filter(session_key=planted.session_key).exists()


def test_what_a_visitor_had_in_the_session_survives(op: OpenIDProvider, browser: Browser) -> None:
    session = browser.session
    session["basket"] = ["book"]
    session.create()
    browser.jar["sessionid"] = _cookie("sessionid", str(session.session_key))

    browser.sign_in(op)

    assert browser.session["basket"] == ["book"]


def test_session_of_another_user_is_not_taken_over(op: OpenIDProvider, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))
    session = browser.session
    session["basket"] = ["theirs"]
    session.save()
    old = browser.session_key

    browser.sign_in(op)

    assert browser.user.username == "alice"
    assert "basket" not in browser.session
    assert not Session.objects.filter(session_key=old).exists()


def test_csrf_token_changes_at_sign_in(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin())
    before = browser.jar["csrftoken"].value

    browser.end(answer)

    assert browser.jar["csrftoken"].value != before


def test_session_notes_where_from_and_until_when(op: OpenIDProvider, browser: Browser) -> None:
    """mozilla-django-oidc's SessionRefresh sends away every session that has no expiration in the future."""
    browser.sign_in(op)

    noted = browser.session["oidc_login"]
    assert (noted["provider"], noted["connection"]) == ("op", OAuthConnection.objects.get().pk)
    assert browser.session["oidc_id_token_expiration"] > time.time()


@pytest.mark.parametrize("engine", ["signed_cookies", "cache", "cached_db", "file"])
def test_every_session_engine_works_and_holds_no_token(
    op: OpenIDProvider, browser: Browser, settings: Settings, engine: str, witness: Witness
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"

    browser.sign_in(op)

    assert browser.user == the_user()
    content = repr(dict(browser.session.items()))
    assert not [secret for secret in witness.secrets(browser) if secret in content]


def test_deactivated_user_is_signed_out(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    get_user_model().objects.update(is_active=False)

    assert browser.get("/").content == b""


def test_last_login_is_noted(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    assert the_user().last_login is not None


def test_store_tokens_off_keeps_the_identity_alone(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", store_tokens=False)
    op.always_refresh_token = True

    browser.sign_in(op)

    assert _stored_tokens() == [("", "")]
    assert OAuthConnection.objects.get().email == ALICE.email


def test_store_tokens_switched_off_removes_them_at_the_next_sign_in(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    op.always_refresh_token = True
    Browser().sign_in(op)
    configure(settings, "op", store_tokens=False)

    browser.sign_in(op)

    connection = OAuthConnection.objects.get()
    assert _stored_tokens() == [("", "")]
    assert connection.access_token_expires_at is connection.refresh_token_expires_at is None


def _stored_tokens() -> list[Any]:
    return list(OAuthConnection.objects.values_list("access_token", "refresh_token"))


def _cookie(name: str, value: str) -> Any:
    return SimpleCookie({name: value})[name]
