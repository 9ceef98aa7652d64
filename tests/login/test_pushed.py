"""Sign-ins whose request is pushed to the provider first, where it or the site wants that (RFC 9126)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_login.testing import Answer, OpenIDProvider
from oidc_login.testing.authorize_page import AuthorizationRefused
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def query_of(begun: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(begun["Location"]).query)


@pytest.fixture
def strict(op: OpenIDProvider) -> OpenIDProvider:
    """A provider that takes no request from a browser."""
    op.require_pushed_authorization_requests = True
    return op


def test_provider_that_requires_it_gets_everything_directly(strict: OpenIDProvider, browser: Browser) -> None:
    begun = browser.begin(next="/basket/")

    assert begun["Location"].startswith(strict.authorization_endpoint + "?")
    assert query_of(begun).keys() == {"client_id", "request_uri"}
    (pushed,) = [request for request in strict.requests if request.endpoint == "par"]
    assert {"scope", "state", "nonce", "code_challenge", "redirect_uri"} <= pushed.form.keys()
    assert (pushed.form["response_type"], pushed.form["code_challenge_method"]) == ("code", "S256")
    assert pushed.headers["authorization"].startswith("Basic ")
    assert "client_secret" not in pushed.form

    ended = browser.end(browser.authorize(strict, begun))

    assert (ended.status_code, ended["Location"]) == (302, "/basket/")
    assert browser.user.username == "alice"


def test_site_can_want_it(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", push_authorization_requests=True)

    begun = browser.begin()

    assert query_of(begun).keys() == {"client_id", "request_uri"}
    assert browser.end(browser.authorize(op, begun)).status_code == 302
    assert browser.user.username == "alice"


def test_nothing_is_pushed_by_itself(op: OpenIDProvider, browser: Browser) -> None:
    assert "state" in query_of(browser.begin())
    assert "par" not in op.asked()


def test_each_flow_has_its_own(strict: OpenIDProvider, browser: Browser) -> None:
    first, second = browser.begin(), browser.begin()

    assert query_of(first)["request_uri"] != query_of(second)["request_uri"]
    assert browser.end(browser.authorize(strict, second)).status_code == 302
    assert browser.end(browser.authorize(strict, first, "alice")).status_code == 302


def test_request_that_was_not_pushed_is_refused_there(op: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    """The provider of the tests keeps what it promises."""
    begun = browser.begin()
    op.require_pushed_authorization_requests = True

    with pytest.raises(AuthorizationRefused, match="has to be pushed"):
        browser.authorize(op, begun)


def test_next_secret_is_tried_here_too(strict: OpenIDProvider, browser: Browser, settings: Settings) -> None:
    configure(settings, "op", client_secret=["a newer secret", strict.client_secret])

    begun = browser.begin()

    assert strict.asked().count("par") == 2
    assert browser.end(browser.authorize(strict, begun)).status_code == 302
    assert strict.asked().count("token") == 1


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Answer.of_json({"error": "invalid_client"}, status=401), (502, "client_refused")),
        (Answer.of_json({"error": "invalid_request"}, status=400), (502, "token_response_invalid")),
        (Answer.of_json({"request_uri": ""}, status=201), (502, "token_response_invalid")),
        (Answer(status=503), (503, "provider_unavailable")),
    ],
    ids=["the client is refused", "the request is refused", "no request_uri", "down"],
)
def test_request_that_cannot_be_pushed_begins_nothing(
    strict: OpenIDProvider,
    browser: Browser,
    answer: Answer,
    seen: tuple[int, str],
    assert_nothing_changed: NothingChanged,
) -> None:
    with strict.bend("par", lambda good: answer), assert_nothing_changed(browser) as failure:
        failure.response = browser.begin()

    assert failure.seen == seen
    assert browser.flow_cookies == {}
    assert browser.end(browser.authorize(strict, browser.begin())).status_code == 302


def test_provider_without_the_endpoint(
    strict: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    def without(good: Answer) -> Answer:
        return Answer.of_json(
            {name: value for name, value in good.json.items() if name != "pushed_authorization_request_endpoint"}
        )

    with strict.bend("discovery", without), assert_nothing_changed(browser) as failure:
        failure.response = browser.begin()

    assert failure.seen == (502, "metadata_invalid")
