"""What the tests of front ends share: the site with its endpoints, and a page of another origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.headless.frontend import ORIGIN, FrontEnd
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def site(op: RecordingOpenIDProvider, settings: Settings) -> Settings:
    """A site with the endpoints at `api/auth/` and one front end."""
    settings.ROOT_URLCONF = "tests.headless.urls"
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "oidc_login.contrib.headless"]
    settings.OIDC_LOGIN_FRONTEND_ORIGINS = [ORIGIN]
    settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
    return settings


@pytest.fixture
def frontend(site: Settings) -> FrontEnd:
    return FrontEnd()
