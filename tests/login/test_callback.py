"""Ending: which answers are taken, once, from whom, and what every failure looks like."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from oidc_login.flow.pending import state_hash
from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, AuthorizationAnswer, GitHubStyleProvider, OpenIDProvider, serve
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged, Witness
from tests.support.markup import Markup
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Change = Callable[[AuthorizationAnswer], AuthorizationAnswer]
EVIL_TEXT = "<b>h3llo</b>\u202e" + "x" * 3000


@pytest.fixture(params=["anonymous", "signed in"])
def visitor(request: pytest.FixtureRequest, browser: Browser) -> Browser:
    """Whoever is signed in stays so, with the same session."""
    if request.param == "signed in":
        browser.log_in(get_user_model().objects.create_user("somebody"))
    return browser


# What the browser brings back.


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param(lambda a: a.without("code"), 400, "parameter_invalid", id="neither code nor error"),
        pytest.param(lambda a: a.with_(code=""), 400, "parameter_invalid", id="empty code"),
        pytest.param(lambda a: a.and_also("code", "other-code"), 400, "parameter_invalid", id="code twice"),
        pytest.param(lambda a: a.and_also("code", a["code"]), 400, "parameter_invalid", id="same code twice"),
        pytest.param(lambda a: a.and_also("iss", a["iss"]), 400, "parameter_invalid", id="iss twice"),
        pytest.param(lambda a: a.with_(code="a\x00b"), 400, "parameter_invalid", id="NUL in code"),
        pytest.param(lambda a: a.with_(code="a\nb"), 400, "parameter_invalid", id="line break in code"),
        pytest.param(lambda a: a.with_(code="\u00e9"), 400, "parameter_invalid", id="code not ASCII"),
        pytest.param(lambda a: a.with_(code="c" * 8193), 400, "parameter_invalid", id="oversized code"),
        pytest.param(lambda a: a.with_(error="access_denied"), 400, "parameter_invalid", id="code and error"),
        pytest.param(lambda a: a.with_(iss="https://evil.example"), 400, "iss_mismatch", id="other iss"),
        pytest.param(lambda a: a.with_(iss=a["iss"] + "/"), 400, "iss_mismatch", id="iss with a slash"),
        pytest.param(lambda a: a.with_(iss=a["iss"].upper()), 400, "iss_mismatch", id="iss in capitals"),
        pytest.param(lambda a: a.with_(iss=""), 400, "iss_mismatch", id="empty iss"),
        pytest.param(lambda a: a.without("iss"), 400, "iss_mismatch", id="promised iss is missing"),
        pytest.param(lambda a: a.with_(code="unknown"), 400, "code_refused", id="code of nobody"),
    ],
)
def test_answer_that_is_not_good(
    op: OpenIDProvider,
    visitor: Browser,
    assert_nothing_changed: NothingChanged,
    change: Change,
    status: int,
    code: str,
) -> None:
    answer = visitor.authorize(op, visitor.begin(next="/next/"))
    op.clear()

    with assert_nothing_changed(visitor) as failure:
        failure.response = visitor.end(change(answer))

    assert failure.seen == (status, code)
    assert op.asked() == (["token"] if code == "code_refused" else [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda a: a.without("state"), "state_missing", id="no state"),
        pytest.param(lambda a: a.with_(state=""), "state_missing", id="empty state"),
        pytest.param(lambda a: a.with_(state="guessed"), "state_unknown", id="guessed state"),
        pytest.param(lambda a: a.with_(state="\x00"), "state_unknown", id="NUL as state"),
        pytest.param(lambda a: a.with_(state="s" * 9000), "state_unknown", id="oversized state"),
        pytest.param(lambda a: a.and_also("state", "other"), "parameter_invalid", id="state twice"),
        pytest.param(lambda a: a.and_also("state", a["state"]), "parameter_invalid", id="same state twice"),
        pytest.param(
            lambda a: a.without("state", "code").with_(error="access_denied"), "state_missing", id="error, no state"
        ),
        pytest.param(
            lambda a: a.without("code").with_(error="access_denied", state="x"), "state_unknown", id="error, bad state"
        ),
    ],
)
def test_answer_that_names_no_flow(
    op: OpenIDProvider, visitor: Browser, assert_nothing_changed: NothingChanged, change: Change, code: str
) -> None:
    """The flow that waits is not touched, and still ends well."""
    good = visitor.authorize(op, visitor.begin())
    op.clear()

    with assert_nothing_changed(visitor, uses_flow=False) as failure:
        failure.response = visitor.end(change(good))

    assert failure.seen == (400, code)
    assert op.asked() == []
    assert visitor.end(good).status_code == 302


def test_state_with_bytes_that_are_no_text(op: OpenIDProvider, browser: Browser) -> None:
    assert browser.get("/oauth/op/callback/?state=%ff%fe&code=c").status_code == 400


def test_unknown_parameters_are_ignored(op: OpenIDProvider, browser: Browser) -> None:
    """RFC 6749 4.1.2; Google and Entra send their own."""
    answer = browser.authorize(op, browser.begin())

    response = browser.end(answer.with_(scope="x", session_state="y", answer="z").and_also("authuser", "0"))

    assert response.status_code == 302
    assert browser.user is not None


def test_missing_iss_is_accepted_where_it_is_not_promised(op: OpenIDProvider, browser: Browser) -> None:
    with op.bend("discovery", _without("authorization_response_iss_parameter_supported")):
        response = browser.end(browser.authorize(op, browser.begin()).without("iss"))

    assert response.status_code == 302


def test_wrong_iss_is_refused_also_where_none_is_promised(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    with op.bend("discovery", _without("authorization_response_iss_parameter_supported")):
        answer = browser.authorize(op, browser.begin())
        with assert_nothing_changed(browser) as failure:
            failure.response = browser.end(answer.with_(iss="https://evil.example"))

    assert failure.seen == (400, "iss_mismatch")


def _without(*names: str) -> Callable[[Answer], Answer]:
    def change(answer: Answer) -> Answer:
        answer.json = {name: value for name, value in answer.json.items() if name not in names}
        return answer

    return change


# Errors of the provider.


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("temporarily_unavailable", 503, "provider_unavailable"),
        ("server_error", 503, "provider_unavailable"),
        ("invalid_request", 400, "provider_error"),
        ("unauthorized_client", 400, "provider_error"),
        ("invalid_scope", 400, "provider_error"),
        ("unsupported_response_type", 400, "provider_error"),
        ("account_selection_required", 400, "provider_error"),
        ("<script>alert(1)</script>", 400, "provider_error"),
        ("h3llo\nERROR forged record", 400, "provider_error"),
        ("e" * 9000, 400, "parameter_invalid"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_error_response(
    op: OpenIDProvider,
    visitor: Browser,
    assert_nothing_changed: NothingChanged,
    caplog: pytest.LogCaptureFixture,
    error: str,
    status: int,
    code: str,
) -> None:
    answer = visitor.authorize(op, visitor.begin(next="/next/")).without("code")
    answer = answer.with_(error=error, error_description=EVIL_TEXT, error_uri="https://evil.example/h3llo")

    with assert_nothing_changed(visitor) as failure:
        failure.response = visitor.end(answer)

    assert failure.seen == (status, code)
    page = failure.response.content.decode()
    assert "h3llo" not in page and "evil.example" not in page and "<script" not in page
    assert "h3llo" not in caplog.text and "forged record" not in caplog.text
    assert ("Retry-After" in failure.response) is (status == 503)


@pytest.mark.parametrize("error", ["access_denied", "login_required", "interaction_required", "consent_required"])
def test_person_who_cancelled_chooses_again(
    op: OpenIDProvider, visitor: Browser, assert_nothing_changed: NothingChanged, error: str
) -> None:
    answer = visitor.authorize(op, visitor.begin(next="/next/?a=1"), user=None).with_(error=error)

    with assert_nothing_changed(visitor) as failure:
        failure.response = visitor.end(answer)

    assert failure.seen == (302, "cancelled")
    assert failure.response["Location"] == "/oauth/?next=%2Fnext%2F%3Fa%3D1"
    page = visitor.get(failure.response["Location"])
    assert "You did not sign in." in page.content.decode()
    assert 'value="/next/?a=1"' in page.content.decode()


def test_cancelling_works_without_the_messages_app(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "messages" not in name]

    response = browser.sign_in(op, user=None)

    assert (response.status_code, response["Location"]) == (302, "/oauth/")


# Once, by one browser, at one provider.


def test_flow_is_used_once(op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged) -> None:
    answer = browser.authorize(op, browser.begin())
    kept = dict(browser.jar)
    browser.end(answer)
    thief = Browser()
    thief.jar, thief.begun = {name: kept[name] for name in kept if "flow" in name}, browser.begun
    op.clear()

    with assert_nothing_changed(thief) as failure:
        failure.response = thief.end(answer)

    assert failure.seen == (400, "state_used")
    assert op.asked() == []


@pytest.mark.parametrize("has_cookie", [True, False], ids=["double click", "back button"])
def test_same_person_coming_back_is_sent_on(op: OpenIDProvider, browser: Browser, has_cookie: bool) -> None:
    answer = browser.authorize(op, browser.begin(next="/next/"))
    kept = dict(browser.jar)
    browser.end(answer)
    session_key = browser.session_key
    if has_cookie:
        browser.jar = {**kept, **browser.jar}
    op.clear()

    response = browser.end(answer)

    assert (response.status_code, response["Location"]) == (302, "/next/")
    assert op.asked() == []
    assert browser.session_key == session_key
    assert not browser.flow_cookies


def test_somebody_else_coming_back_is_told(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, browser.begin(next="/next/"))
    browser.end(answer)
    browser.log_in(get_user_model().objects.create_user("somebody"))
    op.clear()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "state_used")
    assert op.asked() == []


def test_flow_that_failed_cannot_be_tried_again(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, browser.begin())
    kept = dict(browser.jar)
    browser.end(answer.without("code").with_(error="access_denied"))
    browser.jar = {**kept, **browser.jar}
    op.clear()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "state_used")
    assert op.asked() == []


def test_flow_is_used_up_before_the_token_request(op: OpenIDProvider, browser: Browser) -> None:
    """A crash or a time-out in the exchange must not leave it usable."""
    answer = browser.authorize(op, browser.begin())
    second = Browser()
    second.jar = dict(browser.jar)
    seen: list[int] = []

    def meanwhile(token_answer: Answer) -> Answer:
        op.mend("token")
        seen.append(second.end(answer).status_code)
        return token_answer

    op.bend("token", meanwhile)
    browser.end(answer)

    assert seen == [400]
    assert op.asked().count("token") == 1


def test_callback_in_another_browser(op: OpenIDProvider, assert_nothing_changed: NothingChanged) -> None:
    """Forged: the attacker's own answer, opened by the victim (RFC 6749 10.12)."""
    attacker, victim = Browser(), Browser()
    victim.log_in(get_user_model().objects.create_user("victim"))
    answer = attacker.authorize(op, attacker.begin())
    op.clear()

    with assert_nothing_changed(victim, uses_flow=False) as failure:
        failure.response = victim.end(answer)

    assert failure.seen == (400, "state_unknown")
    assert op.asked() == []
    assert attacker.end(answer).status_code == 302


