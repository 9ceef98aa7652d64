"""The providers, the browser and the invariant are those of tests/login; here people sign out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
    "witness",
]

MIDDLEWARE = "oidc_login.middleware.SessionLogout"


@pytest.fixture
def with_middleware(settings: Settings) -> None:
    """The site has `SessionLogout` where its documentation says."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
