"""mozilla-django-oidc's own middleware, unmodified, in front of sessions of ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer
from tests.mozilla.conftest import ALICE, BOB, CALLBACK, Change, LegacyProvider, sign_in_after
from tests.support.browser import Browser
from tests.support.invariant import Witness

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

XHR = {"x-requested-with": "XMLHttpRequest"}


@pytest.fixture(autouse=True)
def site(after: Change, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "mozilla_django_oidc.middleware.SessionRefresh"]
    after()


@pytest.fixture(params=[False, True], ids=["without PKCE", "with PKCE"])
def pkce(request: pytest.FixtureRequest, settings: Settings) -> bool:
    settings.OIDC_USE_PKCE = request.param
    return bool(request.param)


def signed_in(browser: Browser, op: LegacyProvider) -> Browser:
    sign_in_after(browser, op)
    expire(browser)
    op.clear()
    return browser


def expire(browser: Browser) -> None:
    session = browser.session
    session["oidc_id_token_expiration"] = time.time() - 10
    session.save()


def sent_away(browser: Browser, url: str = "/failure/?a=1") -> Any:
    response = browser.get(url)
    assert response.status_code == 302
    browser.begun.append(dict(parse_qsl(urlsplit(response["Location"]).query)))
    assert browser.begun[-1]["prompt"] == "none"
    return response


def is_fresh(browser: Browser) -> bool:
    return bool(browser.session["oidc_id_token_expiration"] > time.time())


def test_fresh_sign_in_is_left_alone(legacy_op: LegacyProvider, browser: Browser) -> None:
    sign_in_after(browser, legacy_op)

    assert browser.get("/failure/").status_code == 200


def test_there_and_back(legacy_op: LegacyProvider, browser: Browser, witness: Witness, pkce: bool) -> None:
    signed_in(browser, legacy_op)
    key, user = browser.session_key, browser.user
    begun = sent_away(browser)
    assert browser.begun[-1]["redirect_uri"] == CALLBACK
    assert ("code_challenge" in browser.begun[-1]) is pkce

    response = browser.end(browser.authorize(legacy_op, begun, ALICE.sub))

    assert (response.status_code, response["Location"]) == (302, "/failure/?a=1")
    assert is_fresh(browser)
    assert (browser.session_key, browser.user) == (key, user)
    posted = next(request for request in legacy_op.requests if request.endpoint == "token")
    assert ("code_verifier" in posted.form) is pkce
    assert browser.session["oidc_states"] == {}
    assert browser.get("/failure/").status_code == 200
    witness.assert_no_secrets(browser, response)


def test_script_follows_the_address_that_it_is_told(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    told = browser.get("/failure/", headers=XHR)
    assert told.status_code == 403

    answer = legacy_op.authorization_answer(told.json()["refresh_url"], ALICE.sub)

    assert browser.end(answer).status_code == 302
    assert is_fresh(browser)


def test_login_required_ends_the_session_and_makes_no_circle(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)

    response = browser.end(browser.authorize(legacy_op, sent_away(browser), None))

    assert (response.status_code, response["Location"]) == (302, "/oidc/?next=%2Ffailure%2F%3Fa%3D1")
    assert browser.user is None
    assert browser.get("/failure/").status_code == 200
    assert browser.get(response["Location"]).status_code == 200


def test_another_person_ends_the_session(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)

    browser.end(browser.authorize(legacy_op, sent_away(browser), BOB.sub))

    assert browser.user is None
    assert get_user_model().objects.count() == 1, "upstream would have signed the other one in"
    assert OAuthConnection.objects.count() == 1


def test_fault_leaves_the_session(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    legacy_op.bend("token", lambda good: Answer(status=500))

    response = browser.end(browser.authorize(legacy_op, sent_away(browser), ALICE.sub))

    assert response["Location"] == "/failure/?a=1"
    assert browser.user is not None


def test_answer_counts_once(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    answer = browser.authorize(legacy_op, sent_away(browser), ALICE.sub)
    browser.end(answer)
    legacy_op.clear()

    browser.end(answer)

    assert legacy_op.asked() == []
    expire(browser)
    session: Any = browser.session
    session["oidc_states"] = {answer["state"]: {"nonce": "n", "code_verifier": None, "added_on": time.time()}}
    session.save()
    browser.end(answer)
    assert legacy_op.asked() == [], "nor where the session has it again"


def test_entry_is_used_up_before_the_token_request(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    legacy_op.bend("token", lambda good: Answer(status=500))
    answer = browser.authorize(legacy_op, sent_away(browser), ALICE.sub)
    browser.end(answer)
    legacy_op.mend()
    legacy_op.clear()

    response = browser.end(answer)

    assert response.status_code == 400
    assert legacy_op.asked() == []
    assert browser.session["oidc_states"] == {}


def test_other_tabs_keep_theirs(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    first, second = sent_away(browser), sent_away(browser, "/failure/?b=2")

    browser.end(browser.authorize(legacy_op, second, ALICE.sub))
    expire(browser)
    browser.end(browser.authorize(legacy_op, first, ALICE.sub))

    assert is_fresh(browser)


def test_answer_in_another_browser(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    answer = browser.authorize(legacy_op, sent_away(browser), ALICE.sub)
    victim = Browser()
    sign_in_after(victim, legacy_op, BOB.sub)

    response = victim.end(answer)

    assert response.status_code == 400
    assert victim.user.email == BOB.email


def test_answer_after_ten_minutes(legacy_op: LegacyProvider, browser: Browser, later: Callable[[float], None]) -> None:
    signed_in(browser, legacy_op)
    answer = browser.authorize(legacy_op, sent_away(browser), ALICE.sub)
    legacy_op.clear()

    later(601)
    response = browser.end(answer)

    assert response.status_code == 400
    assert legacy_op.asked() == []


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "text",
        {},
        {"nonce": None, "code_verifier": None, "added_on": 9e9},
        {"nonce": "", "code_verifier": None, "added_on": 9e9},
        {"nonce": 5, "code_verifier": None, "added_on": 9e9},
        {"nonce": "n", "code_verifier": None, "added_on": None},
    ],
)
def test_entry_that_protects_nothing(legacy_op: LegacyProvider, browser: Browser, entry: Any) -> None:
    """Without a nonce, as with OIDC_USE_NONCE = False, nothing ties the ID token to this browser."""
    signed_in(browser, legacy_op)
    session: Any = browser.session
    session["oidc_states"] = {"a state": entry}
    session.save()
    legacy_op.clear()

    response = browser.get("/oidc/callback/?code=x&state=a+state")

    assert response.status_code == 400
    assert legacy_op.asked() == []
    assert browser.user is not None


@pytest.mark.parametrize("states", [None, [], "text"])
def test_states_that_are_none(legacy_op: LegacyProvider, browser: Browser, states: Any) -> None:
    signed_in(browser, legacy_op)
    session: Any = browser.session
    session["oidc_states"] = states
    session.save()

    assert browser.get("/oidc/callback/?code=x&state=y").status_code == 400


def test_sign_in_that_began_by_get_signs_nobody_in(
    legacy_op: LegacyProvider, browser: Browser, settings: Settings
) -> None:
    """Upstream's own page of that kind, were a site to keep it beside ours: that would be a login CSRF."""
    settings.ROOT_URLCONF = "tests.mozilla.urls_both"
    begun = browser.get("/old/authenticate/")
    assert begun.status_code == 302
    sent = dict(parse_qsl(urlsplit(begun["Location"]).query))
    assert sent["redirect_uri"] == CALLBACK

    response = browser.end(browser.authorize(legacy_op, begun, ALICE.sub))

    assert response.status_code == 400
    assert browser.user is None


