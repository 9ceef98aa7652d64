"""The providers, the browser and the invariant are those of tests/login; here they meet the hostile tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.hostile.stage import Stage
from tests.login.conftest import (
    assert_nothing_changed,
    browser,
    github,
    later,
    op,
    served_github,
    served_op,
    witness,
)
from tests.login.invariant import Witness
from tests.login.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

__all__ = [
    "assert_nothing_changed",
    "browser",
    "github",
    "later",
    "op",
    "served_github",
    "served_op",
    "stage",
    "witness",
]


@pytest.fixture
def stage(op: RecordingOpenIDProvider, settings: Settings, witness: Witness, later: Callable[[float], None]) -> Stage:
    """A site that asks userinfo at every sign-in, so that a good one passes every endpoint of the provider."""
    return Stage(op, settings, witness, later)
