"""Beginning: what the browser is sent away with, and the cookie that it must bring back."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.urls import clear_script_prefix, include, path, reverse, set_script_prefix, set_urlconf
from django.utils import translation

from oidc_login.flow.pending import Flow, state_hash
from oidc_login.flow.redirects import absolute_uri
from oidc_login.testing import GitHubStyleProvider, OpenIDProvider, serve
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db


def flow_cookie(browser: Browser) -> Any:
    (name,) = browser.flow_cookies
    return browser.jar[name]


# Who may begin.


@pytest.mark.parametrize("view", ["login", "providers"])
def test_get_begins_nothing(op: OpenIDProvider, browser: Browser, view: str) -> None:
    """A link or an image on somebody else's page would sign the visitor in (login CSRF)."""
    response = browser.get(reverse(f"oidc_login:{view}", args=["op"] if view == "login" else []))

    assert response.status_code == 200
    assert not browser.flow_cookies
    assert "sessionid" not in browser.jar
    assert op.asked() == []


@pytest.mark.parametrize("view", ["login", "connect"])
@pytest.mark.parametrize("has_middleware", [True, False], ids=["with middleware", "without"])
def test_post_without_csrf_token_is_refused(
    op: OpenIDProvider, browser: Browser, settings: Settings, view: str, has_middleware: bool
) -> None:
    if not has_middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]

    response = browser.request("POST", reverse(f"oidc_login:{view}", args=["op"]), {}, cross_site=True)

    assert response.status_code == 403
    assert not browser.flow_cookies


def test_unknown_provider_is_404_and_no_alarm(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, caplog: pytest.LogCaptureFixture
) -> None:
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.begin("nobody")

    assert failure.seen == (404, "provider_unknown")
    assert all(record.levelname in ("DEBUG", "INFO") for record in caplog.records if record.name[:4] == "oidc")


def test_connect_begins_only_for_somebody_signed_in(op: OpenIDProvider, browser: Browser) -> None:
    response = browser.begin(view="connect")

    assert response.status_code == 302
    assert response["Location"].startswith("/oauth/?next=")
    assert not browser.flow_cookies


# What the provider is asked.


def test_authorization_request_is_bound_three_times(op: OpenIDProvider, browser: Browser) -> None:
    parameters = dict(parse_qsl(urlsplit(browser.begin()["Location"]).query))

    assert parameters["response_type"] == "code"
    assert parameters["redirect_uri"] == "http://testserver/oauth/op/callback/"
    assert parameters["code_challenge_method"] == "S256"
    assert len(parameters["code_challenge"]) == 43
    assert len(parameters["state"]) == len(parameters["nonce"]) == 43  # 256 bits
    assert parameters["scope"] == "openid email profile"


def test_nothing_is_ever_repeated_or_guessed(op: OpenIDProvider, browser: Browser) -> None:
    seen: set[str] = set()
    for _ in range(100):
        random.seed(1)
        begun = dict(parse_qsl(urlsplit(browser.begin()["Location"]).query))
        seen |= {begun["state"], begun["nonce"], begun["code_challenge"]}

    assert len(seen) == 300


@pytest.mark.parametrize("where", ["query", "body"])
def test_request_cannot_choose_parameters_of_the_protocol(op: OpenIDProvider, browser: Browser, where: str) -> None:
    evil = {
        "redirect_uri": "https://evil.example/",
        "state": "fixed",
        "nonce": "fixed",
        "response_type": "token",
        "client_id": "other",
        "scope": "admin",
        "prompt": "none",
        "acr_values": "1",
        "max_age": "0",
        "code_challenge_method": "plain",
    }
    query = "?" + "&".join(f"{name}={value}" for name, value in evil.items()) if where == "query" else ""

    response = browser.post(reverse("oidc_login:login", args=["op"]) + query, evil if where == "body" else {})

    sent = dict(parse_qsl(urlsplit(response["Location"]).query))
    assert {name: sent.get(name) for name in evil if sent.get(name) == evil[name]} == {}


