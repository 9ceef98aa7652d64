"""The provider's own requests to the site."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.test import Client

from oidc_login.testing import UnsignedToken
from oidc_login.testing.application import FORM
from tests.hostile.rows import changed
from tests.support.served import RecordingOpenIDProvider


def post_body(body: bytes | str, *, key: str = "op", content_type: str = FORM, **extra: Any) -> Any:
    """Post to the back-channel URL as a server does: without cookies and without a CSRF token."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return client.post(f"/oauth/{key}/backchannel-logout/", data=body, content_type=content_type, **extra)


def notify(token: Any, *, key: str = "op") -> Any:
    """Post a logout token (Back-Channel Logout 2.5)."""
    return post_body(urlencode({"logout_token": token}), key=key)


def sid_of(op: RecordingOpenIDProvider) -> str:
    """The session at the provider that began last."""
    return list(op.sessions)[-1]


def logout_token(op: RecordingOpenIDProvider, *, sub: str = "", sid: str = "", **claims: Any) -> str:
    """A logout token with claims that are set, or left out (`ABSENT`)."""

    def change(token: UnsignedToken) -> UnsignedToken:
        token.claims = changed(token.claims, claims)
        return token

    with op.bend("logout_token", change):
        return str(op.logout_notices.token(sub=sub, sid=sid))
