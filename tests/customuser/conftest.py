"""These tests need `--ds tests.settings.custom_user`: a process has one user model."""

from __future__ import annotations

from django.conf import settings

# The same providers, browser and invariant as for Django's own user model.
from tests.login.conftest import assert_nothing_changed as assert_nothing_changed
from tests.login.conftest import browser as browser
from tests.login.conftest import github as github
from tests.login.conftest import op as op
from tests.login.conftest import served_github as served_github
from tests.login.conftest import served_op as served_op
from tests.login.conftest import witness as witness

if settings.AUTH_USER_MODEL != "customuser.Member":
    collect_ignore_glob = ["test_*.py"]
