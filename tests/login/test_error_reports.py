"""What operators see when the site itself fails in the middle of a sign-in: mails, debug pages, logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import ProgrammingError

from oidc_login.models import OAuthConnection
from oidc_login.testing import GitHubStyleProvider, OAuth1StyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.databases import TABLE, failing
from tests.support.invariant import Witness
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

# Where the database gives up: the beginning of a statement, and the table.
PLACES = [
    ("SELECT", "oidc_login_oauthconnection"),
    ("SELECT", "auth_user"),
    ("INSERT", "auth_user"),
    ("INSERT", "oidc_login_oauthconnection"),
]


def mailed() -> str:
    """Everything that went out by mail, the HTML parts included."""
    return "".join(str(sent.message()) + repr(vars(sent)) for sent in mail.outbox)


def assert_tells_no_secret(witness: Witness, browser: Browser, text: str) -> None:
    assert [secret for secret in witness.secrets(browser) if secret in text] == []


def a_whole_flow(browser: Browser, op: Any, key: str) -> Any:
    """The answer comes with what servers put beside the query."""
    answer = browser.authorize(op, browser.begin(key))
    browser.client.defaults |= {"REQUEST_URI": answer.url, "RAW_URI": answer.url}
    return answer


@pytest.mark.parametrize(("verb", "table"), PLACES)
@pytest.mark.parametrize("key", ["op", "github", "photos"])
def test_mail_to_admins(
    op: OpenIDProvider,
    github: GitHubStyleProvider,
    photos: OAuth1StyleProvider,
    browser: Browser,
    witness: Witness,
    mails_to_admins: None,
    verb: str,
    table: str,
    key: str,
) -> None:
    answer = a_whole_flow(browser, {"op": op, "github": github, "photos": photos}[key], key)

    with failing(table, verb=verb, error=ProgrammingError):
        response = browser.end(answer)

    assert response.status_code == 500
    assert "the database has had enough" in mailed()
    assert_tells_no_secret(witness, browser, mailed())
    witness.assert_no_secrets(browser, response)
    assert not get_user_model().objects.exists()
    assert not OAuthConnection.objects.exists()


@pytest.mark.parametrize(("verb", "table"), PLACES)
@pytest.mark.parametrize("key", ["op", "github", "photos"])
def test_debug_page(
    op: OpenIDProvider,
    github: GitHubStyleProvider,
    photos: OAuth1StyleProvider,
    browser: Browser,
    settings: Settings,
    witness: Witness,
    verb: str,
    table: str,
    key: str,
) -> None:
    settings.DEBUG = True
    answer = a_whole_flow(browser, {"op": op, "github": github, "photos": photos}[key], key)

    with failing(table, verb=verb, error=ProgrammingError):
        response = browser.end(answer)

    assert response.status_code == 500
    page = response.content.decode()
    assert "the database has had enough" in page
    assert_tells_no_secret(witness, browser, page)


def test_debug_page_of_a_posted_answer(
    op: OpenIDProvider, settings: Settings, witness: Witness, browser: Browser
) -> None:
    settings.DEBUG = True
    configure(settings, "op", response_mode="form_post")
    settings.SESSION_COOKIE_SAMESITE = "None"
    settings.SESSION_COOKIE_SECURE = True
    browser.https = True
    browser.log_in(get_user_model().objects.create_user("somebody"))
    answer = browser.authorize(op, browser.begin())

    with failing(TABLE, verb="INSERT", error=ProgrammingError):
        response = browser.end(answer)

    assert response.status_code == 500
    assert_tells_no_secret(witness, browser, response.content.decode())


def test_mail_about_a_provider_that_fails(
    op: OpenIDProvider, browser: Browser, witness: Witness, mails_to_admins: None
) -> None:
    """An ERROR record of the package's own."""
    op.bend("id_token", lambda token: token.signed()[:-4] + "AAAA")
    answer = a_whole_flow(browser, op, "op")

    assert browser.end(answer).status_code == 502

    assert "id_token_invalid" in mailed()
    assert_tells_no_secret(witness, browser, mailed())