def test_session_of_somebody_who_signed_out_meanwhile(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)
    answer = browser.authorize(legacy_op, sent_away(browser), ALICE.sub)
    browser.post("/oidc/logout/")

    assert browser.end(answer).status_code == 400
    assert browser.user is None


@pytest.mark.parametrize("engine", ["cached_db", "cache", "signed_cookies"])
def test_session_engines(legacy_op: LegacyProvider, browser: Browser, settings: Settings, engine: str) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    sign_in_after(browser, legacy_op)
    session: Any = browser.session
    session["oidc_id_token_expiration"] = time.time() - 10
    session.save()
    browser.jar["sessionid"].set("sessionid", session.session_key, session.session_key)

    response = browser.end(browser.authorize(legacy_op, sent_away(browser), ALICE.sub))

    assert response["Location"] == "/failure/?a=1"
    assert is_fresh(browser)
    assert browser.get("/failure/").status_code == 200


def test_urls_of_the_middleware_are_exempt(legacy_op: LegacyProvider, browser: Browser) -> None:
    signed_in(browser, legacy_op)

    assert browser.get("/oidc/authenticate/").status_code == 200
    assert browser.get("/oidc/logout/").status_code == 200


def test_entry_of_the_site_may_describe_the_provider(
    legacy_op: LegacyProvider, browser: Browser, settings: Settings
) -> None:
    """The middleware reads upstream's settings; the provider may have got an entry of its own by now."""
    settings.OIDC_LOGIN_PROVIDERS = {
        "company": {
            "issuer": legacy_op.issuer,
            "client_id": legacy_op.client_id,
            "client_secret": legacy_op.client_secret,
            "token_endpoint_auth_method": "client_secret_post",
        }
    }
    legacy_op.redirect_uris = [CALLBACK, "http://testserver/oidc/company/callback/"]
    browser.get("/oidc/authenticate/")
    browser.end(browser.authorize(legacy_op, browser.begin("company"), ALICE.sub))
    expire(browser)

    response = browser.end(browser.authorize(legacy_op, sent_away(browser), ALICE.sub))

    assert response["Location"] == "/failure/?a=1"
    assert is_fresh(browser)
