"""What meets while an identity is connected or linked: accounts that lost a right, and others that came first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.db import connection

from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ALL_USERS = "django.contrib.auth.backends.AllowAllUsersModelBackend"


def test_inactive_user_connects_nothing(
    op: OpenIDProvider, signed_in: Browser, user: User, settings: Settings, assert_nothing_changed: NothingChanged
) -> None:
    settings.AUTHENTICATION_BACKENDS = [ALL_USERS, "oidc_login.backends.OIDCLoginBackend"]
    session = signed_in.session
    session[BACKEND_SESSION_KEY] = ALL_USERS
    session.save()
    answer = signed_in.authorize(op, signed_in.begin(view="connect"))
    User.objects.update(is_active=False)

    with assert_nothing_changed(signed_in) as failure:
        failure.response = signed_in.end(answer)

    assert failure.seen == (403, "connect_user_changed")


def test_second_identity_that_came_a_moment_earlier_is_seen_behind_the_lock(
    op: OpenIDProvider, browser: Browser, user: User
) -> None:
    """Two identities with the account's address at once: one is linked, the other is told of a conflict."""
    answer = browser.authorize(op, browser.begin())
    earlier = OAuthConnection(user=user, provider_key="op", issuer=op.issuer, provider_user_id="another")

    def come_earlier(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and User._meta.db_table in sql and earlier.pk is None:
            earlier.save()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(come_earlier):
        response = browser.end(answer)

    assert earlier.pk is not None
    assert (response.status_code, browser.user) == (409, None)
