"""Upstream's documented site through the move: first with its own classes, then with ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from oidc_login.models import OAuthConnection
from tests.mozilla.conftest import (
    ALICE,
    BOB,
    CALLBACK,
    Change,
    LegacyProvider,
    begin_after,
    sign_in_after,
    sign_in_before,
)
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.markup import Markup

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def hs256(legacy_op: LegacyProvider, documented: None, settings: Settings) -> None:
    """What upstream takes where a site says nothing of the algorithm."""
    legacy_op.signing_alg = "HS256"
    del settings.OIDC_RP_SIGN_ALGO, settings.OIDC_OP_JWKS_ENDPOINT


@pytest.fixture(params=["RS256", "HS256"])
def algorithm(request: pytest.FixtureRequest) -> str:
    if request.param == "HS256":
        request.getfixturevalue("hs256")
    return str(request.param)


def test_existing_user_is_found_and_connected(
    legacy_op: LegacyProvider,
    browser: Browser,
    before: Change,
    after: Change,
    witness: Witness,
    algorithm: str,
) -> None:
    before()
    assert sign_in_before(Browser(), legacy_op).status_code == 302
    user = get_user_model().objects.get()
    after()

    response = sign_in_after(browser, legacy_op)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert browser.user == user
    connection = OAuthConnection.objects.get()
    assert connection.user == user
    assert (connection.provider_key, connection.issuer) == ("oidc", legacy_op.issuer)
    assert (connection.provider_user_id, connection.link_reason) == (ALICE.sub, "verified_email")
    witness.assert_no_secrets(browser, response)


def test_page_of_the_site_works_as_it_is(
    legacy_op: LegacyProvider, browser: Browser, after: Change, algorithm: str
) -> None:
    """Its link leads to a page with one button: a link that signs in would be a login CSRF."""
    after()
    link = Markup(browser.get("/").content.decode()).links["Login"]
    assert link == "/oidc/authenticate/"

    offered = browser.get(link)
    form = Markup(offered.content.decode()).all("form")[0]
    begun = browser.post(form["action"])
    sent = dict(parse_qsl(urlsplit(begun["Location"]).query))
    assert sent["redirect_uri"] == CALLBACK, "the one that is registered"
    assert sent["scope"] == "openid email"
    browser.end(browser.authorize(legacy_op, begun, ALICE.sub))

    page = browser.get("/").content.decode()
    assert "Current user: alice@example.org" in page
    assert '<form action="/oidc/logout/" method="post">' in page
    signed_out = browser.post("/oidc/logout/")
    assert signed_out["Location"].startswith(legacy_op.metadata()["end_session_endpoint"])
    assert browser.user is None


def test_requests_to_the_provider_are_as_before(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after()

    sign_in_after(browser, legacy_op)

    posted = next(request for request in legacy_op.requests if request.endpoint == "token")
    assert "authorization" not in posted.headers
    assert posted.form["client_id"] == "the site"
    assert posted.form["redirect_uri"] == CALLBACK
    assert posted.form["code_verifier"], "and PKCE, which it need not know"


def test_next_is_honoured(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after()
    page = browser.get("/oidc/authenticate/?next=/failure/").content.decode()

    assert '<input type="hidden" name="next" value="/failure/">' in page
    assert sign_in_after(browser, legacy_op, next="/failure/")["Location"] == "/failure/"


def test_staff_are_connected_as_well(
    legacy_op: LegacyProvider, browser: Browser, before: Change, after: Change
) -> None:
    """Upstream has let them in by their address, and the site has relied on it."""
    before()
    sign_in_before(Browser(), legacy_op)
    get_user_model().objects.update(is_staff=True, is_superuser=True)
    after()

    assert sign_in_after(browser, legacy_op).status_code == 302
    assert OAuthConnection.objects.get().user.is_superuser


def test_address_that_the_provider_calls_unverified(
    legacy_op: LegacyProvider, browser: Browser, before: Change, after: Change
) -> None:
    """Stricter than before: only what the provider does not say is taken for granted."""
    before()
    sign_in_before(Browser(), legacy_op)
    legacy_op.states_verification = True
    after()

    assert sign_in_after(browser, legacy_op).status_code == 409
    assert browser.user is None


def test_new_person_signs_up(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after()

    sign_in_after(browser, legacy_op, BOB.sub)

    assert (browser.user.get_username(), browser.user.email) == ("bob", BOB.email)


def test_new_people_stay_out_where_the_site_says_so(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings
) -> None:
    settings.OIDC_CREATE_USER = False
    after()

    assert sign_in_after(browser, legacy_op, BOB.sub).status_code == 403
    assert not get_user_model().objects.exists()


def test_post_begins_a_sign_in_and_get_does_not(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after()

    assert browser.get("/oidc/authenticate/").status_code == 200
    assert not browser.flow_cookies
    assert begin_after(browser).status_code == 302
    assert Client(enforce_csrf_checks=True).post("/oidc/authenticate/").status_code == 403
    assert browser.post("/oidc/authenticate/")["Location"].startswith(legacy_op.authorization_endpoint)


@pytest.mark.parametrize("failure_url", ["/failure/", "failure"])
def test_failure_url(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings, failure_url: str
) -> None:
    settings.LOGIN_REDIRECT_URL_FAILURE = failure_url
    settings.OIDC_CREATE_USER = False
    after()

    assert sign_in_after(browser, legacy_op, None)["Location"] == "/failure/"
    refused: Any = sign_in_after(browser, legacy_op, BOB.sub)
    assert (refused.status_code, refused["Location"]) == (302, "/failure/")
    browser.begun.clear()
    assert browser.get("/oidc/callback/?code=x&state=y").status_code == 400, "as upstream has it"


def test_person_who_cancels_without_a_failure_url(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after()

    assert sign_in_after(browser, legacy_op, None)["Location"] == "/oidc/"


def test_login_url_of_the_site(legacy_op: LegacyProvider, browser: Browser, after: Change) -> None:
    after()

    response = browser.get("/oidc/connections/")

    assert response["Location"] == "/oidc/authenticate/?next=/oidc/connections/"
    assert browser.get(response["Location"]).status_code == 200


@pytest.mark.parametrize("method", ["post", "get"])
def test_callback_without_a_flow_of_this_browser(
    legacy_op: LegacyProvider, browser: Browser, after: Change, method: str
) -> None:
    after()
    answer = browser.authorize(legacy_op, begin_after(browser), ALICE.sub)
    legacy_op.clear()

    response = getattr(Client(), method)(answer.url.removeprefix("http://testserver"))

    assert response.status_code == (400 if method == "get" else 405)
    assert legacy_op.asked() == []


def test_connecting_and_stepping_up_end_at_the_registered_address(
    legacy_op: LegacyProvider, browser: Browser, after: Change
) -> None:
    after()
    sign_in_after(browser, legacy_op)

    begun = browser.begin("oidc", view="connect")

    sent = dict(parse_qsl(urlsplit(begun["Location"]).query))
    assert sent["redirect_uri"] == CALLBACK
    assert browser.end(browser.authorize(legacy_op, begun, ALICE.sub)).status_code == 302


def test_site_without_upstreams_settings(browser: Browser, settings: Settings) -> None:
    """After the last step: the names still lead somewhere, since templates may still have them."""
    settings.ROOT_URLCONF = "tests.mozilla.urls_after"
    settings.LOGOUT_REDIRECT_URL = "/"

    assert browser.get("/oidc/authenticate/?next=/failure/")["Location"] == "/oidc/?next=%2Ffailure%2F"
    assert browser.get("/oidc/authenticate/?next=//evil.example/")["Location"] == "/oidc/"
    assert browser.get("/oidc/callback/?code=x&state=y").status_code in (400, 404)
    assert Client().post("/oidc/logout/")["Location"] == "/"


# Signing out.


def logout_url(request: Any) -> str:
    return f"https://login.example/logout?user={request.user.get_username()}"


def failing_logout_url(request: Any) -> str:
    raise RuntimeError("the directory is away")


def test_function_of_the_site_says_where_the_session_ends(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings
) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = f"{__name__}.logout_url"
    after()
    sign_in_after(browser, legacy_op)

    response = browser.post("/oidc/logout/")

    assert response["Location"] == "https://login.example/logout?user=alice"
    assert browser.user is None
    assert browser.post("/oidc/logout/")["Location"] == "/", "nobody is signed in any more"


def test_function_is_asked_for_everybody_who_is_signed_in(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings
) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = f"{__name__}.logout_url"
    after()
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "django.contrib.auth.backends.ModelBackend"]
    browser.log_in(get_user_model().objects.create_user("by-password"))

    assert browser.post("/oidc/logout/")["Location"] == "https://login.example/logout?user=by-password"
    assert browser.user is None


def test_function_of_the_site_that_fails(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings
) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = f"{__name__}.failing_logout_url"
    after()
    sign_in_after(browser, legacy_op)

    assert browser.post("/oidc/logout/")["Location"] == "/"
    assert browser.user is None


def test_sign_out_by_get_is_a_page(
    legacy_op: LegacyProvider, browser: Browser, after: Change, settings: Settings
) -> None:
    settings.ALLOW_LOGOUT_GET_METHOD = True
    after()
    sign_in_after(browser, legacy_op)

    assert browser.get("/oidc/logout/").status_code == 200
    assert browser.user is not None
