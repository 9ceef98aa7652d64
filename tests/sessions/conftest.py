"""A site with `SessionRefresh`, and sessions that grow old."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db import connection

from oidc_login.models import OAuthConnection
from oidc_login.session_state import KEYS
from tests.support.browser import Browser
from tests.support.served import RecordingOpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


MIDDLEWARE = ["oidc_login.middleware.SessionLogout", "oidc_login.middleware.SessionRefresh"]
IN_GRACE, OVERDUE = 60, 2 * 3600  # seconds past the time at which a session has to be confirmed


@pytest.fixture(autouse=True)
def site(settings: Settings) -> None:
    """The site has the middleware where its documentation says."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *MIDDLEWARE]
    settings.ROOT_URLCONF = "tests.sessions.urls"


@pytest.fixture
def refreshing_op(op: RecordingOpenIDProvider) -> RecordingOpenIDProvider:
    """A provider that gives refresh tokens, each of which works once."""
    op.always_refresh_token = op.rotate_refresh_tokens = True
    return op


def grow_old(browser: Browser, seconds: float = IN_GRACE) -> None:
    """Let the time at which the session has to be confirmed have passed so long ago."""
    change_session(browser, **{KEYS["confirm_at"]: time.time() - seconds})


def change_session(browser: Browser, **values: Any) -> None:
    session: Any = browser.session
    session.update(values)
    session.save()
    browser.jar["sessionid"].set("sessionid", session.session_key, session.session_key)


def forget_attempts() -> None:
    """Let the time pass for which others wait for an attempt."""
    for cache in caches.all():
        cache.clear()


def is_fresh(browser: Browser) -> bool:
    return bool(browser.session[KEYS["confirm_at"]] > time.time())


def the_connection() -> OAuthConnection:
    return OAuthConnection.objects.get()


def usernames() -> list[str]:
    return sorted(user.get_username() for user in get_user_model()._default_manager.all())


def remove_connections_beside_django() -> None:
    """Remove them by SQL of the site's own, so that no signal ends their sessions."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {OAuthConnection._meta.db_table}")  # noqa: S608
