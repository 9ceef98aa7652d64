"""A link that waits for one sign-in to the account (rule 3d of docs/linking.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest

from oidc_login import sealing
from oidc_login.models import OAuthConnection
from oidc_login.session_state import KEYS
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider
from tests.linking.conftest import Commits
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import ALICE, configure
from tests.support.signals import Heard

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("user")]

LOGIN = "/accounts/login/"
CONFIRM = "/oauth/confirm-link/"


@pytest.fixture(autouse=True)
def unconfirmed(settings: Settings) -> None:
    """A site whose accounts were opened with any address, and that has a page for passwords."""
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.linking.accounts.says_no"
    settings.ROOT_URLCONF = "tests.linking.urls"
    settings.LOGIN_URL = "login"


def log_in(browser: Browser, username: str = "existing", **data: str) -> Any:
    """Sign in by password, on the site's own page."""
    return browser.post(LOGIN, {"username": username, "password": "password", **data})


def test_acceptance(
    op: OpenIDProvider, browser: Browser, user: User, assert_nothing_changed: NothingChanged, committing: Commits
) -> None:
    """Not signed in, nothing linked; after one sign-in to the account the connection is there."""
    browser.get("/accounts/visit/")
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "confirm_link")
    assert "oidc_login/confirm_link.html" in [template.name for template in failure.response.templates]
    assert (browser.user, OAuthConnection.objects.count()) == (None, 0)

    with committing():
        log_in(browser)

    connection = OAuthConnection.objects.get()
    assert (browser.user, connection.user, connection.link_reason) == (user, user, "confirmed")
    assert (connection.provider_key, connection.issuer) == ("op", op.issuer)
    assert (connection.provider_user_id, connection.email, connection.email_verified) == (ALICE.sub, ALICE.email, True)
    assert connection.claims["name"] == ALICE.name
    assert (connection.access_token != "", connection.status) == (True, "ok")
    assert connection.access_token_expires_at is not None

    later_browser = Browser()
    later_browser.sign_in(op)
    assert later_browser.user == user


