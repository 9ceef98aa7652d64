"""The site and the provider of the hostile tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.hostile.stage import Stage
from tests.support.invariant import Witness
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def stage(op: RecordingOpenIDProvider, settings: Settings, witness: Witness, later: Callable[[float], None]) -> Stage:
    """A site that asks userinfo at every sign-in, so that a good one passes every endpoint of the provider."""
    return Stage(op, settings, witness, later)
