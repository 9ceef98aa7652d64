"""The providers, the browser and the invariant are those of tests/login; here are the accounts beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from oidc_login import signals
from tests.login.browser import Browser
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
from tests.login.served import ALICE

if TYPE_CHECKING:
    from pytest_django import DjangoCaptureOnCommitCallbacks

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

Commits = Callable[[], Any]
Heard = list[tuple[str, dict[str, Any]]]
NAMES = ("user_signed_up", "connection_created", "connection_updated", "connection_removed", "login_failed")


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


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The signals that a site hears, in order."""
    told: Heard = []
    receivers = []
    for name in NAMES:

        def receive(name: str = name, **kwargs: Any) -> None:
            told.append((name, kwargs))

        receivers.append((name, receive))
        getattr(signals, name).connect(receive)
    yield told
    for name, receiver in receivers:
        getattr(signals, name).disconnect(receiver)
