"""A site, its provider, and the log of refusals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from tests.gate.world import Codes, World
from tests.login.conftest import op, served_op, witness
from tests.login.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

__all__ = ["op", "served_op", "witness"]


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
def world(op: RecordingOpenIDProvider, settings: Settings, codes: Codes) -> World:  # noqa: F811  # a fixture
    cache.clear()
    return World(op, settings, codes)
