"""Room for many requests at once, and a place where they meet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from oidc_login.testing import Answer
from tests.support.served import RecordingOpenIDProvider
from tests.support.threads import SECONDS

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture(autouse=True)
def room_for_all(settings: Settings) -> None:
    """The races here are about what the database and the cache do with many."""
    settings.OIDC_LOGIN_MAX_EXCHANGES = settings.OIDC_LOGIN_MAX_EXCHANGES_PER_PROVIDER = 100


Meeting = Callable[[int], threading.Barrier]


@pytest.fixture
def meeting(op: RecordingOpenIDProvider) -> Meeting:
    """Let so many wait for each other inside the token request; a thread may also come to the barrier by itself."""

    def of(number: int) -> threading.Barrier:
        barrier = threading.Barrier(number, timeout=SECONDS)

        def wait(answer: Answer) -> Answer:
            barrier.wait()
            return answer

        op.bend("token", wait)
        return barrier

    return of


@pytest.fixture
def rounds() -> range:
    """How often a race is run whose outcome is a matter of chance: SQLite lets one write at a time anyway."""
    return range(5 if connection.vendor == "sqlite" else 15)
