"""The same site with a user model that has a UUID, an email and no username."""

from __future__ import annotations

from tests.settings.base import *  # noqa: F403
from tests.settings.base import INSTALLED_APPS as BASE_APPS

# The models of tests.usermodels inherit from Django's own user model, which this site does not have.
INSTALLED_APPS = [*(name for name in BASE_APPS if name != "tests.usermodels"), "tests.customuser"]
AUTH_USER_MODEL = "customuser.Member"
