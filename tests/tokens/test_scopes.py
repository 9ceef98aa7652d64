"""What was granted, and asking for more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection, Status
from oidc_login.testing import Answer
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.markup import Markup
from tests.support.served import RecordingOpenIDProvider, configure
from tests.tokens.conftest import Connect

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tokens.views")]


@pytest.mark.parametrize(
    ("provider_class", "granted", "asked", "has"),
    [
        ("OIDCProvider", "openid email", ("openid", "email"), True),
        ("OIDCProvider", "openid email", ("profile",), False),
        ("OIDCProvider", "openid", (), True),
        ("OIDCProvider", "calendar.read", ("calendar",), False),
        ("GitHubProvider", "repo,user", ("repo", "user:email", "public_repo"), True),
        ("GitHubProvider", "public_repo", ("repo",), False),
        ("GitHubProvider", "admin:org", ("read:org",), True),
        ("GoogleProvider", "openid https://www.googleapis.com/auth/userinfo.email", ("email",), True),
        ("GoogleProvider", "openid", ("email",), False),
    ],
)
def test_granted_scopes(
    connect: Connect, settings: Settings, provider_class: str, granted: str, asked: tuple[str, ...], has: bool
) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"p": {"class": f"oidc_login.providers.{provider_class}", "client_id": "c"}}
    if provider_class == "OIDCProvider":
        configure(settings, "p", issuer="https://op.example")

    assert connect(provider_key="p", scope=granted).has_scopes(*asked) is has


def test_granted_scopes_of_a_provider_that_is_gone(connect: Connect, settings: Settings) -> None:
    connection = connect(scope="a b")
    settings.OIDC_LOGIN_PROVIDERS = {}

    assert connection.has_scopes("a") and not connection.has_scopes("c")


@pytest.fixture
def alice(op: RecordingOpenIDProvider, browser: Browser) -> Browser:
    browser.sign_in(op)
    return browser


def asked_scope(response: object) -> list[str]:
    return parse_qs(urlsplit(response["Location"]).query)["scope"][0].split()  # type: ignore[index]


@pytest.mark.parametrize("page", ["/calendar/?week=2", "/async/calendar/?week=2"])
def test_person_grants_what_is_missing_and_comes_back(op: RecordingOpenIDProvider, alice: Browser, page: str) -> None:
    away = alice.get(page)
    assert away.status_code == 302
    assert set(asked_scope(away)) == {"openid", "email", "profile", "phone"}

    back = alice.end(alice.authorize(op, away))

    assert back["Location"] == page
    assert alice.get(page).content == b"calendar"
    assert OAuthConnection.objects.get().has_scopes("phone", "email")


def test_scope_of_the_request_counts_where_the_answer_names_none(op: RecordingOpenIDProvider, alice: Browser) -> None:
    """RFC 6749 5.1: identical to what was asked, this time."""
    op.bend("token", lambda good: Answer.of_json({k: v for k, v in good.json.items() if k != "scope"}))

    alice.end(alice.authorize(op, alice.get("/calendar/")))

    assert alice.get("/calendar/").status_code == 200


def test_person_who_does_not_grant_it_goes_round_no_circle(op: RecordingOpenIDProvider, alice: Browser) -> None:
    op.bend("token", lambda good: Answer.of_json({**good.json, "scope": "openid email profile"}))
    alice.end(alice.authorize(op, alice.get("/calendar/")))

    refused = alice.get("/calendar/")

    assert refused.status_code == 403
    assert refused.context["oauth_error"].code == "scope_not_granted"
    assert 'href="/calendar/"' in refused.content.decode()
    assert alice.get("/calendar/").status_code == 302, "who tries again is asked again"


def test_connection_that_needs_the_person_grants_nothing(op: RecordingOpenIDProvider, alice: Browser) -> None:
    OAuthConnection.objects.update(scope="openid phone", status=Status.NEEDS_REAUTH)

    assert alice.get("/calendar/").status_code == 302


def test_somebody_without_a_session_signs_in_first(op: RecordingOpenIDProvider, browser: Browser) -> None:
    assert browser.get("/calendar/")["Location"].startswith("/oauth/?next=")


# Nothing of an account changes by a GET, since any page can make a browser ask for one.


def somebody_without_connections(browser: Browser) -> Any:
    user = get_user_model().objects.create_user("somebody")
    browser.log_in(user)
    return user


def form_of(response: Any) -> tuple[str, dict[str, str]]:
    """Return where the page's one form posts to, and what."""
    (form,) = Markup(response.content.decode()).forms
    assert form.method == "post"
    return form.action, dict(form.fields)


@pytest.mark.parametrize("page", ["/calendar/?week=2", "/async/calendar/?week=2"])
def test_account_without_connection_is_shown_a_button(op: RecordingOpenIDProvider, browser: Browser, page: str) -> None:
    somebody_without_connections(browser)

    asked = browser.get(page, cross_site=True)

    assert (asked.status_code, browser.flow_cookies) == (200, {})
    assert "no-store" in asked["Cache-Control"]
    action, _ = form_of(asked)
    assert action == "/oauth/op/connect/"


