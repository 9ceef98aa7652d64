"""A provider that answers slowly: the people who come from it wait, and nobody else does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.test import Client

from oidc_login.testing import Answer
from tests.concurrency.test_sign_ins import begun
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 16
ANSWER = 1.5  # seconds that the provider takes
SIGN_INS_A_SECOND = 20  # all threads would be held after less than a second
SECONDS = 3


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[], int]], Future[tuple[int, float]]]]:
    """A site with so many threads; of each request, its status and how long its browser waited."""
    with ThreadPoolExecutor(THREADS) as threads:

        def ask(request: Callable[[], int]) -> Future[tuple[int, float]]:
            came = time.monotonic()

            def answer() -> tuple[int, float]:
                try:
                    return request(), time.monotonic() - came
                finally:
                    connections.close_all()

            return threads.submit(answer)

        yield ask


def test_other_pages_do_not_wait(
    op: RecordingOpenIDProvider, settings: Settings, server: Callable[[Callable[[], int]], Future[tuple[int, float]]]
) -> None:
    settings.OIDC_LOGIN_MAX_EXCHANGES, settings.OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER = 12, 8  # the defaults
    visits = [begun(op) for _ in range(SIGN_INS_A_SECOND * SECONDS)]

    def slowly(good: Answer) -> Answer:
        good.delay = ANSWER
        return good

    sign_ins, pages = [], []
    with op.bend("token", slowly):
        for browser, answer in visits:
            sign_ins.append(server(lambda b=browser, a=answer: int(b.end(a).status_code)))  # type: ignore[misc]
            pages.append(server(lambda: Client().get("/").status_code))
            time.sleep(1 / SIGN_INS_A_SECOND)
        ended = [future.result() for future in sign_ins]
        seen = [future.result() for future in pages]

    assert {status for status, _ in seen} == {200}
    assert statistics.median(seconds for _, seconds in seen) < 0.2
    assert {status for status, _ in ended} == {302, 503}
    assert statistics.median(seconds for status, seconds in ended if status == 503) < 0.2
    # As many as there are places were signed in again and again, and a refused one costs the provider nothing.
    worked = [status for status, _ in ended].count(302)
    assert worked == op.asked().count("token") >= 8
    # No answer was missing, so nothing is shut off.
    browser, answer = begun(op)
    assert browser.end(answer).status_code == 302