def test_settings_cannot_replace_what_binds_the_answer(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    fixed = {"state": "fixed", "nonce": "fixed", "redirect_uri": "https://evil.example/", "code_challenge": "x"}
    configure(settings, "op", authorization_params={**fixed, "hd": "corp.example"})

    sent = dict(parse_qsl(urlsplit(browser.begin()["Location"]).query))

    assert not fixed.items() & sent.items()
    assert sent["hd"] == "corp.example"


def test_base_url_decides_over_the_requests_host(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.OIDC_LOGIN_BASE_URL = "https://site.example"

    sent = dict(parse_qsl(urlsplit(browser.begin()["Location"]).query))

    assert sent["redirect_uri"] == "https://site.example/oauth/op/callback/"


def test_redirect_uri_is_where_the_callback_is_for_this_very_request(rf: RequestFactory) -> None:
    """By the prefix that the server mounts the site at, the URLs of this request's host, and the language."""
    request, elsewhere = rf.post("/"), ModuleType("elsewhere")
    elsewhere.__dict__["urlpatterns"] = i18n_patterns(path("in/", include("oidc_login.urls")))

    def redirect_uri() -> str:
        return absolute_uri(request, "oidc_login:callback", "op")

    assert redirect_uri() == "http://testserver/oauth/op/callback/"
    set_script_prefix("/app/")
    try:
        assert redirect_uri() == "http://testserver/app/oauth/op/callback/"
    finally:
        clear_script_prefix()
    set_urlconf(elsewhere)  # type: ignore[arg-type]  # a module will do
    try:
        for language in ("en", "de", "fr"):
            with translation.override(language):
                assert redirect_uri() == f"http://testserver/{language}/in/op/callback/"
    finally:
        set_urlconf(None)
    assert redirect_uri() == "http://testserver/oauth/op/callback/"


def test_redirect_uri_of_the_token_request_is_the_one_sent(op: OpenIDProvider, settings: Settings) -> None:
    """RFC 6749 4.1.3 wants the same one, whatever the site's address is by then."""
    browser = Browser(https=True)
    answer = browser.authorize(op, browser.begin())
    settings.OIDC_LOGIN_BASE_URL = "https://moved.example"

    assert browser.end(answer).status_code == 302
    (sent,) = [request.form for request in op.requests if request.endpoint == "token"]
    assert sent["redirect_uri"] == "https://testserver/oauth/op/callback/"


def test_cookie_of_http_is_not_believed_over_https(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin())
    browser.https = True

    assert browser.end(answer).status_code == 400


def test_host_that_is_not_ours_begins_nothing(op: OpenIDProvider, browser: Browser) -> None:
    browser.csrf_token()
    browser.host = "evil.example"

    assert browser.begin().status_code == 400
    assert not browser.flow_cookies


def test_provider_that_is_down_is_503(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    with serve(OpenIDProvider()) as gone:
        pass
    configure(settings, "op", issuer=gone)
    browser.csrf_token()

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.begin()

    assert failure.seen == (503, "provider_unavailable")
    assert int(failure.response["Retry-After"]) > 0
    assert not browser.flow_cookies


# What the site keeps: nothing.


def test_begin_costs_no_query_and_no_session(
    op: OpenIDProvider, browser: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.csrf_token()

    with django_assert_num_queries(0):
        browser.begin()

    assert "sessionid" not in browser.jar
    assert not Session.objects.exists()


# The cookie.


def test_cookie_over_http(op: OpenIDProvider, browser: Browser) -> None:
    browser.begin()

    cookie = flow_cookie(browser)
    assert cookie.key == "oidc_login_flow_" + state_hash(browser.begun[0]["state"])[:16]
    assert cookie["httponly"] is True
    assert (cookie["samesite"], cookie["secure"]) == ("Lax", "")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert 600 <= int(cookie["max-age"]) <= 2 * 3600


def test_cookie_over_https_cannot_be_planted_by_a_sibling_host(op: OpenIDProvider) -> None:
    browser = Browser(https=True)
    browser.begin()

    cookie = flow_cookie(browser)
    assert cookie.key.startswith("__Host-oidc_login_flow_")
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")


@pytest.mark.parametrize(("https", "same_site"), [(True, "None"), (False, "Lax")])
def test_cookie_for_an_answer_by_form_post(op: OpenIDProvider, settings: Settings, https: bool, same_site: str) -> None:
    configure(settings, "op", response_mode="form_post")
    browser = Browser(https=https)
    browser.begin()

    cookie = flow_cookie(browser)
    assert (cookie["samesite"], bool(cookie["secure"])) == (same_site, https)


def test_cookie_tells_nothing(op: OpenIDProvider, browser: Browser) -> None:
    browser.begin(next="/secret-project/")

    told = flow_cookie(browser).value + "".join(browser.jar)
    assert not [value for value in browser.begun[0].values() if value in told]
    assert "secret-project" not in told


def test_flow_shows_no_secret() -> None:
    made = Flow(
        provider_key="op",
        purpose="login",
        issuer="",
        redirect_uri="",
        state="s3cret",
        nonce="s3cret",
        code_verifier="s3cret",
        begun_at=0,
    )

    assert "s3cret" not in repr(made)


@pytest.mark.parametrize("https", [False, True], ids=["http", "https"])
def test_five_flows_are_kept_and_the_oldest_makes_room(
    op: OpenIDProvider, github: GitHubStyleProvider, https: bool
) -> None:
    """Over all providers, also when all were begun within one second."""
    browser = Browser(https=https)
    for key in ("op", "github", "op", "op", "github", "op", "op"):
        browser.begin(key)

    kept = [state_hash(begun["state"])[:16] for begun in browser.begun[-5:]]
    assert sorted(name[-16:] for name in browser.flow_cookies) == sorted(kept)


def test_all_flow_cookies_together_stay_below_four_kilobytes(op: OpenIDProvider, browser: Browser) -> None:
    for _ in range(6):
        browser.begin(next="/" + "a" * 900)

    assert 1 < len(browser.flow_cookies) < 5
    assert sum(len(name) + len(value) for name, value in browser.flow_cookies.items()) <= 4096


def test_next_in_another_script_fits_into_a_cookie(op: OpenIDProvider, browser: Browser) -> None:
    """A browser drops a cookie of more than 4 kB, and the flow with it."""
    browser.begin(next="/" + "\u03ba" * 999)

    assert sum(len(name) + len(value) for name, value in browser.flow_cookies.items()) <= 4096


def test_newest_flow_ends_well_after_others_made_room(op: OpenIDProvider, browser: Browser) -> None:
    for _ in range(7):
        begun = browser.begin()

    assert browser.end(browser.authorize(op, begun)).status_code == 302


def test_cookies_that_cannot_be_read_make_room_first(op: OpenIDProvider, browser: Browser) -> None:
    browser.begin()
    mine = set(browser.flow_cookies)
    for number in range(8):
        browser.client.cookies.clear()
        browser.jar[f"oidc_login_flow_{number:016}"] = flow_cookie_like(browser, "planted")
    browser.begin()

    assert mine <= set(browser.flow_cookies)
    assert len(browser.flow_cookies) <= 5


def flow_cookie_like(browser: Browser, value: str) -> Any:
    known = next(iter(browser.flow_cookies))
    morsel = browser.jar[known].copy()
    morsel.set(morsel.key, value, value)
    return morsel


def test_cookie_goes_whatever_the_end_is(op: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    assert not browser.flow_cookies

    browser.sign_in(op, user=None)
    assert not browser.flow_cookies


# Next.


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "\thttps://evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "///evil.example",
        "https://evil.example%00.testserver/",
        "http://[",
        "http://[::1",
        "/a\r\nSet-Cookie: x=y",
        "/\x00",
        "/\u202e",
        "/" + "a" * 2000,
        "/" + "\u00e9" * 1000,
        "",
    ],
)
def test_next_that_leads_elsewhere_is_dropped(op: OpenIDProvider, browser: Browser, target: str) -> None:
    response = browser.sign_in(op, next=target)

    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize(
    "target", ["/basket/", "/a?b=1&c=%2F#d", "basket", "http://testserver/a", "/\u03ba", "/" + "a" * 1999, "/a b"]
)
def test_next_that_stays_here_is_where_it_ends(op: OpenIDProvider, browser: Browser, target: str) -> None:
    assert browser.sign_in(op, next=target)["Location"] == target.replace("\u03ba", "%CE%BA").replace(" ", "%20")


@pytest.mark.parametrize(
    ("target", "reason", "level"),
    [
        ("/?token=s3cret" + "a" * 2000, "too_long", "WARNING"),
        ("https://evil.example/s3cret", "other_host", "INFO"),
        ("/s3cret\n", "unprintable", "INFO"),
        (["/s3cret", "/b"], "repeated", "INFO"),
    ],
    ids=["too long", "other host", "unprintable", "repeated"],
)
def test_next_that_is_dropped_is_logged_without_its_value(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture, target: Any, reason: str, level: str
) -> None:
    browser.post("/oauth/op/login/", {"next": target})

    [record] = [record for record in caplog.records if record.getMessage().startswith("next dropped")]
    assert (record.levelname, record.getMessage()) == (level, f"next dropped: {reason}")
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("target", [None, ""])
def test_sign_in_without_next_logs_nothing(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture, target: str | None
) -> None:
    browser.sign_in(op, next=target)

    assert "next" not in caplog.text


def test_next_that_would_burst_the_cookie_is_dropped_and_the_sign_in_goes_on(
    op: OpenIDProvider, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Quotes take two bytes each in the sealed flow."""
    begun = browser.begin(next="/" + '"' * 2047)

    assert sum(len(name) + len(value) for name, value in browser.flow_cookies.items()) <= 4096
    assert "next dropped: too_long" in caplog.text
    assert browser.end(browser.authorize(op, begun))["Location"] == "/"


def test_next_to_plain_http_is_dropped_over_https(op: OpenIDProvider) -> None:
    assert Browser(https=True).sign_in(op, next="http://testserver/a")["Location"] == "/"


def test_next_given_twice_is_dropped(op: OpenIDProvider, browser: Browser) -> None:
    token = browser.csrf_token()

    begun = browser.request("POST", "/oauth/op/login/", {"csrfmiddlewaretoken": token, "next": ["/a", "/b"]})

    assert browser.end(browser.authorize(op, begun))["Location"] == "/"


def test_next_is_judged_again_at_the_end(op: OpenIDProvider, browser: Browser) -> None:
    answer = browser.authorize(op, browser.begin(next="http://testserver/a"))
    browser.host = "localhost"

    assert browser.end(answer)["Location"] == "/"


def test_login_redirect_url_may_be_a_name_or_a_path(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    settings.LOGIN_REDIRECT_URL = "/welcome/"
    assert browser.sign_in(op)["Location"] == "/welcome/"

    settings.LOGIN_REDIRECT_URL = "oidc_login:providers"
    assert Browser().sign_in(op)["Location"] == "/oauth/"


# Time and keys.


def test_flow_lives_ten_minutes(
    op: OpenIDProvider,
    browser: Browser,
    later: Callable[[float], None],
    assert_nothing_changed: NothingChanged,
) -> None:
    answer = browser.authorize(op, browser.begin(next="/basket/"))
    op.clear()
    later(660)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "state_expired")
    assert failure.response.context["retry_url"].startswith("/oauth/op/login/")
    assert op.asked() == []


def test_flow_of_nine_minutes_is_good(
    op: OpenIDProvider, browser: Browser, later: Callable[[float], None], settings: Settings
) -> None:
    configure(settings, "op", leeway=600)
    answer = browser.authorize(op, browser.begin())
    later(540)

    assert browser.end(answer).status_code == 302


def test_flow_is_judged_by_the_clock_it_is_given(settings: Settings) -> None:
    settings.OIDC_LOGIN_FLOW_LIFETIME = 60
    begun_at = 1_000_000
    made = Flow(
        provider_key="op",
        purpose="login",
        issuer="",
        redirect_uri="",
        state="s",
        nonce="n",
        code_verifier="v",
        begun_at=begun_at,
    )

    assert not made.expired(now=begun_at + 60)
    assert made.expired(now=begun_at + 61)


def test_secret_key_can_be_changed_while_people_are_away(
    op: OpenIDProvider, browser: Browser, settings: Settings
) -> None:
    answer = browser.authorize(op, browser.begin())
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another secret key " * 3

    assert browser.end(answer).status_code == 302


def test_flow_under_a_forgotten_key_is_unknown(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    answer = browser.authorize(op, browser.begin())
    settings.SECRET_KEY = "another secret key " * 3

    response = browser.end(answer)

    assert response.status_code == 400
    assert response.context["oauth_error"].code == "state_unknown"
    assert browser.user is None


@pytest.mark.parametrize("change", ["flip", "cut", "garbage", "not ascii", "other name"])
def test_cookie_that_was_changed_is_unknown(op: OpenIDProvider, browser: Browser, change: str) -> None:
    answer = browser.authorize(op, browser.begin())
    morsel = flow_cookie(browser)
    good = morsel.value
    browser.begin()
    other = next(value for value in browser.flow_cookies.values() if value != good)
    bad = {
        "flip": good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1],
        "cut": good[:20],
        "garbage": "x",
        "not ascii": "\u00e9" * 40,
        "other name": other,
    }[change]
    morsel.set(morsel.key, bad, bad)

    response = browser.end(answer)

    assert response.status_code == 400
    assert response.context["oauth_error"].code == "state_unknown"
    assert browser.user is None