@pytest.mark.parametrize("page", ["/calendar/?week=2", "/async/calendar/?week=2"])
def test_button_connects_and_asks_for_what_the_page_needs(
    op: RecordingOpenIDProvider, browser: Browser, page: str
) -> None:
    somebody_without_connections(browser)
    action, fields = form_of(browser.get(page))

    away = browser.post(action, fields)
    assert set(asked_scope(away)) == {"openid", "email", "profile", "phone"}
    back = browser.end(browser.authorize(op, away))

    assert back["Location"] == page
    assert browser.get(page).content == b"calendar"
    assert OAuthConnection.objects.get().user.get_username() == "somebody"


def test_button_goes_round_no_circle(op: RecordingOpenIDProvider, browser: Browser) -> None:
    op.bend("token", lambda good: Answer.of_json({**good.json, "scope": "openid email profile"}))
    somebody_without_connections(browser)
    action, fields = form_of(browser.get("/calendar/"))
    browser.end(browser.authorize(op, browser.post(action, fields)))

    refused = browser.get("/calendar/")

    assert (refused.status_code, refused.context["oauth_error"].code) == (403, "scope_not_granted")


def test_button_needs_a_csrf_token(op: RecordingOpenIDProvider, browser: Browser) -> None:
    somebody_without_connections(browser)
    action, fields = form_of(browser.get("/calendar/"))
    del fields["csrfmiddlewaretoken"]

    assert browser.request("POST", action, fields).status_code == 403
    assert browser.flow_cookies == {}


@pytest.mark.parametrize("change", ["swapped", "of somebody else", "of another provider", "made up", "twice"])
def test_scopes_that_no_page_asked_for_are_refused(
    op: RecordingOpenIDProvider, browser: Browser, settings: Settings, change: str
) -> None:
    """The form says what is asked for, so nobody else may choose it."""
    configure(settings, "second", issuer=op.issuer, client_id="client", client_secret="secret")
    somebody_without_connections(browser)
    action, fields = form_of(browser.get("/calendar/"))
    sent: dict[str, Any] = dict(fields)
    if change == "swapped":
        sent["scopes"] = fields["scopes"][::-1]
    elif change == "of somebody else":
        browser.log_in(get_user_model().objects.create_user("another"))
        del sent["csrfmiddlewaretoken"]
    elif change == "of another provider":
        action = "/oauth/second/connect/"
    elif change == "made up":
        sent["scopes"] = "admin:org"
    else:
        sent["scopes"] = [fields["scopes"], fields["scopes"]]

    refused = browser.post(action, sent)

    assert (refused.status_code, refused.context["oauth_error"].code) == (400, "parameter_invalid")
    assert browser.flow_cookies == {}


@pytest.mark.parametrize("page", ["/calendar/", "/async/calendar/"])
def test_by_get_only_an_own_identity_can_come_back(
    op: RecordingOpenIDProvider, alice: Browser, assert_nothing_changed: NothingChanged, page: str
) -> None:
    """The browser may be signed in at the provider as anybody, also as somebody who waits for just that."""
    away = alice.get(page, cross_site=True)

    with assert_nothing_changed(alice) as failure:
        failure.response = alice.end(alice.authorize(op, away, "bob"))

    assert failure.seen == (403, "connect_user_changed")
    assert 'href="/oauth/connections/"' in failure.response.content.decode()
    assert alice.get(page).status_code == 403, "the page does not act with it"
    stranger = Browser()
    stranger.sign_in(op, user="bob")
    assert stranger.user.username == "bob"


def test_identity_of_another_account_comes_back(
    op: RecordingOpenIDProvider, alice: Browser, assert_nothing_changed: NothingChanged
) -> None:
    Browser().sign_in(op, user="bob")

    with assert_nothing_changed(alice) as failure:
        failure.response = alice.end(alice.authorize(op, alice.get("/calendar/"), "bob"))

    assert failure.seen == (403, "connect_user_changed")


def test_any_own_identity_may_grant_it(op: RecordingOpenIDProvider, alice: Browser) -> None:
    alice.connect(op, user="bob")

    back = alice.end(alice.authorize(op, alice.get("/calendar/"), "bob"))

    assert back["Location"] == "/calendar/"
    assert alice.get("/calendar/").content == b"calendar"
    assert alice.user.username == "alice"


def test_granting_leaves_the_session_as_it_is(op: RecordingOpenIDProvider, alice: Browser) -> None:
    key, entry = alice.session_key, alice.session["oidc_login"]

    alice.end(alice.authorize(op, alice.get("/calendar/")))

    assert (alice.session_key, alice.session["oidc_login"]) == (key, entry)


def test_person_who_cancels_is_back_at_their_connections(op: RecordingOpenIDProvider, alice: Browser) -> None:
    back = alice.end(alice.authorize(op, alice.get("/calendar/"), None))

    assert back["Location"] == "/oauth/connections/"


def test_somebody_else_who_is_signed_in_by_then(
    op: RecordingOpenIDProvider, alice: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = alice.authorize(op, alice.get("/calendar/"))
    alice.log_in(get_user_model().objects.create_user("another"))

    with assert_nothing_changed(alice) as failure:
        failure.response = alice.end(answer)

    assert failure.seen == (403, "connect_user_changed")


def test_what_was_posted_begins_no_connect(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """A form of the site's own is about something else; what it posted cannot be posted again."""
    somebody_without_connections(browser)

    asked = browser.post("/calendar/", {"title": "Lunch"})

    assert (asked.status_code, browser.flow_cookies) == (200, {})
    _, fields = form_of(asked)
    assert "next" not in fields
