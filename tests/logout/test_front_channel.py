"""A provider says through the browser that somebody has signed out there (Front-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.test import Client

from oidc_login.models import OAuthConnection
from oidc_login.testing import Answer, GitHubStyleProvider
from tests.hostile.rows import source
from tests.logout.notices import sid_of
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider, configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

URL = "/oauth/op/frontchannel-logout/"
ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]

Op = RecordingOpenIDProvider
Later = Callable[[float], None]


def signed_in(op: Op, user: str = "alice") -> tuple[Browser, str]:
    browser = Browser()
    browser.sign_in(op, user=user)
    return browser, sid_of(op)


def shown(browser: Browser) -> str:
    return str(browser.get("/").content.decode())


def load(op: Op, sid: str, *, url: str = URL, **more: Any) -> Any:
    """What a frame of the provider's page asks for: a browser brings no `Lax` cookie there."""
    return Client().get(url, {"iss": op.issuer, "sid": sid}, **more)


@source("oidcc-client-test-rp-frontchannel-rpinitlogout oidcc-client-test-rp-frontchannel-opinitlogout")
@pytest.mark.parametrize("engine", ENGINES)
def test_frame_ends_the_named_session_without_its_cookie(
    op: Op, settings: Settings, with_middleware: None, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    one, sid = signed_in(op)
    other, _ = signed_in(op)

    assert load(op, sid).status_code == 200
    assert [shown(browser) for browser in (one, other)] == ["", "alice"]


def test_cookie_that_comes_along_plays_no_part(op: Op) -> None:
    """Somebody else's session in the browser that loads the frame."""
    alice, _ = signed_in(op)
    bob, sid = signed_in(op, "bob")

    response = alice.get(URL, {"iss": op.issuer, "sid": sid})

    assert response.status_code == 200
    assert not response.cookies
    assert [shown(browser) for browser in (alice, bob)] == ["alice", ""]


def test_answer_is_not_stored_and_may_be_framed_by_the_provider_alone(op: Op) -> None:
    response = load(op, signed_in(op)[1])

    assert "no-store" in response["Cache-Control"]
    assert "X-Frame-Options" not in response
    assert response["Content-Security-Policy"] == f"default-src 'none'; frame-ancestors {op.base_url}"


def test_pages_of_the_provider_may_have_other_origins_than_its_issuer(op: Op, settings: Settings) -> None:
    authorize = "https://login.example:8443/tenant/authorize?x=1"
    configure(settings, "op", metadata={"authorization_endpoint": authorize, "end_session_endpoint": None})

    policy = load(op, "unknown")["Content-Security-Policy"]

    assert policy == f"default-src 'none'; frame-ancestors {op.base_url} https://login.example:8443"


def test_other_pages_of_the_site_are_framed_by_nobody(op: Op, browser: Browser) -> None:
    for path in ("/oauth/", "/oauth/logout/", "/oauth/op/login/", "/oauth/logout/done/"):
        assert browser.get(path)["X-Frame-Options"] == "DENY"


def test_unknown_session_is_ended_already(op: Op) -> None:
    browser, _ = signed_in(op)

    assert load(op, "unknown").status_code == 200
    assert shown(browser) == "alice"


QUERIES: list[Any] = [
    pytest.param(lambda op, sid: {"iss": op.issuer + "1", "sid": sid}, id="iss of another"),
    pytest.param(lambda op, sid: {"iss": op.issuer + "/", "sid": sid}, id="iss with a slash"),
    pytest.param(lambda op, sid: {"iss": "", "sid": sid}, id="iss empty"),
    pytest.param(lambda op, sid: {"sid": sid}, id="no iss"),
    pytest.param(lambda op, sid: {"iss": op.issuer}, id="no sid"),
    pytest.param(lambda op, sid: {}, id="neither"),
    pytest.param(lambda op, sid: {"iss": op.issuer, "sid": ""}, id="sid empty"),
    pytest.param(lambda op, sid: {"iss": op.issuer, "sid": [sid, sid]}, id="sid twice"),
    pytest.param(lambda op, sid: {"iss": [op.issuer, "x"], "sid": sid}, id="iss twice"),
    pytest.param(lambda op, sid: {"iss": op.issuer, "sid": sid + "\0"}, id="sid with a NUL"),
    pytest.param(lambda op, sid: {"iss": op.issuer, "sid": "s" * 10_000}, id="sid that is too long"),
]


@pytest.mark.parametrize("query", QUERIES)
def test_request_that_does_not_say_whose_session_ends_nothing(op: Op, query: Callable[[Op, str], Any]) -> None:
    browser, sid = signed_in(op)

    response = browser.get(URL, query(op, sid))

    assert response.status_code == 400
    assert "no-store" in response["Cache-Control"]
    assert shown(browser) == "alice"


def test_session_without_a_name_is_not_meant_by_an_empty_one(op: Op) -> None:
    """A provider that names no sessions: nobody is found by "nothing"."""

    def without_sid(token: Any) -> Any:
        token.claims.pop("sid")
        return token

    with op.bend("id_token", without_sid):
        browser, _ = signed_in(op)

    assert load(op, "").status_code == 400
    assert shown(browser) == "alice"


def test_session_of_another_provider_is_not_meant(op: Op, settings: Settings) -> None:
    configure(settings, "second", issuer=op.issuer, client_id="second", client_secret="x")
    browser, sid = signed_in(op)

    assert load(op, sid, url="/oauth/second/frontchannel-logout/").status_code == 200
    assert shown(browser) == "alice"


def test_other_methods_and_prefetches_end_nothing(op: Op) -> None:
    browser, sid = signed_in(op)
    query = f"?iss={op.issuer}&sid={sid}"

    for method in ("head", "post", "put", "options"):
        assert getattr(Client(), method)(URL + query).status_code == 405
    assert load(op, sid, headers={"sec-purpose": "prefetch;prerender"}).status_code == 503
    assert shown(browser) == "alice"


def test_unknown_provider_and_one_without_openid_connect(op: Op, github: GitHubStyleProvider) -> None:
    assert load(op, "x", url="/oauth/unknown/frontchannel-logout/").status_code == 404
    assert load(op, "x", url="/oauth/github/frontchannel-logout/").status_code == 400


def test_it_takes_no_tokens_away(op: Op) -> None:
    """Whoever knows the name of a session could do that: the provider's signed word is needed."""
    op.always_refresh_token = True
    _, sid = signed_in(op)

    load(op, sid)

    assert OAuthConnection.objects.get().refresh_token


def test_flood_while_the_provider_is_down_does_not_reach_it(op: Op, settings: Settings, later: Later) -> None:
    browser, sid = signed_in(op)
    cache.clear()
    configure(settings, "op", label="a new process")
    op.clear()
    with op.bend("discovery", lambda answer: Answer.of_json({}, status=500)):
        assert {load(op, sid).status_code for _ in range(20)} == {400}
        assert op.asked() == ["discovery"]

    later(6)

    assert load(op, sid).status_code == 200
    assert shown(browser) == ""


def test_name_of_the_session_is_not_logged(op: Op, caplog: pytest.LogCaptureFixture) -> None:
    _, sid = signed_in(op)

    load(op, sid)
    Client().get(URL, {"iss": "x", "sid": sid})

    assert sid not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("oidc_login"))
