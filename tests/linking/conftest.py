"""An account that was there before, and the commits that notifications wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from tests.support.browser import Browser
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import DjangoCaptureOnCommitCallbacks


Commits = Callable[[], Any]


@pytest.fixture
def user() -> User:
    """Somebody with a password, and with Alice's address."""
    made: User = get_user_model().objects.create_user("existing", ALICE.email, "password")
    return made


@pytest.fixture
def signed_in(browser: Browser, user: User) -> Browser:
    browser.log_in(user)
    return browser


@pytest.fixture
def committing(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Commits:
    """Run at the end of the block what waits for the commit: `with committing(): ...`."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
