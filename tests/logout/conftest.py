"""A site with `SessionLogout`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import Settings


MIDDLEWARE = "oidc_login.middleware.SessionLogout"


@pytest.fixture
def with_middleware(settings: Settings) -> None:
    """The site has `SessionLogout` where its documentation says."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
