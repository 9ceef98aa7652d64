"""The authorization request: what every provider and every certification module demands of it (Core 3.1.2.1)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.hostile.rows import source
from tests.hostile.stage import Stage
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def parameters(response: Any) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(response["Location"]).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs), "a parameter is there twice"
    return dict(pairs)


@source("Core 3.1.2.1, RFC 7636 4.2, RFC 9700 2.1.1; oidcc-client-test")
def test_request_has_what_it_needs_and_no_more(op: RecordingOpenIDProvider, browser: Browser) -> None:
    asked = parameters(browser.begin())

    assert set(asked) == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }
    assert (asked["response_type"], asked["client_id"]) == ("code", "client")
    assert asked["redirect_uri"] == "http://testserver/oauth/op/callback/"
    assert "openid" in asked["scope"].split() and "email" in asked["scope"].split()
    assert asked["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", asked["code_challenge"])


@source("conformance of the nonce: at most 43 characters of A-Z a-z 0-9 - _ . ~; RFC 6749 10.10")
def test_nonce_and_state_are_long_enough_and_of_plain_letters(op: RecordingOpenIDProvider, browser: Browser) -> None:
    seen: set[str] = set()
    for _ in range(20):
        asked = parameters(browser.begin())
        for name in ("nonce", "state"):
            assert re.fullmatch(r"[A-Za-z0-9_.~-]{22,43}", asked[name])
            seen.add(asked[name])
    assert len(seen) == 40


@source("Core 3.1.2.1, 5.5")
def test_configured_parameters_are_sent(op: RecordingOpenIDProvider, browser: Browser, settings: Settings) -> None:
    wanted: dict[str, Any] = {"userinfo": {"groups": {"essential": True}}, "id_token": {"acr": {"values": ["2"]}}}
    configure(
        settings,
        "op",
        prompt="login",
        max_age=0,
        acr_values="2 3",
        ui_locales="de en",
        claims=wanted,
        scope=["openid", "profile"],
        authorization_params={"hd": "example.org"},
    )

    asked = parameters(browser.begin())

    assert (asked["prompt"], asked["max_age"], asked["acr_values"], asked["ui_locales"]) == (
        "login",
        "0",
        "2 3",
        "de en",
    )
    assert json.loads(asked["claims"]) == wanted
    assert (asked["scope"], asked["hd"]) == ("openid profile", "example.org")


@pytest.mark.parametrize(
    "next_url",
    [
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "\thttps://evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "///evil.example",
        "https://evil.example%00.testserver/",
        "http://testserver:99@evil.example/x",
        "http://[",
        "http://[::1",
        "/\udcff",
        "/a\x00b",
        "/a\r\nSet-Cookie: x=1",
        "/" + "x" * 10_000,
        "",
    ],
    ids=ascii,
)
@source("RFC 9700 4.11, CVE-2022-31093")
def test_next_that_is_odd_or_leads_elsewhere(op: RecordingOpenIDProvider, browser: Browser, next_url: str) -> None:
    data: dict[str, Any] = {"next": next_url.encode("utf-8", "surrogateescape") if "\udcff" in next_url else next_url}
    begun = browser.post("/oauth/op/login/", data)
    assert begun.status_code == 302 and "\n" not in begun["Location"] and "\r" not in begun["Location"]
    browser.begun.append(parameters(begun))

    ended = browser.end(browser.authorize(op, begun))

    assert (ended.status_code, ended["Location"]) == (302, "/")
    assert browser.user is not None


@source("RFC 6749 10.2, RFC 9700 4.1")
@pytest.mark.parametrize(
    "name",
    ["redirect_uri", "state", "client_id", "response_type", "scope", "nonce", "code_challenge", "acr_values", "prompt"],
)
def test_request_of_the_browser_chooses_nothing(op: RecordingOpenIDProvider, browser: Browser, name: str) -> None:
    token = browser.csrf_token()
    response = browser.request("POST", f"/oauth/op/login/?{name}=evil", {"csrfmiddlewaretoken": token, name: "evil"})
    assert "evil" not in response["Location"]


@source("RFC 9700 4.1.1, CVE-2026-40575")
def test_forwarded_host_does_not_move_the_callback(op: RecordingOpenIDProvider, browser: Browser) -> None:
    asked = parameters(browser.post("/oauth/op/login/", headers={"x-forwarded-host": "evil.example"}))
    assert asked["redirect_uri"] == "http://testserver/oauth/op/callback/"


@source("availability: begun sign-ins cost no memory")
def test_two_hundred_begun_sign_ins_in_one_browser(op: RecordingOpenIDProvider, browser: Browser) -> None:
    for _ in range(200):
        begun = browser.begin()
    assert sum(len(name) + len(value) for name, value in browser.flow_cookies.items()) < 4096
    assert browser.end(browser.authorize(op, begun)).status_code == 302


# Third-party-initiated login (Core 4).


@pytest.fixture
def initiated(stage: Stage) -> Stage:
    stage.configure(third_party_initiated_login=True)
    return stage


@pytest.mark.parametrize("method", ["GET", "POST"])
@source("Core 4; oidcc-client-test-3rd-party-init-login")
def test_third_party_begins_a_sign_in(initiated: Stage, method: str) -> None:
    browser = Browser()
    data = {"iss": initiated.op.issuer, "login_hint": "alice", "target_link_uri": "http://testserver/next/"}

    begun = browser.request(method, "/oauth/op/initiate/", data, cross_site=True)

    assert parameters(begun)["login_hint"] == "alice"
    ended = browser.end(browser.authorize(initiated.op, begun))
    assert (ended.status_code, ended["Location"]) == (302, "http://testserver/next/")
    assert browser.user is not None


@pytest.mark.parametrize(
    "iss",
    [None, "", "https://evil.example", "http://169.254.169.254/", "http://localhost", "file:///etc/passwd"],
)
@source("Core 4; RFC 9700 4.4")
def test_third_party_names_another_issuer(
    initiated: Stage, browser: Browser, assert_nothing_changed: NothingChanged, iss: str | None
) -> None:
    """Nothing is fetched from what a request names."""
    with assert_nothing_changed(browser) as failure:
        failure.response = browser.get("/oauth/op/initiate/", {} if iss is None else {"iss": iss})
    assert failure.seen == (400, "iss_mismatch")
    assert set(initiated.op.asked()) <= {"discovery"}


@source("Core 4")
def test_third_party_names_two_issuers(initiated: Stage, browser: Browser) -> None:
    assert browser.get("/oauth/op/initiate/", {"iss": [initiated.op.issuer, initiated.op.issuer]}).status_code == 400


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
@source("Core 4, RFC 9700 4.11")
def test_third_party_leads_elsewhere(initiated: Stage, target: str) -> None:
    browser = Browser()
    begun = browser.get("/oauth/op/initiate/", {"iss": initiated.op.issuer, "target_link_uri": target})
    assert browser.end(browser.authorize(initiated.op, begun))["Location"] == "/"


@source("Core 4")
def test_third_party_where_the_site_did_not_open_it(stage: Stage, browser: Browser) -> None:
    assert browser.get("/oauth/op/initiate/", {"iss": stage.op.issuer}).status_code == 404


@source("Core 4")
def test_third_party_may_not_frame_it(initiated: Stage, browser: Browser) -> None:
    assert browser.get("/oauth/op/initiate/", {"iss": initiated.op.issuer})["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("hint", ["a\r\nb", "x" * 300, ""])
@source("Core 4")
def test_third_partys_hint_is_one_short_line(initiated: Stage, browser: Browser, hint: str) -> None:
    begun = browser.get("/oauth/op/initiate/", {"iss": initiated.op.issuer, "login_hint": hint})
    assert "login_hint" not in parameters(begun)
