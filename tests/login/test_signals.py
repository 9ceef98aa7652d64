"""What a site hears of sign-ins: which signals, with what, and never a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model

from oidc_login.exceptions import OAuthError
from oidc_login.models import OAuthConnection
from oidc_login.testing import OpenIDProvider
from tests.support.browser import Browser
from tests.support.served import ALICE
from tests.support.signals import Heard

if TYPE_CHECKING:
    from pytest_django import DjangoCaptureOnCommitCallbacks

pytestmark = pytest.mark.django_db


def sign_in(
    op: OpenIDProvider, capture: DjangoCaptureOnCommitCallbacks, user: str | None = "alice", view: str = "login"
) -> Browser:
    browser = Browser()
    if view == "connect":
        browser.log_in(get_user_model().objects.create_user("somebody"))
    with capture(execute=True):
        browser.end(browser.authorize(op, browser.begin(view=view), user))
    return browser


def test_sign_up(
    op: OpenIDProvider, heard: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    browser = sign_in(op, django_capture_on_commit_callbacks)

    told = dict(heard)
    assert sorted(told) == ["connection_created", "user_signed_up"]
    for arguments in told.values():
        assert arguments["sender"] is OAuthConnection
        assert arguments["provider"] == "op"
        assert arguments["request"].path == "/oauth/op/callback/"
        assert arguments["connection"] == OAuthConnection.objects.get()
    assert told["user_signed_up"]["user"] == browser.user


def test_sign_in_again(
    op: OpenIDProvider, heard: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    sign_in(op, django_capture_on_commit_callbacks)
    heard.clear()

    sign_in(op, django_capture_on_commit_callbacks)

    ((name, arguments),) = heard
    assert name == "connection_updated"
    assert arguments["connection"].user.username == "alice"


@pytest.mark.parametrize("view", ["login", "connect"])
def test_link_and_connect(
    op: OpenIDProvider,
    heard: Heard,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    view: str,
) -> None:
    get_user_model().objects.create_user("existing", ALICE.email)

    sign_in(op, django_capture_on_commit_callbacks, view=view)

    assert [name for name, _ in heard] == ["connection_created"]


@pytest.mark.parametrize(("user", "code"), [(None, "cancelled"), ("bob", "email_not_verified")])
def test_failure(
    op: OpenIDProvider,
    heard: Heard,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    user: str | None,
    code: str,
) -> None:
    op.users.change("bob", email="existing@example.org")
    get_user_model().objects.create_user("existing", "existing@example.org")

    sign_in(op, django_capture_on_commit_callbacks, user)

    ((name, arguments),) = heard
    assert name == "login_failed"
    assert (arguments["sender"], arguments["provider"]) == (OAuthConnection, "op")
    assert isinstance(arguments["error"], OAuthError)
    assert arguments["error"].code == code
    assert arguments["request"].path == "/oauth/op/callback/"


def test_signals_carry_no_token(
    op: OpenIDProvider, heard: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    sign_in(op, django_capture_on_commit_callbacks)
    token = OAuthConnection.objects.get().access_token

    assert token not in repr(heard)
