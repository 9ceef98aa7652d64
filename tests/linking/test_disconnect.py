"""Removing one of one's own connections, never the last way in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login.exceptions import LastLoginMethod
from oidc_login.models import OAuthConnection
from oidc_login.providers import OAuthProvider, OAuthToken
from oidc_login.testing import Answer, GitHubStyleProvider, OpenIDProvider
from tests.linking.conftest import Commits
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.served import ALICE, BOB, configure
from tests.support.signals import Heard

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db

OUR_BACKEND = "oidc_login.backends.OIDCLoginBackend"


def disconnect(browser: Browser, key: str = "op", subject: str = ALICE.sub, **data: str) -> Any:
    return browser.post(f"/oauth/{key}/disconnect/", {"provider_user_id": subject, **data})


@pytest.fixture
def alice(op: OpenIDProvider, signed_in: Browser) -> Browser:
    """Somebody with a password and one connection; what the provider was asked for it is forgotten."""
    signed_in.connect(op)
    op.clear()
    return signed_in


@pytest.fixture
def without_password(op: OpenIDProvider, browser: Browser) -> Browser:
    """Somebody who signed up at the provider and has no other way in."""
    browser.sign_in(op)
    op.clear()
    return browser


# What it does.


def test_connection_is_gone_and_the_person_still_signed_in(alice: Browser, user: User) -> None:
    response = disconnect(alice)

    assert (response.status_code, response["Location"]) == (302, "/oauth/connections/")
    assert not OAuthConnection.objects.exists()
    assert alice.user == user
    assert "has been disconnected" in alice.get("/oauth/connections/").content.decode()


def test_next_is_followed_on_this_site_alone(op: OpenIDProvider, alice: Browser) -> None:
    assert disconnect(alice, next="/settings/")["Location"] == "/settings/"

    alice.connect(op)
    assert disconnect(alice, next="https://evil.example/")["Location"] == "/oauth/connections/"


def test_tokens_are_taken_back_at_the_provider(op: OpenIDProvider, alice: Browser) -> None:
    token = OAuthConnection.objects.get().access_token
    refresh_token = OAuthConnection.objects.get().refresh_token

    disconnect(alice)

    (request,) = [request for request in op.requests if request.endpoint == "revocation"]
    expected = refresh_token or token
    assert request.form["token"] == expected
    assert op.grants.of_access_token(token) is None


@pytest.mark.parametrize("trouble", ["refused", "broken", "down"])
def test_provider_that_fails_does_not_keep_the_connection(
    op: OpenIDProvider,
    alice: Browser,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
    witness: Witness,
) -> None:
    op.bend("revocation", lambda _: Answer(status=400 if trouble == "refused" else 500, body=b"<oops>"))
    if trouble == "down":
        configure(settings, "op", metadata={"revocation_endpoint": "http://127.0.0.1:9/revoke"})

    assert disconnect(alice).status_code == 302

    assert not OAuthConnection.objects.exists()
    (record,) = [record for record in caplog.records if "revocation failed" in record.message]
    assert (record.levelname, vars(record)["provider"]) == ("WARNING", "op")
    witness.assert_no_secrets(alice)


class ClumsyProvider(OAuthProvider):
    """A site's own class that stumbles over an answer."""

    authorization_url = "https://op.example/authorize"

    def revoke_oauth_token(self, *, oauth_token: OAuthToken) -> None:
        raise KeyError(oauth_token.access_token)


def test_clumsy_provider_class_is_no_error(
    signed_in: Browser, user: User, settings: Settings, op: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, "own", **{"class": f"{__name__}.ClumsyProvider", "client_id": "x"})
    make(user, provider_key="own", provider_user_id="1", access_token="an access token")

    assert disconnect(signed_in, "own", "1").status_code == 302

    assert not OAuthConnection.objects.exists()
    assert "an access token" not in caplog.text


def test_tokens_that_cannot_be_read_any_more_keep_nothing(
    op: OpenIDProvider, alice: Browser, settings: Settings
) -> None:
    settings.OIDC_LOGIN_TOKEN_KEYS = ["a key that came later, " * 3]

    assert disconnect(alice).status_code == 302

    assert not OAuthConnection.objects.exists()
    assert op.requests == []