def test_provider_is_not_asked_a_second_time(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    op.clear()

    log_in(browser)

    assert op.requests == []
    assert OAuthConnection.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_person_is_told(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    log_in(browser)

    assert "connected" in browser.get("/oauth/").content.decode()


def test_site_hears_of_it_once(
    op: OpenIDProvider,
    browser: Browser,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    committing: Commits,
    witness: Witness,
) -> None:
    browser.sign_in(op)
    heard.clear()
    caplog.clear()

    with committing():
        log_in(browser)

    ((name, told),) = heard
    assert (name, told["provider"], told["connection"]) == ("connection_created", "op", OAuthConnection.objects.get())
    assert told["reason"] == "linked after a sign-in to the account"
    assert isinstance(told["request"], HttpRequest)
    assert [vars(record)["connection"] for record in caplog.records if "linked after" in record.message] == [
        told["connection"].pk
    ]
    witness.assert_no_secrets(browser)


@pytest.mark.parametrize("path", ["says_no", "says_nothing"])
def test_whatever_is_not_true_asks_for_the_sign_in(
    op: OpenIDProvider, browser: Browser, settings: Settings, path: str
) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = f"tests.linking.accounts.{path}"

    assert browser.sign_in(op).status_code == 409


def test_confirmed_address_is_linked_at_once(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "tests.linking.accounts.says_yes"

    assert browser.sign_in(op).status_code == 302
    assert OAuthConnection.objects.get().link_reason == "verified_email"


def test_refusals_come_before_the_question(op: OpenIDProvider, browser: Browser) -> None:
    op.users.change("alice", email_verified=False)

    browser.sign_in(op)
    log_in(browser)

    assert not OAuthConnection.objects.exists()


def test_staff_are_not_even_asked(op: OpenIDProvider, browser: Browser, user: User) -> None:
    user.is_staff = True
    user.save()

    browser.sign_in(op)
    log_in(browser)

    assert not OAuthConnection.objects.exists()


# Who completes it.


def test_sign_in_of_somebody_else_drops_it(op: OpenIDProvider, browser: Browser) -> None:
    get_user_model().objects.create_user("another", password="password")
    browser.sign_in(op)

    log_in(browser, "another")
    assert not OAuthConnection.objects.exists()

    browser.post("/accounts/logout/")
    log_in(browser)
    assert not OAuthConnection.objects.exists()


def test_sign_in_of_somebody_else_who_keeps_the_session_drops_it(op: OpenIDProvider, browser: Browser) -> None:
    get_user_model().objects.create_user("another", password="password")
    browser.sign_in(op)
    log_in(browser, "another")

    assert KEYS["pending_link"] not in browser.session


def test_wrong_password_neither_completes_nor_drops_it(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    browser.post(LOGIN, {"username": "existing", "password": "wrong"})
    assert not OAuthConnection.objects.exists()

    log_in(browser)
    assert OAuthConnection.objects.exists()


def test_another_browser_completes_nothing(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    log_in(Browser())

    assert not OAuthConnection.objects.exists()


def test_it_is_completed_once(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    log_in(browser)
    OAuthConnection.objects.all().delete()

    log_in(browser)

    assert not OAuthConnection.objects.exists()


def test_another_provider_completes_it_too(
    op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser, user: User
) -> None:
    browser.log_in(user)
    browser.connect(github, "github")
    browser = Browser()
    browser.sign_in(op)

    browser.sign_in(github, "github")

    assert browser.user == user
    assert {one.provider_key: one.link_reason for one in user.oauth_connections.all()} == {
        "github": "connected",
        "op": "confirmed",
    }
    assert browser.session["oidc_login"]["provider"] == "github"


def test_whoever_is_signed_in_already_has_to_sign_in_too(op: OpenIDProvider, browser: Browser, user: User) -> None:
    """A sign-in that ends while somebody is signed in must not connect anything by itself."""
    browser.log_in(user)

    assert browser.sign_in(op).status_code == 409
    assert not OAuthConnection.objects.exists()

    log_in(browser)
    assert OAuthConnection.objects.get().user == user


# How long it waits.


def test_it_expires_with_the_flow(
    op: OpenIDProvider, browser: Browser, later: Callable[[float], None], settings: Settings
) -> None:
    settings.OIDC_LOGIN_FLOW_LIFETIME = 300
    answer = browser.authorize(op, browser.begin())
    later(200)
    browser.end(answer)
    later(110)  # since the first shift: 310 seconds after the beginning

    log_in(browser)

    assert not OAuthConnection.objects.exists()
    assert KEYS["pending_link"] not in browser.session


def test_it_lives_as_long_as_the_flow(
    op: OpenIDProvider, browser: Browser, later: Callable[[float], None], settings: Settings
) -> None:
    settings.OIDC_LOGIN_FLOW_LIFETIME = 300
    browser.sign_in(op)
    later(290)

    log_in(browser)

    assert OAuthConnection.objects.exists()


def test_page_says_nothing_of_what_expired(
    op: OpenIDProvider, browser: Browser, later: Callable[[float], None]
) -> None:
    browser.sign_in(op)
    assert browser.get(CONFIRM).status_code == 200
    later(601)

    assert browser.get(CONFIRM)["Location"] == "/oauth/"


# The page.


def test_page_says_where_to_sign_in(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.LOGIN_URL = "/accounts/login/?theme=dark"
    configure(settings, "op", label="Example Inc.")
    shown = browser.sign_in(op)
    page = browser.get(CONFIRM)

    for response in (shown, page):
        text = response.content.decode()
        assert "Example Inc." in text
        assert 'href="/accounts/login/?theme=dark&amp;next=/oauth/connections/"' in text
        assert "<form" not in text
        assert "existing" not in text and ALICE.email not in text
        assert "no-store" in response["Cache-Control"]


def test_page_without_anything_that_waits(op: OpenIDProvider, browser: Browser) -> None:
    response = browser.get(CONFIRM)

    assert (response.status_code, response["Location"]) == (302, "/oauth/")
    assert browser.post(CONFIRM).status_code == 405


def test_page_of_a_provider_that_is_gone(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    browser.sign_in(op)
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert browser.get(CONFIRM).status_code == 404


# What is kept.


def test_what_waits_is_encrypted(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)

    kept = browser.session[KEYS["pending_link"]]
    token = op.answered[0]["access_token"]  # type: ignore[attr-defined]  # of the recording provider
    assert isinstance(kept, str)
    assert not any(secret in kept for secret in (token, ALICE.sub, ALICE.email))


@pytest.mark.parametrize("kept", ["", "nonsense", 5, None], ids=str)
def test_what_cannot_be_read_does_not_keep_anybody_out(
    op: OpenIDProvider, browser: Browser, user: User, kept: Any
) -> None:
    _put_into_session(browser, kept)

    log_in(browser)

    assert browser.user == user
    assert not OAuthConnection.objects.exists()


def test_what_another_version_kept_does_not_keep_anybody_out(op: OpenIDProvider, browser: Browser, user: User) -> None:
    plain = b'{"user_key": "1", "added_later": true}'
    _put_into_session(
        browser,
        sealing.seal(plain, purpose="waiting_link", associated_data=b"", secrets=sealing.token_keys()),
    )

    log_in(browser)

    assert browser.user == user


def _put_into_session(browser: Browser, kept: Any) -> None:
    browser.get("/accounts/visit/")
    session = browser.session
    session[KEYS["pending_link"]] = kept
    session.save()


def test_lost_key_drops_it(op: OpenIDProvider, browser: Browser, user: User, settings: Settings) -> None:
    settings.OIDC_LOGIN_TOKEN_KEYS = ["first " * 8]
    browser.sign_in(op)
    settings.OIDC_LOGIN_TOKEN_KEYS = ["second " * 8]

    log_in(browser)

    assert (browser.user, OAuthConnection.objects.count()) == (user, 0)


def test_sessions_in_cookies_keep_no_token(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser.sign_in(op)
    assert len(browser.jar[settings.SESSION_COOKIE_NAME].value) < 1000

    log_in(browser)

    connection = OAuthConnection.objects.get()
    assert (connection.link_reason, connection.status) == ("confirmed", "needs_reauth")
    assert (connection.access_token, connection.refresh_token) == ("", "")
    assert connection.provider_user_id == ALICE.sub

    Browser().sign_in(op)
    connection.refresh_from_db()
    assert (connection.status, connection.access_token != "") == ("ok", True)


def test_no_token_waits_where_none_is_stored(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", store_tokens=False)
    browser.sign_in(op)

    log_in(browser)

    connection = OAuthConnection.objects.get()
    assert (connection.access_token, connection.status) == ("", "ok")


# What may have happened meanwhile.


def test_identity_that_somebody_else_has_by_now_stays_theirs(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    other = get_user_model().objects.create_user("another")
    OAuthConnection.objects.create(user=other, provider_key="op", issuer=op.issuer, provider_user_id=ALICE.sub)

    assert log_in(browser).status_code == 302

    assert browser.user.username == "existing"
    assert OAuthConnection.objects.get().user == other


def test_account_that_has_another_identity_by_now_gets_no_second(
    op: OpenIDProvider, browser: Browser, user: User, heard: Heard, committing: Commits
) -> None:
    browser.sign_in(op)
    OAuthConnection.objects.create(user=user, provider_key="op", issuer=op.issuer, provider_user_id="another")
    heard.clear()

    with committing():
        log_in(browser)

    assert OAuthConnection.objects.get().provider_user_id == "another"
    assert heard == []
    assert "account has been connected" not in browser.get("/oauth/").content.decode()


def test_second_sign_in_replaces_what_waits(op: OpenIDProvider, browser: Browser, user: User) -> None:
    other = get_user_model().objects.create_user("another", "bob@example.org", "password")
    browser.sign_in(op)
    op.users.change("bob", email="bob@example.org", email_verified=True)
    browser.sign_in(op, user="bob")

    log_in(browser, "another")

    assert OAuthConnection.objects.get().user == other


def test_account_with_another_identity_is_not_even_asked(
    op: OpenIDProvider, browser: Browser, user: User, assert_nothing_changed: NothingChanged
) -> None:
    OAuthConnection.objects.create(user=user, provider_key="op", issuer=op.issuer, provider_user_id="another")
    answer = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (409, "identity_conflict")
    assert KEYS["pending_link"] not in browser.session


def test_identity_that_came_a_moment_earlier_is_seen_behind_the_lock(
    op: OpenIDProvider, browser: Browser, user: User
) -> None:
    browser.sign_in(op)
    earlier = OAuthConnection(user=user, provider_key="op", issuer=op.issuer, provider_user_id="another")

    def come_earlier(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        locks = sql.startswith("UPDATE") and connection.ops.quote_name("username") in sql
        if locks and earlier.pk is None:
            earlier.save()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(come_earlier):
        log_in(browser)

    assert earlier.pk is not None
    assert (browser.user, OAuthConnection.objects.get()) == (user, earlier)
