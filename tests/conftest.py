"""What the tests of every room share: no network, empty caches, and the fixtures of tests/support."""

from __future__ import annotations

import errno
import sys
from typing import Any

import pytest
from django.core.cache import caches
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

# One xdist worker each: their provider or browser is started once.
ONE_WORKER = ("interop", "browser")

pytest_plugins = ["tests.support.fixtures"]


def pytest_configure() -> None:
    """The suite speaks to loopback alone: anything else fails as an unreachable network does."""
    sys.addaudithook(refuse_other_machines)
    # A busy machine makes no example wrong.
    hypothesis_settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis_settings.load_profile("suite")


def refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a connection that would leave this machine."""
    if event != "socket.connect":
        return
    address = arguments[1]
    # A string is the path of a Unix socket.
    if isinstance(address, tuple) and not is_loopback(str(address[0])):
        raise OSError(errno.ENETUNREACH, "tests speak to loopback alone")


def is_loopback(host: str) -> bool:
    """Say whether a socket's host is this machine."""
    return host in ("localhost", "::1", "") or host.startswith("127.")


# First, because xdist reads the groups in a hook of its own.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests together that share something slow to start."""
    for item in items:
        for name in ONE_WORKER:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    """No test finds another's used flows, discovery documents or key sets."""
    # Before the test and not after it: a test that changed CACHES leaves none behind that counts as initialized.
    for cache in caches.all():
        cache.clear()
