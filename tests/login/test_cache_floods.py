"""What strangers do over and over leaves the cache to others: Django's own keeps 300 entries, the latest ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from oidc_login.cache import BoundedMemory
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

pytestmark = pytest.mark.django_db
numbers = count()
TIMES = 350  # more entries than the cache holds


def keys() -> set[str]:
    return set(cache._cache)  # type: ignore[attr-defined]  # of LocMemCache


def begun(op: RecordingOpenIDProvider) -> None:
    Browser().begin()


def cancelled(op: RecordingOpenIDProvider) -> None:
    browser = Browser()
    browser.end(browser.authorize(op, browser.begin()).without("code").with_(error="access_denied"))


def refused(op: RecordingOpenIDProvider) -> None:
    """The provider does not know the code."""
    browser = Browser()
    browser.end(browser.authorize(op, browser.begin()).with_(code="made-up"))


def forged(op: RecordingOpenIDProvider) -> None:
    Client().get("/oauth/op/callback/", {"state": "s" * 43, "code": "c", "iss": op.issuer})


def front_channel(op: RecordingOpenIDProvider) -> None:
    query = {"iss": op.issuer, "sid": f"made-up {next(numbers)}"}
    assert Client().get("/oauth/op/frontchannel-logout/", query).status_code == 200


FLOODS = [begun, cancelled, refused, forged, front_channel]


@pytest.mark.parametrize("visit", FLOODS, ids=lambda visit: visit.__name__)
def test_visits_of_strangers_leave_a_bounded_number_of_entries(
    op: RecordingOpenIDProvider, visit: Callable[[RecordingOpenIDProvider], None]
) -> None:
    Browser().sign_in(op)
    before = keys()

    for _ in range(40):
        visit(op)

    assert len(keys() - before) <= 16


@pytest.mark.parametrize("visit", [cancelled, front_channel], ids=lambda visit: visit.__name__)
def test_flood_pushes_nothing_out_that_others_need(
    op: RecordingOpenIDProvider, visit: Callable[[RecordingOpenIDProvider], None]
) -> None:
    browser = Browser()
    answer = browser.authorize(op, browser.begin())
    thief = Browser()
    thief.jar, thief.begun = dict(browser.jar), browser.begun
    assert browser.end(answer).status_code == 302
    kept = keys()

    for _ in range(TIMES):
        visit(op)

    assert kept <= keys()
    op.clear()
    assert thief.end(answer).status_code == 400
    assert op.asked() == []


def test_flow_that_failed_stays_used_up(op: RecordingOpenIDProvider) -> None:
    browser = Browser()
    answer = browser.authorize(op, browser.begin())
    copy = Browser()
    copy.jar, copy.begun = dict(browser.jar), browser.begun
    kept = dict(copy.jar)
    browser.end(answer.with_(code="made-up"))
    op.clear()

    for _ in range(3):
        copy.jar = dict(kept)
        assert copy.end(answer).status_code == 400
    assert op.asked() == []


def test_failures_beyond_what_is_remembered_do_not_grow_the_entries() -> None:
    memory = BoundedMemory("test.", entries=2, names_each=3)
    names = [f"{number:08x}" for number in range(20)]
    for name in names:
        assert memory.add(name, timeout=60)

    assert [name for name in names if memory.includes(name)] == names[-6:]
    assert len([key for key in keys() if "test." in key]) == 2
    values: list[Any] = [cache.get("test.0"), cache.get("test.1")]
    assert [len(value) for value in values] == [3, 3]