def test_provider_without_tokens_is_not_asked(op: OpenIDProvider, alice: Browser, user: User) -> None:
    make(user, provider_key="op", issuer=op.issuer, provider_user_id="without")

    disconnect(alice, subject="without")

    assert op.requests == []


def test_site_hears_of_it_after_the_commit(
    alice: Browser, user: User, heard: Heard, caplog: pytest.LogCaptureFixture, committing: Commits
) -> None:
    key = OAuthConnection.objects.get().pk

    with committing():
        disconnect(alice)
        assert heard == []

    ((name, told),) = heard
    assert (name, told["provider"], told["reason"]) == ("connection_removed", "op", "disconnected by the person")
    assert (told["sender"], told["connection"].pk, told["connection"].user) == (OAuthConnection, key, user)
    (record,) = [record for record in caplog.records if getattr(record, "reason", "") == "disconnected by the person"]
    assert (vars(record)["provider"], vars(record)["connection"]) == ("op", key)


def test_connecting_again_makes_a_new_connection(op: OpenIDProvider, alice: Browser, user: User) -> None:
    old = OAuthConnection.objects.get().pk
    disconnect(alice)

    alice.connect(op)

    connection = OAuthConnection.objects.get()
    assert (connection.user, connection.link_reason, connection.pk == old) == (user, "connected", False)


