"""A link that waits for its person to sign in to the account once (they may not be who opened it).

What waits is kept in the session, encrypted with the keys for tokens. `complete` is called for every sign-in of
the site, by whatever backend: by the very user, the link is made; by anybody else's, it is dropped.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, router, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from . import sealing, signals
from .claims import Identity, storable
from .conf import django, settings
from .models import LinkReason, OAuthConnection, Status
from .providers.base import OAuthToken

SESSION_KEY = "oidc_login_waiting_link"
COOKIE_SESSIONS = "django.contrib.sessions.backends.signed_cookies"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLink:
    """An identity, the account that it is to be linked to, and until when."""

    user_key: str
    expires_at: int
    provider_key: str
    issuer: str
    subject: str = field(repr=False)
    email: str = field(repr=False)
    email_verified: bool
    claims: dict[str, Any] = field(repr=False)
    token: dict[str, Any] | None = field(repr=False)
    status: str


@sensitive_variables()
def keep(
    request: HttpRequest, *, identity: Identity, token: OAuthToken | None, user: AbstractBaseUser, expires_at: int
) -> None:
    """Let a sign-in wait; without its tokens where the session is a cookie, which they would not fit."""
    fits = django.SESSION_ENGINE != COOKIE_SESSIONS
    waiting = WaitingLink(
        user_key=str(user.pk),
        expires_at=expires_at,
        provider_key=identity.provider_key,
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email,
        email_verified=identity.email_verified,
        claims=storable(identity.claims, wanted=settings.CLAIMS) if fits else {},
        token=asdict(token) if token is not None and fits else None,
        status=Status.OK if token is None or fits else Status.NEEDS_REAUTH,
    )
    plain = json.dumps(asdict(waiting), default=datetime.isoformat).encode()
    request.session[SESSION_KEY] = sealing.seal(
        plain, purpose="waiting_link", associated_data=b"", secrets=sealing.token_keys()
    )


@sensitive_variables()
def waiting_link(request: HttpRequest) -> WaitingLink | None:
    """Return what waits in this browser and has not expired."""
    sealed = request.session.get(SESSION_KEY)
    if not isinstance(sealed, str):
        return None
    try:
        plain = sealing.unseal(sealed, purpose="waiting_link", associated_data=b"", secrets=sealing.token_keys())
    except sealing.SealError:
        return None
    waiting = WaitingLink(**json.loads(plain))
    return waiting if time.time() <= waiting.expires_at else None


@sensitive_variables()
def complete(sender: object, *, request: HttpRequest | None, user: AbstractBaseUser, **kwargs: Any) -> None:
    """Make the link that waits for this user; drop what waits for somebody else (`user_logged_in`)."""
    if request is None or not hasattr(request, "session") or SESSION_KEY not in request.session:
        return
    waiting = waiting_link(request)
    del request.session[SESSION_KEY]
    if waiting is None or waiting.user_key != str(user.pk):
        return
    connection = make_connection(waiting, user)
    if connection is None:
        return
    signals.connection_created.send(
        OAuthConnection, request=request, provider=waiting.provider_key, connection=connection
    )
    messages.success(request, _("The identity is connected to your account."), fail_silently=True)


@sensitive_variables()
def make_connection(waiting: WaitingLink, user: AbstractBaseUser) -> OAuthConnection | None:
    """Return the new connection; `None` where the identity, or the place for it, was taken meanwhile."""
    same_provider = {"provider_key": waiting.provider_key, "issuer": waiting.issuer}
    connection = OAuthConnection(
        **same_provider,
        user=user,  # type: ignore[misc]  # of whatever model the site uses
        provider_user_id=waiting.subject,
        email=waiting.email,
        email_verified=waiting.email_verified,
        claims=waiting.claims,
        link_reason=LinkReason.CONFIRMED,
        status=waiting.status,
    )
    if waiting.token:
        connection.set_token(token_of(waiting.token))
    try:
        with transaction.atomic(using=router.db_for_write(OAuthConnection)):
            connection.save(force_insert=True)
            others = OAuthConnection.objects.filter(user_id=user.pk, **same_provider).exclude(pk=connection.pk)
            if others.exists():
                raise IntegrityError("another identity of this provider")
    except IntegrityError:
        return None
    return connection


@sensitive_variables()
def token_of(values: dict[str, Any]) -> OAuthToken:
    times = {
        name: datetime.fromisoformat(values[name]) if values[name] else None
        for name in ("access_token_expires_at", "refresh_token_expires_at")
    }
    return OAuthToken(**{**values, **times})
