"""A client secret that is being replaced: people sign in with the old one, with both, and with the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from oidc_login.testing import OpenIDProvider, ProviderRequest
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

OLD, NEW = "the old secret of the client", "the new secret of the client"


@pytest.fixture
def rotating(op: OpenIDProvider, settings: Settings) -> OpenIDProvider:
    """The site knows both secrets already; the provider still wants the old one."""
    configure(settings, "op", client_secret=[NEW, OLD], token_endpoint_auth_method="client_secret_post")
    op.client_secret = OLD
    return op


def token_requests(op: OpenIDProvider) -> list[ProviderRequest]:
    return [request for request in op.requests if request.endpoint == "token"]


def secrets_tried(op: OpenIDProvider) -> list[str]:
    tried = [request.form["client_secret"] for request in token_requests(op)]
    op.clear()
    return tried


def test_next_secret_is_tried_with_the_same_code(rotating: OpenIDProvider, browser: Browser) -> None:
    """The server judges the client before the code (RFC 6749 3.2.1), so the code is still good."""
    assert browser.sign_in(rotating).status_code == 302

    first, second = token_requests(rotating)
    assert first.form["code"] == second.form["code"]
    assert secrets_tried(rotating) == [NEW, OLD]
    assert browser.user.username == "alice"


def test_secret_that_worked_is_tried_first_from_then_on(rotating: OpenIDProvider, browser: Browser) -> None:
    browser.sign_in(rotating)
    secrets_tried(rotating)

    browser.sign_in(rotating)
    assert secrets_tried(rotating) == [OLD]

    rotating.client_secret = NEW
    browser.sign_in(rotating)
    assert secrets_tried(rotating) == [OLD, NEW]

    browser.sign_in(rotating)
    assert secrets_tried(rotating) == [NEW]


def test_neither_secret_is_right(
    rotating: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    rotating.client_secret = "a third one"
    answer = browser.authorize(rotating, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == (502, "client_refused")
    assert secrets_tried(rotating) == [NEW, OLD]


def test_code_that_is_refused_costs_one_request(
    rotating: OpenIDProvider, browser: Browser, assert_nothing_changed: NothingChanged
) -> None:
    rotating.client_secret = NEW
    answer = browser.authorize(rotating, browser.begin())

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer.with_(code="c" * 20))

    assert failure.seen == (400, "code_refused")
    assert secrets_tried(rotating) == [NEW]