def test_disconnected_identity_is_a_stranger(op: OpenIDProvider, alice: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_EMAIL_LINKING = "never"
    disconnect(alice)

    assert Browser().sign_in(op).status_code == 409


# Whose it is.


@pytest.mark.parametrize("subject", ["", "unknown", "nul\0", "x" * 5000, ALICE.sub.upper()], ids=range(5))
def test_identity_that_is_not_there(alice: Browser, subject: str) -> None:
    assert disconnect(alice, subject=subject).status_code == 404
    assert OAuthConnection.objects.exists()


@pytest.mark.parametrize("key", ["github", "unknown"])
def test_identity_of_another_provider(alice: Browser, key: str) -> None:
    assert disconnect(alice, key).status_code == 404
    assert OAuthConnection.objects.exists()


def test_identity_under_another_issuer(op: OpenIDProvider, alice: Browser) -> None:
    assert disconnect(alice, issuer="https://other.example").status_code == 404
    assert disconnect(alice, issuer=op.issuer).status_code == 302


def test_connection_of_somebody_else(op: OpenIDProvider, alice: Browser, heard: Heard, committing: Commits) -> None:
    another = Browser()
    another.log_in(get_user_model().objects.create_user("another", password="password"))

    with committing():
        assert disconnect(another).status_code == 404

    assert OAuthConnection.objects.exists()
    assert (op.requests, heard) == ([], [])


def test_nobody(op: OpenIDProvider, alice: Browser) -> None:
    response = disconnect(Browser())

    assert (response.status_code, response["Location"]) == (302, "/oauth/?next=/oauth/connections/")
    assert OAuthConnection.objects.exists()


def test_get_removes_nothing(alice: Browser) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert alice.request(method, f"/oauth/op/disconnect/?provider_user_id={ALICE.sub}").status_code in (403, 405)
    assert alice.get(f"/oauth/op/disconnect/?provider_user_id={ALICE.sub}").status_code == 405
    assert OAuthConnection.objects.exists()


def test_form_of_another_site_removes_nothing(alice: Browser) -> None:
    response = alice.request("POST", "/oauth/op/disconnect/", {"provider_user_id": ALICE.sub})

    assert response.status_code == 403
    assert OAuthConnection.objects.exists()


# Sessions.


def test_the_sessions_of_the_identity_end_and_no_others(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    """Whoever had got an identity of theirs into the account is out of it."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oidc_login.middleware.SessionLogout"]
    browser.sign_in(op)
    browser.connect(op, user="bob")
    same, other = Browser(), Browser()
    same.sign_in(op)
    other.sign_in(op, user="bob")
    assert other.get("/").content == b"alice"

    disconnect(browser, subject=BOB.sub)

    assert other.get("/").content == b""
    assert [one.get("/").content for one in (browser, same)] == [b"alice"] * 2


def test_the_session_that_removes_its_own_identity_goes_on(op: OpenIDProvider, alice: Browser) -> None:
    alice.sign_in(op)
    elsewhere = Browser()
    elsewhere.sign_in(op)

    disconnect(alice)

    assert alice.get("/").content != b""
    assert elsewhere.get("/").content == b""


def test_an_identity_that_the_site_removes_ends_its_sessions(op: OpenIDProvider, browser: Browser) -> None:
    """In the admin, or in its own code."""
    browser.sign_in(op)

    OAuthConnection.objects.all().delete()

    assert browser.get("/").content == b""


# The last way in.


def test_last_way_in_stays(
    op: OpenIDProvider, without_password: Browser, assert_nothing_changed: NothingChanged
) -> None:
    with assert_nothing_changed(without_password) as failure:
        failure.response = disconnect(without_password)

    assert failure.seen == (403, "last_login_method")
    assert failure.errors[0].reason == "refused: the last login method"
    assert op.requests == []
    page = failure.response.content.decode()
    assert 'href="/oauth/connections/"' in page
    assert 'href="/oauth/op/login/"' not in page


def test_one_of_two_goes_and_the_other_stays(
    op: OpenIDProvider, github: GitHubStyleProvider, without_password: Browser
) -> None:
    without_password.connect(github, "github")

    assert disconnect(without_password).status_code == 302
    left = OAuthConnection.objects.get()
    assert disconnect(without_password, "github", left.provider_user_id).status_code == 403


def test_second_identity_of_one_provider_is_a_way_in(op: OpenIDProvider, without_password: Browser) -> None:
    without_password.connect(op, user="bob")

    assert disconnect(without_password).status_code == 302


def test_provider_that_was_removed_is_no_way_in(op: OpenIDProvider, without_password: Browser) -> None:
    make(without_password.user, provider_key="gone", provider_user_id="1")

    assert disconnect(without_password).status_code == 403
    assert disconnect(without_password, "gone", "1").status_code == 302
    assert OAuthConnection.objects.get().provider_key == "op"


def test_last_connection_stays_also_at_a_provider_that_was_removed(browser: Browser, op: OpenIDProvider) -> None:
    user = get_user_model().objects.create_user("somebody")
    make(user, provider_key="gone", provider_user_id="1")
    browser.log_in(user)

    assert disconnect(browser, "gone", "1").status_code == 403


def test_connection_of_somebody_else_is_no_way_in(op: OpenIDProvider, without_password: Browser) -> None:
    other = get_user_model().objects.create_user("another")
    make(other, provider_key="op", issuer=op.issuer, provider_user_id="another")

    assert disconnect(without_password).status_code == 403


def test_password_is_a_way_in(alice: Browser) -> None:
    assert disconnect(alice).status_code == 302


def test_password_that_no_backend_takes_is_none(op: OpenIDProvider, alice: Browser, settings: Settings) -> None:
    """Many sites that came from passwords keep them in the database."""
    settings.AUTHENTICATION_BACKENDS = [OUR_BACKEND]
    browser = Browser()
    browser.sign_in(op)

    assert disconnect(browser).status_code == 403


def test_password_that_was_taken_away_a_moment_ago_is_none(op: OpenIDProvider, alice: Browser, user: User) -> None:
    """What decides is read behind the lock, not with the request."""
    connection = OAuthConnection.objects.select_related("user").get()
    user.set_unusable_password()
    user.save()
    assert connection.user.has_usable_password()

    with pytest.raises(LastLoginMethod):
        connection.disconnect()

    assert OAuthConnection.objects.exists()


def make(user: Any, **fields: Any) -> OAuthConnection:
    connection: OAuthConnection = OAuthConnection.objects.create(user=user, link_reason="connected", **fields)
    return connection


def test_nul_never_reaches_the_database(alice: Browser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """PostgreSQL takes none, and says so by an error."""
    with django_assert_num_queries(2) as queries:  # the session and its user
        disconnect(alice, subject="nul\0")

    assert OAuthConnection._meta.db_table not in "".join(query["sql"] for query in queries.captured_queries)
