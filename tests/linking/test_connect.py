"""Connecting where the site's own backend lets in whom ours would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User

from oidc_login.testing import OpenIDProvider
from tests.login.browser import Browser
from tests.login.invariant import NothingChanged

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
