"""A site, its provider, and the log of refusals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from tests.gate.world import Codes, World
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def codes() -> Iterator[Codes]:
    handler = Codes()
    logger = logging.getLogger("oidc_login")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def world(op: RecordingOpenIDProvider, settings: Settings, codes: Codes) -> World:
    cache.clear()
    return World(op, settings, codes)
