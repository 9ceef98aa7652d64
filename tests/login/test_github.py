"""Sign-in with GitHub: the numeric id is the identity, and the primary verified address counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, GitHubStyleProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import ALICE

pytestmark = pytest.mark.django_db


def test_sign_up(github: GitHubStyleProvider, browser: Browser) -> None:
    response = browser.sign_in(github, "github", next="/next/")

    assert (response.status_code, response["Location"]) == (302, "/next/")
    assert (browser.user.username, browser.user.email) == ("alice", ALICE.email)
    connection = OAuthConnection.objects.get()
    assert connection.provider_user_id == str(ALICE.numeric_id)
    assert (connection.issuer, connection.email_verified) == (github.base_url, True)
    assert connection.access_token.startswith("gho_")
    assert connection.refresh_token == ""
    assert github.asked() == ["token", "user", "emails"]


def test_renamed_account_is_the_same_person_and_the_old_name_is_not(
    github: GitHubStyleProvider, browser: Browser
) -> None:
    """A login can be renamed and taken over by somebody else."""
    Browser().sign_in(github, "github")
    github.users.change("alice", preferred_username="renamed")
    github.users.change("carol", preferred_username="alice")

    browser.sign_in(github, "github", user="renamed")
    other = Browser()
    other.sign_in(github, "github", user="alice")

    assert browser.user.username == "alice"
    assert other.user != browser.user


def test_public_address_alone_is_not_believed(
    github: GitHubStyleProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    """`/user` shows an address without saying whether it was verified."""
    existing = get_user_model().objects.create_user("existing", "victim@example.org")
    github.users.change("bob", email="victim@example.org", public_email=True)

    browser.sign_in(github, "github", user="bob")

    assert browser.user != existing
    assert browser.user.email == ""


@pytest.mark.parametrize(
    "emails",
    [
        [],
        {},
        None,
        "x",
        [{"email": "victim@example.org", "verified": True, "primary": False}],
        [{"email": "victim@example.org", "verified": False, "primary": True}],
        [{"email": "victim@example.org", "verified": "true", "primary": True}],
        [{"email": "victim@example.org", "verified": 1, "primary": True}],
        [{"email": ["victim@example.org"], "verified": True, "primary": True}],
        [["victim@example.org", True, True]],
    ],
    ids=repr,
)
def test_only_the_primary_verified_address_links(github: GitHubStyleProvider, browser: Browser, emails: Any) -> None:
    existing = get_user_model().objects.create_user("existing", "victim@example.org")

    with github.bend("emails", lambda _: Answer.of_json(emails)):
        response = browser.sign_in(github, "github")

    assert response.status_code == 302
    assert browser.user != existing


def test_address_that_may_not_be_read_is_none(github: GitHubStyleProvider, browser: Browser) -> None:
    with github.bend("emails", lambda _: Answer.of_json({"message": "Not Found"}, status=404)):
        browser.sign_in(github, "github")

    assert browser.user.email == ""


@pytest.mark.parametrize(
    ("endpoint", "change", "status", "code"),
    [
        ("token", lambda a: Answer.of_json({"error": "bad_verification_code"}), 400, "code_refused"),
        ("token", lambda a: Answer.of_json({"error": "incorrect_client_credentials"}), 502, "client_refused"),
        ("token", lambda a: Answer.of_json({"error": "redirect_uri_mismatch"}), 502, "token_response_invalid"),
        ("token", lambda a: Answer(status=502, body=b"<html>"), 503, "provider_unavailable"),
        ("user", lambda a: Answer.of_json({"message": "Bad credentials"}, status=401), 502, "userinfo_invalid"),
        ("user", lambda a: Answer.of_json({"login": "alice"}), 502, "userinfo_invalid"),
        ("user", lambda a: Answer.of_json({"id": "7", "login": "alice"}), 502, "userinfo_invalid"),
        ("user", lambda a: Answer.of_json({"id": True, "login": "alice"}), 502, "userinfo_invalid"),
        ("user", lambda a: Answer.of_json({"id": 1.5, "login": "alice"}), 502, "userinfo_invalid"),
        ("user", lambda a: Answer.of_json([]), 502, "userinfo_invalid"),
        ("user", lambda a: Answer(status=503, body=b""), 503, "provider_unavailable"),
        ("emails", lambda a: Answer(status=503, body=b""), 503, "provider_unavailable"),
    ],
)
def test_answers_that_are_not_good(
    github: GitHubStyleProvider,
    browser: Browser,
    assert_nothing_changed: NothingChanged,
    endpoint: str,
    change: Callable[[Answer], Answer],
    status: int,
    code: str,
) -> None:
    answer = browser.authorize(github, browser.begin("github"))

    with github.bend(endpoint, change), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (status, code)


def test_form_encoded_token_answer_is_read(github: GitHubStyleProvider, browser: Browser) -> None:
    def as_form(answer: Answer) -> Answer:
        answer.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return answer

    with github.bend("token", as_form):
        assert browser.sign_in(github, "github").status_code == 302


def test_cancelled(github: GitHubStyleProvider, browser: Browser) -> None:
    assert browser.sign_in(github, "github", user=None)["Location"] == "/oauth/"


def test_wrong_verifier_is_refused(
    github: GitHubStyleProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    """The code of another flow: PKCE binds it to the browser that began."""
    theirs = Browser()
    stolen = theirs.authorize(github, theirs.begin("github"))["code"]
    answer = browser.authorize(github, browser.begin("github"))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer.with_(code=stolen))

    assert failure.seen == (400, "code_refused")


def test_expired_token_of_an_app_is_refreshed_before_the_api_is_called(
    github: GitHubStyleProvider, browser: Browser
) -> None:
    github.expiring_tokens = True
    browser.sign_in(github, "github")
    an_hour_ago = timezone.now() - timedelta(hours=1)
    OAuthConnection.objects.update(access_token_expires_at=an_hour_ago, last_login_at=an_hour_ago)

    response = browser.user.oauth_connections.get(provider_key="github").session().get("user")

    assert response.json()["login"] == "alice"
    assert github.asked()[-2:] == ["token", "user"]


def test_expiring_tokens_of_an_app(github: GitHubStyleProvider, browser: Browser) -> None:
    github.expiring_tokens = True

    browser.sign_in(github, "github")

    connection = OAuthConnection.objects.get()
    assert connection.access_token.startswith("ghu_") and connection.refresh_token.startswith("ghr_")
    assert connection.access_token_expires_at and connection.refresh_token_expires_at
