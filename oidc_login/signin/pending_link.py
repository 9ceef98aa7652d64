"""A link that waits for its person to sign in to the account once (they may not be who opened it).

What waits is kept in the session, encrypted with the keys for tokens. `complete` is called for every sign-in of
the site, by whatever backend: by the very user, the link is made; by anybody else's, it is dropped. Whatever is
wrong with what waits, the sign-in itself goes on.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.db import IntegrityError, OperationalError, router, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from oidc_login import sealing, signals
from oidc_login.models import LinkReason, OAuthConnection, Status
from oidc_login.providers.values import OAuthToken
from oidc_login.signin import linking
from oidc_login.signin.claims import Identity, storable
from oidc_login.user_model import lock_user

logger = logging.getLogger(__name__)

SESSION_KEY = "oidc_login_waiting_link"


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
    request: HttpRequest,
    *,
    identity: Identity,
    wanted: Iterable[str],
    judged: Mapping[str, Any],
    token: OAuthToken | None,
    user: AbstractBaseUser,
    expires_at: int,
) -> None:
    """Let a sign-in wait; without its tokens where the session is a cookie, which they would not fit."""
    fits = not isinstance(request.session, CookieSession)
    waiting = WaitingLink(
        user_key=str(user.pk),
        expires_at=expires_at,
        provider_key=identity.provider_key,
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email,
        email_verified=identity.email_verified,
        claims=storable(identity.claims, wanted=wanted, judged=judged) if fits else {},
        token={**asdict(token), "id_token": ""} if token is not None and fits else None,
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
    try:
        waiting = WaitingLink(**json.loads(plain))
    except TypeError:  # sealed by another version of this package
        return None
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
        logger.info("a link that waited was not made at %s", waiting.provider_key)
        return
    transaction.on_commit(lambda: tell(request, connection), using=router.db_for_write(OAuthConnection), robust=True)


def tell(request: HttpRequest, connection: OAuthConnection) -> None:
    """Tell the person, the log and the site of the new connection."""
    messages.success(request, _("The account has been connected."), fail_silently=True)
    reason = linking.REASONS[LinkReason.CONFIRMED]
    linking.note(reason, connection)
    signals.connection_created.send(
        OAuthConnection, request=request, provider=connection.provider_key, connection=connection, reason=reason
    )


@sensitive_variables()
def make_connection(waiting: WaitingLink, user: AbstractBaseUser) -> OAuthConnection | None:
    """Return the new connection; `None` where the identity, or the place for it, was taken meanwhile."""
    connection = OAuthConnection(
        user=user,  # type: ignore[misc]  # of whatever model the site uses
        provider_key=waiting.provider_key,
        issuer=waiting.issuer,
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
            lock_user(user)
            if linking.has_other_identity(user, waiting.provider_key, waiting.issuer, waiting.subject):
                return None
            connection.save(force_insert=True)
    except (IntegrityError, OperationalError):  # somebody else's by now, or a lock
        return None
    return connection


@sensitive_variables()
def token_of(values: dict[str, Any]) -> OAuthToken:
    times = {
        name: datetime.fromisoformat(values[name]) if values[name] else None
        for name in ("access_token_expires_at", "refresh_token_expires_at")
    }
    return OAuthToken(**{**values, **times})
