"""Sign-ins that a third party begins (Core 4): for the configured issuer alone, and never to another site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model

from oidc_login.testing import Answer, GitHubStyleProvider, OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.markup import Markup
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

URL = "/oauth/op/initiate/"
both_methods = pytest.mark.parametrize("method", ["GET", "POST"])


@pytest.fixture(autouse=True)
def opened(op: OpenIDProvider, settings: Settings) -> None:
    configure(settings, "op", third_party_initiated_login=True)
    op.clear()


def initiate(browser: Browser, data: Any, *, method: str = "GET", url: str = URL) -> Any:
    """Follow a portal's link, or its form, from another site."""
    if method == "GET":
        response = browser.get(f"{url}?{urlencode(data, doseq=True)}", cross_site=True)
    else:
        response = browser.request("POST", url, data, cross_site=True, headers={"origin": "https://portal.example"})
    if "state=" in response.get("Location", ""):
        browser.begun.append(dict(parse_qsl(urlsplit(response["Location"]).query)))
    return response


# What it begins.


@both_methods
def test_sign_in_is_begun_and_ends_where_the_third_party_said(
    op: OpenIDProvider, browser: Browser, method: str
) -> None:
    begun = initiate(browser, {"iss": op.issuer, "target_link_uri": "/basket/?a=1"}, method=method)
    assert begun["Location"].startswith(op.authorization_endpoint + "?")
    assert "no-store" in begun["Cache-Control"]

    response = browser.end(browser.authorize(op, begun))

    assert (response.status_code, response["Location"]) == (302, "/basket/?a=1")
    assert browser.user.username == "alice"


@both_methods
def test_request_is_bound_like_any_other(op: OpenIDProvider, browser: Browser, method: str) -> None:
    initiate(browser, {"iss": op.issuer}, method=method)

    begun = browser.begun[0]
    assert begun["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge", "redirect_uri"} <= set(begun)
    assert "login_hint" not in begun
    assert len(browser.flow_cookies) == 1
    assert browser.session_key is None


def test_begun_sign_in_is_of_one_browser(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    attacker = Browser()
    answer = attacker.authorize(op, initiate(attacker, {"iss": op.issuer}))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (400, "state_unknown")


def test_person_who_is_signed_in_stays_so_until_it_ends(op: OpenIDProvider, browser: Browser) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))
    key = browser.session_key

    initiate(browser, {"iss": op.issuer})

    assert (browser.user.username, browser.session_key) == ("somebody", key)


@both_methods
@pytest.mark.parametrize("samesite", ["Lax", "Strict"])
@pytest.mark.parametrize("user", ["bob", "carol"])
def test_third_party_replaces_nobodys_session(
    op: OpenIDProvider,
    browser: Browser,
    settings: Settings,
    assert_nothing_changed: NothingChanged,
    method: str,
    samesite: str,
    user: str,
) -> None:
    """Any page can begin it, also while the browser is signed in at the provider as somebody else."""
    Browser().sign_in(op, user="bob")
    browser.sign_in(op)
    settings.SESSION_COOKIE_SAMESITE = samesite
    browser.jar["sessionid"]["samesite"] = samesite
    begun = initiate(browser, {"iss": op.issuer}, method=method)
    answer = browser.authorize(op, begun, user)

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
        if samesite == "Strict":
            failure.response = browser.get(Markup(failure.response.content.decode()).links["Continue"])

    assert failure.seen == (403, "connect_user_changed")
    assert "Sign out first" in failure.response.content.decode()