def test_callback_of_another_provider(
    op: OpenIDProvider, github: GitHubStyleProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    """The classic mix-up: the code must not reach the other one's token endpoint (RFC 9700 4.4)."""
    answer = browser.authorize(op, browser.begin("op"))
    answer.redirect_uri = answer.redirect_uri.replace("/op/", "/github/")
    op.clear()
    github.clear()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "provider_mismatch")
    assert op.asked() == github.asked() == []


def test_provider_removed_meanwhile(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    answer = browser.authorize(op, browser.begin())
    settings.OIDC_LOGIN_PROVIDERS = {}

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (404, "provider_unknown")


def test_callback_of_an_unknown_provider(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.get("/oauth/nobody/callback/?code=c&state=s")

    assert failure.seen == (404, "provider_unknown")


def test_parallel_tabs_both_end(op: OpenIDProvider, browser: Browser) -> None:
    first = browser.authorize(op, browser.begin(next="/first/"))
    second = browser.authorize(op, browser.begin(next="/second/"))

    assert browser.end(second)["Location"] == "/second/"
    assert browser.end(first)["Location"] == "/first/"
    assert OAuthConnection.objects.count() == 1
    assert not browser.flow_cookies


def test_parallel_tabs_do_not_share_what_binds_the_answer(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    first = browser.authorize(op, browser.begin())
    second = browser.authorize(op, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(second.with_(code=first["code"]))

    assert failure.seen == (400, "code_refused")
    assert len(browser.flow_cookies) == 1


# Requests that end nothing.


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST"])
def test_other_methods_end_nothing(op: OpenIDProvider, browser: Browser, method: str) -> None:
    """A link scanner's HEAD would use the code up."""
    answer = browser.authorize(op, browser.begin())
    query = urlencode(answer.parameters)

    assert browser.request(method, f"/oauth/op/callback/?{query}").status_code == 405
    assert browser.end(answer).status_code == 302


@pytest.mark.parametrize("headers", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}])
def test_prefetch_ends_nothing(op: OpenIDProvider, browser: Browser, headers: dict[str, str]) -> None:
    answer = browser.authorize(op, browser.begin())

    response = browser.end(answer, headers=headers)

    assert response.status_code == 503
    assert "no-store" in response["Cache-Control"]
    assert browser.end(answer).status_code == 302


# The site's own trouble.


def test_cache_that_fails_refuses(op: OpenIDProvider, browser: Browser, settings: Settings, witness: Witness) -> None:
    """Nothing else remembers which flows were used."""
    answer = browser.authorize(op, browser.begin())
    settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.support.caches.BrokenCache"}}
    settings.OIDC_LOGIN_CACHE = "broken"
    op.clear()

    response = browser.end(answer)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert op.asked() == []
    assert not get_user_model().objects.exists()
    witness.assert_no_secrets(browser, response)


def test_cache_that_only_remembers_used_flows_is_enough(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    """Shared copies of documents may be lost: they cost a request, not a sign-in."""
    settings.CACHES = {**settings.CACHES, "forgetful": {"BACKEND": "tests.support.caches.ForgetfulCache"}}
    settings.OIDC_LOGIN_CACHE = "forgetful"

    assert browser.sign_in(op).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_refused_flow_stays_used_where_requests_are_atomic(
    op: OpenIDProvider, monkeypatch: pytest.MonkeyPatch, witness: Witness
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    get_user_model().objects.create_user("a", "bob@example.org")
    op.users.change("bob", email="bob@example.org")
    browser = Browser()
    answer = browser.authorize(op, browser.begin(), "bob")
    kept = dict(browser.jar)

    with witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == (409, "email_not_verified")

    browser.jar = {**kept, **browser.jar}
    with witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == (400, "state_used")


@pytest.mark.django_db(transaction=True)
def test_sign_up_and_sign_in_again_where_requests_are_atomic(
    op: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)

    for _ in range(2):
        browser = Browser()
        assert browser.sign_in(op).status_code == 302
        assert browser.user is not None

    assert OAuthConnection.objects.count() == 1


# The page.


@pytest.mark.parametrize(
    "url",
    [
        "/oauth/op/callback/",
        "/oauth/op/callback/?state=s&code=c",
        "/oauth/nobody/callback/?state=s&code=c",
        "/oauth/op/callback/?state=s&state=t",
    ],
)
def test_error_page_is_not_kept_and_refers_nobody(op: OpenIDProvider, browser: Browser, url: str) -> None:
    response = browser.get(url)

    assert response.status_code in (400, 404)
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert not Markup(response.content.decode()).forms


def test_error_page_leads_back_with_next_and_without_code_or_state(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin(next="/next/?a=1"))

    response = browser.end(answer.with_(iss="https://evil.example"))

    links = Markup(response.content.decode()).links
    assert links["Try again"] == "/oauth/op/login/?next=%2Fnext%2F%3Fa%3D1"
    assert browser.get(links["Try again"]).status_code == 200


@pytest.mark.parametrize("how", ["good", "cancelled", "begin"])
def test_every_answer_of_a_flow_is_not_kept(op: OpenIDProvider, browser: Browser, how: str) -> None:
    begun = browser.begin()
    ended = browser.end(browser.authorize(op, begun, "alice" if how == "good" else None))

    assert "no-store" in (begun if how == "begin" else ended)["Cache-Control"]


# The provider's answers; each kind of them is varied elsewhere.


def _token_error(status: int, error: str) -> Any:
    return lambda _: Answer.of_json({"error": error, "error_description": "h3llo canary"}, status=status)


@pytest.mark.parametrize(
    ("endpoint", "change", "status", "code"),
    [
        ("token", _token_error(400, "invalid_grant"), 400, "code_refused"),
        ("token", _token_error(200, "bad_verification_code"), 400, "code_refused"),
        ("token", _token_error(401, "invalid_client"), 502, "client_refused"),
        ("token", _token_error(400, "invalid_request"), 502, "token_response_invalid"),
        ("token", _token_error(400, "temporarily_unavailable"), 503, "provider_unavailable"),
        ("token", lambda a: Answer(status=503, body=b"canary"), 503, "provider_unavailable"),
        ("token", lambda a: Answer(status=429, body=b"canary"), 503, "provider_unavailable"),
        ("token", lambda a: Answer(status=200, body=b"<html>canary"), 502, "token_response_invalid"),
        ("token", lambda a: Answer.redirect("https://evil.example/"), 502, "token_response_invalid"),
        ("userinfo", lambda a: Answer.of_json({"sub": "other", "email": "canary"}), 502, "userinfo_invalid"),
        ("userinfo", lambda a: Answer.of_json({"error": "canary"}, status=401), 502, "userinfo_invalid"),
        ("userinfo", lambda a: Answer.of_json({"error": "canary"}, status=403), 502, "userinfo_invalid"),
        ("userinfo", lambda a: Answer(status=500, body=b"canary"), 503, "provider_unavailable"),
        ("jwks", lambda a: Answer(status=500, body=b"canary"), 503, "provider_unavailable"),
        ("jwks", lambda a: Answer.of_json({"keys": []}), 502, "id_token_invalid"),
        ("id_token", lambda t: t.signed()[:-4] + "AAAA", 502, "id_token_invalid"),
        ("id_token", lambda t: None if t.claims.update(nonce="other") else t, 502, "id_token_invalid"),
        ("id_token", lambda t: "", 502, "id_token_invalid"),
    ],
)
def test_provider_that_answers_badly(
    op: OpenIDProvider,
    visitor: Browser,
    assert_nothing_changed: NothingChanged,
    endpoint: str,
    change: Callable[[Any], Any],
    status: int,
    code: str,
) -> None:
    answer = visitor.authorize(op, visitor.begin())

    with op.bend(endpoint, change), assert_nothing_changed(visitor) as failure:
        failure.response = visitor.end(answer)

    assert failure.seen == (status, code)
    assert op.asked().count("token") == 1
    if endpoint == "token" and status == 503:
        assert failure.response["Retry-After"] == "30"


def test_retry_after_of_the_provider_is_passed_on(op: OpenIDProvider, browser: Browser) -> None:
    op.bend("token", lambda _: Answer(status=503, headers={"Retry-After": "7"}, body=b""))

    assert browser.sign_in(op)["Retry-After"] == "7"


# What the log holds.


def test_failure_is_one_record_with_a_code_and_no_value(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    answer = browser.authorize(op, browser.begin())
    browser.end(answer.with_(iss="https://evil.example"))

    (record,) = [record for record in caplog.records if record.getMessage().startswith("sign-in failed")]
    assert record.levelname == "WARNING"
    fields = vars(record)
    assert (fields["provider"], fields["code"]) == ("op", "iss_mismatch")
    assert fields["state"] == state_hash(browser.begun[0]["state"])[:8]
    assert "evil" not in caplog.text


def failure_record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = [record for record in caplog.records if record.getMessage().startswith("sign-in failed")]
    return record


def test_record_of_a_cache_that_fails_names_it_and_the_provider(
    op: OpenIDProvider, browser: Browser, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    answer = browser.authorize(op, browser.begin())
    settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "tests.support.caches.BrokenCache"}}
    settings.OIDC_LOGIN_CACHE = "broken"

    browser.end(answer)

    record = failure_record(caplog)
    assert ": The cache of OIDC_LOGIN_CACHE does not respond" in record.getMessage()
    assert (vars(record)["provider"], vars(record)["reason"]) == ("op", "cache")


def test_record_of_a_provider_that_cannot_be_reached_says_what_to_do(
    op: OpenIDProvider, browser: Browser, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(OpenIDProvider()) as gone:
        pass
    configure(settings, "op", issuer=gone)

    browser.begin()

    assert ": The connection failed: check the firewall" in failure_record(caplog).getMessage()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("op/callback/?state={state}&code=c", "no_cookie"),
        ("op/callback/", "state_missing"),
        ("op/callback/?state=a&state=b", "repeated"),
        ("nobody/login/", "provider_unknown"),
        ("nobody/callback/?state={state}&code=c", "provider_unknown"),
    ],
)
def test_record_of_each_failure_names_the_provider_and_a_reason(
    op: OpenIDProvider, caplog: pytest.LogCaptureFixture, path: str, reason: str
) -> None:
    Browser().get("/oauth/" + path.format(state="s" * 43))

    fields = vars(failure_record(caplog))
    assert (fields["provider"], fields["reason"]) == (path.split("/")[0], reason)


def test_cookie_under_a_forgotten_key_is_told_from_no_cookie(
    op: OpenIDProvider, browser: Browser, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Workers that do not share their secret look like this."""
    answer = browser.authorize(op, browser.begin())
    settings.SECRET_KEY = "another secret key " * 3

    browser.end(answer)

    assert vars(failure_record(caplog))["reason"] == "cookie_unreadable"


@pytest.mark.parametrize("key", ["a%0AERROR%20forged", "A", "x" * 101])
def test_record_names_no_provider_that_cannot_be_one(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    browser.get(f"/oauth/{key}/login/")

    assert vars(failure_record(caplog))["provider"] == ""
    assert "forged" not in failure_record(caplog).getMessage()
