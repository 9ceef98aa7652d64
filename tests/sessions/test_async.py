"""The same in front of asynchronous views, under ASGI."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.sessions.conftest import OVERDUE, grow_old, is_fresh, remove_connections_beside_django
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

pytestmark = pytest.mark.django_db(transaction=True)


def asynchronously(browser: Browser, url: str, **headers: str) -> Any:
    """What an asynchronous server answers to this browser."""
    client = AsyncClient()
    for name, morsel in browser.jar.items():
        client.cookies[name] = morsel.value
    return async_to_sync(client.get)(url, headers=headers or None)


@pytest.mark.parametrize("url", ["/slow/", "/api/"])
def test_refresh_token(refreshing_op: RecordingOpenIDProvider, browser: Browser, url: str) -> None:
    browser.sign_in(refreshing_op)
    grow_old(browser, OVERDUE)

    response = asynchronously(browser, url)

    assert response.status_code == 200
    assert b"alice" in response.content
    assert is_fresh(browser)


def test_prompt_none(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    grow_old(browser)

    response = asynchronously(browser, "/slow/")

    assert response.status_code == 302
    assert "prompt=none" in response["Location"]
    assert asynchronously(browser, "/slow/").content == b"alice", "one attempt at a time"


def test_script(op: RecordingOpenIDProvider, browser: Browser) -> None:
    browser.sign_in(op)
    grow_old(browser)

    assert asynchronously(browser, "/slow/", accept="application/json").status_code == 401


def test_session_that_is_over(op: RecordingOpenIDProvider, browser: Browser) -> None:
    """The view does not see the person whom Django has found for an asynchronous middleware before."""
    browser.sign_in(op)
    grow_old(browser)
    remove_connections_beside_django()

    assert asynchronously(browser, "/slow/").content == b"nobody"