def test_third_party_connects_nothing(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    browser.log_in(get_user_model().objects.create_user("somebody"))
    answer = browser.authorize(op, initiate(browser, {"iss": op.issuer}))

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (403, "connect_user_changed")


@both_methods
def test_person_who_is_signed_in_may_follow_the_link(op: OpenIDProvider, browser: Browser, method: str) -> None:
    browser.sign_in(op)

    begun = initiate(browser, {"iss": op.issuer, "target_link_uri": "/basket/"}, method=method)
    response = browser.end(browser.authorize(op, begun))

    assert (response.status_code, response["Location"], browser.user.username) == (302, "/basket/", "alice")


# iss


@both_methods
@pytest.mark.parametrize(
    "iss",
    [
        pytest.param([], id="missing"),
        pytest.param([""], id="empty"),
        pytest.param(["https://evil.example"], id="unknown"),
        pytest.param(["{issuer}", "{issuer}"], id="twice"),
        pytest.param(["{issuer}", "https://evil.example"], id="and another"),
        pytest.param(["https://evil.example", "{issuer}"], id="another and"),
        pytest.param(["{issuer}/"], id="slash"),
        pytest.param(["{issuer}/.well-known/openid-configuration"], id="document"),
        pytest.param(["{issuer}#"], id="fragment"),
        pytest.param(["{issuer}?x=1"], id="query"),
        pytest.param([" {issuer}"], id="space"),
        pytest.param(["{issuer}\n"], id="newline"),
        pytest.param(["{ISSUER}"], id="upper case"),
        pytest.param(["{issuer}\x00"], id="nul"),
        pytest.param(["http://169.254.169.254"], id="link-local"),
        pytest.param(["http://169.254.169.254/latest/meta-data/"], id="cloud metadata"),
        pytest.param(["http://127.0.0.1:1"], id="loopback"),
        pytest.param(["http://[::1]:1"], id="loopback 6"),
        pytest.param(["file:///etc/passwd"], id="file"),
        pytest.param(["https://" + "a" * 100_000], id="long"),
        pytest.param(["op"], id="key"),
    ],
)
def test_issuer_that_is_not_the_configured_one_is_not_even_asked(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged, iss: list[str], method: str
) -> None:
    """No request goes anywhere, not even to the provider whose document nobody has fetched yet (Core 4)."""
    named = [value.replace("{issuer}", op.issuer).replace("{ISSUER}", op.issuer.upper()) for value in iss]

    with assert_nothing_changed(browser) as failure:
        failure.response = initiate(browser, {"iss": named} if named else {}, method=method)

    assert failure.seen == (400, "iss_mismatch")
    assert op.requests == []
    assert not browser.flow_cookies
    assert "evil" not in failure.response.content.decode()


def test_issuer_of_another_provider_of_the_site(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(
        settings,
        "second",
        issuer="https://second.example",
        client_id="client",
        client_secret="secret",
        third_party_initiated_login=True,
    )

    assert initiate(browser, {"iss": op.issuer}, url="/oauth/second/initiate/").status_code == 400
    assert initiate(browser, {"iss": "https://second.example"}).status_code == 400


def test_issuer_comes_from_the_place_of_its_method(op: OpenIDProvider, browser: Browser) -> None:
    url = f"{URL}?{urlencode({'iss': op.issuer})}"

    assert browser.request("POST", url, {}, cross_site=True).status_code == 400


@pytest.mark.parametrize("slash", ["", "/"])
def test_issuer_is_spelled_as_the_document_spells_it(
    op: OpenIDProvider, browser: Browser, settings: Settings, slash: str
) -> None:
    """A discovery URL alone does not tell whether the issuer ends in a slash."""
    discovery_url = f"{op.base_url}/.well-known/openid-configuration"
    entry = {**settings.OIDC_LOGIN_PROVIDERS["op"], "discovery_url": discovery_url}
    settings.OIDC_LOGIN_PROVIDERS = {"op": {name: value for name, value in entry.items() if name != "issuer"}}
    op.bend("discovery", lambda good: Answer.of_json({**good.json, "issuer": op.base_url + slash}))

    statuses = [initiate(browser, {"iss": op.base_url + end}).status_code for end in ("", "/")]

    assert statuses == ([302, 400] if slash == "" else [400, 302])


def test_complete_metadata_needs_no_document(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", metadata=op.metadata())

    assert initiate(browser, {"iss": op.issuer}).status_code == 302
    assert op.requests == []


# target_link_uri


@both_methods
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
        "http://[",
        "/a\r\nSet-Cookie: x=y",
        "/\x00",
        "/" + "a" * 2048,
    ],
)
def test_target_elsewhere_is_dropped(op: OpenIDProvider, browser: Browser, target: str, method: str) -> None:
    begun = initiate(browser, {"iss": op.issuer, "target_link_uri": target}, method=method)

    assert browser.end(browser.authorize(op, begun))["Location"] == "/"


def test_target_given_twice_is_dropped(op: OpenIDProvider, browser: Browser) -> None:
    begun = initiate(browser, {"iss": op.issuer, "target_link_uri": ["/a/", "/b/"]})

    assert browser.end(browser.authorize(op, begun))["Location"] == "/"


def test_target_may_be_a_whole_url_of_this_site(op: OpenIDProvider, browser: Browser) -> None:
    begun = initiate(browser, {"iss": op.issuer, "target_link_uri": "http://testserver/basket/"})

    assert browser.end(browser.authorize(op, begun))["Location"] == "http://testserver/basket/"


# login_hint, and nothing else


@both_methods
@pytest.mark.parametrize("hint", ["alice@example.org", "älice & bob=1", "a" * 256])
def test_hint_is_passed_on(op: OpenIDProvider, browser: Browser, hint: str, method: str) -> None:
    begun = initiate(browser, {"iss": op.issuer, "login_hint": hint}, method=method)

    assert browser.begun[0]["login_hint"] == hint
    assert parse_qs(urlsplit(begun["Location"]).query)["state"] == [browser.begun[0]["state"]]


@pytest.mark.parametrize("hint", ["a" * 257, "a\r\nb", "a\x00", ["a", "b"], ""])
def test_hint_that_is_none_is_left_out(op: OpenIDProvider, browser: Browser, hint: Any) -> None:
    begun = initiate(browser, {"iss": op.issuer, "login_hint": hint})

    assert begun.status_code == 302
    assert "login_hint" not in browser.begun[0]


@both_methods
def test_third_party_chooses_nothing_else(op: OpenIDProvider, browser: Browser, method: str) -> None:
    asked = {
        "redirect_uri": "https://evil.example/",
        "client_id": "evil",
        "state": "fixed",
        "nonce": "fixed",
        "response_type": "token",
        "scope": "openid admin",
        "prompt": "none",
        "max_age": "99999",
        "acr_values": "0",
        "code_challenge": "fixed",
        "next": "/other/",
    }

    begun = initiate(browser, {"iss": op.issuer, **asked}, method=method)

    sent = browser.begun[0]
    assert not [name for name, value in asked.items() if sent.get(name) == value]
    assert browser.end(browser.authorize(op, begun))["Location"] == "/"


# Where it is open at all.


@both_methods
def test_closed_it_does_not_exist(
    op: OpenIDProvider, browser: Browser, settings: Settings, assert_nothing_changed: NothingChanged, method: str
) -> None:
    configure(settings, "op", third_party_initiated_login=False)

    with assert_nothing_changed(browser) as failure:
        failure.response = initiate(browser, {"iss": op.issuer}, method=method)

    assert failure.seen == (404, "provider_unknown")
    assert op.requests == []


def test_it_is_closed_unless_it_is_opened(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    entry = settings.OIDC_LOGIN_PROVIDERS["op"]
    settings.OIDC_LOGIN_PROVIDERS = {
        "op": {name: value for name, value in entry.items() if name != "third_party_initiated_login"}
    }

    assert initiate(browser, {"iss": op.issuer}).status_code == 404


def test_provider_without_openid_connect_has_none(github: GitHubStyleProvider, browser: Browser) -> None:
    assert initiate(browser, {"iss": ""}, url="/oauth/github/initiate/").status_code == 404
    assert initiate(browser, {"iss": github.base_url}, url="/oauth/github/initiate/").status_code == 404


def test_unknown_provider(op: OpenIDProvider, browser: Browser) -> None:
    assert initiate(browser, {"iss": op.issuer}, url="/oauth/nobody/initiate/").status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_nothing_is_begun_by_another_method(op: OpenIDProvider, browser: Browser, method: str) -> None:
    assert browser.request(method, f"{URL}?{urlencode({'iss': op.issuer})}").status_code == 405
    assert not browser.flow_cookies


@both_methods
@pytest.mark.parametrize("outcome", ["begun", "refused", "closed"])
def test_no_frame_shows_it(op: OpenIDProvider, browser: Browser, settings: Settings, outcome: str, method: str) -> None:
    """Also on a site without Django's middleware for that."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "XFrameOptions" not in name]
    configure(settings, "op", third_party_initiated_login=outcome != "closed")
    iss = "https://evil.example" if outcome == "refused" else op.issuer

    response = initiate(browser, {"iss": iss}, method=method)

    assert response["X-Frame-Options"] == "DENY"
    assert "no-store" in response["Cache-Control"]


def test_provider_that_is_down_is_503(
    op: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    op.bend("discovery", lambda _: Answer(status=500))

    with assert_nothing_changed(browser) as failure:
        failure.response = initiate(browser, {"iss": op.issuer})

    assert failure.seen == (503, "provider_unavailable")
