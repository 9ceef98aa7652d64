"""The same site with a user model that has a UUID, an email and no username."""

from __future__ import annotations

from tests.settings.base import *  # noqa: F403
from tests.settings.base import INSTALLED_APPS as BASE_APPS

INSTALLED_APPS = [*BASE_APPS, "tests.customuser"]
AUTH_USER_MODEL = "customuser.Member"
