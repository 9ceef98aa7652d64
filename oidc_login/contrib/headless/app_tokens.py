"""App tokens: opaque tokens for sessions without a cookie (`OIDC_LOGIN_APP_SESSIONS`).

The row of an app token is a `SignedInSession`, so that the token is listed on the sessions page, ended there, and ended
by the provider's logout tokens. The row is found by a hash, so the database holds no token that works.
`oidc_login.access_tokens.app_tokens` decides what a token opens.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.db import router, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.app_tokens import PREFIX, mark_of_token
from oidc_login.conf import django
from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.sessions.records import browser_name

SCHEME: Final = "Bearer "


@sensitive_variables()
def begin_app_session(request: HttpRequest, connection: OAuthConnection, *, sid: str) -> str:
    """Return a new app token for the owner of a connection; it lasts as long as a session cookie of the site."""
    token = PREFIX + secrets.token_urlsafe(32)
    SignedInSession.objects.using(router.db_for_write(SignedInSession)).create(
        mark=mark_of_token(token),
        user=connection.user,
        provider_key=connection.provider_key,
        issuer=connection.issuer,
        subject=connection.provider_user_id,
        sid=sid,
        browser=browser_name(request.META.get("HTTP_USER_AGENT", "")),
        expires_at=timezone.now() + lifetime(),
    )
    return token


@sensitive_variables()
def rotate_app_token(token: str) -> str | None:
    """Return the next token of an app session and invalidate this one; return `None` if it is not valid.

    Of two simultaneous requests with the same token, only one gets the next token.
    """
    next_token = PREFIX + secrets.token_urlsafe(32)
    using = router.db_for_write(SignedInSession)
    with transaction.atomic(using=using):
        rows = SignedInSession.objects.using(using).filter(pk=mark_of_token(token), expires_at__gt=timezone.now())
        row = rows.select_for_update().first()
        if row is None or not rows.delete()[0]:
            return None
        row.mark, row.expires_at = mark_of_token(next_token), timezone.now() + lifetime()
        row.save(force_insert=True, using=using)
    return next_token


def end_app_session(row: SignedInSession) -> None:
    """End an app session, which invalidates its token."""
    SignedInSession.objects.filter(pk=row.pk).delete()


def sent_token(request: HttpRequest) -> str:
    """Return the app token of the `Authorization` header, or "" (RFC 6750 2.1)."""
    header = request.headers.get("Authorization", "")
    token = header[len(SCHEME) :].strip() if header[: len(SCHEME)].lower() == SCHEME.lower() else ""
    return token if token.startswith(PREFIX) else ""


def lifetime() -> timedelta:
    return timedelta(seconds=django.SESSION_COOKIE_AGE)
