"""A pending link: its person has to sign in to the account once, since somebody else may have opened it.

It is kept in the session, encrypted with the keys for tokens. Every sign-in of the site, by any backend, completes it:
the sign-in of this user makes the link, the sign-in of anybody else drops it. An error in it never stops the sign-in.
"""

from __future__ import annotations

import logging
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

from oidc_login import events, sealing, signals
from oidc_login.models import LinkReason, OAuthConnection, Status
from oidc_login.providers.values import OAuthToken
from oidc_login.session_state import read_state, write_state
from oidc_login.signin import linking
from oidc_login.signin.claims import Identity, storable
from oidc_login.user_model import lock_user

logger = logging.getLogger(__name__)

PURPOSE = "waiting_link"  # of the seal; links of earlier versions have it too


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLink:
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
def keep_pending_link(
    request: HttpRequest,
    *,
    identity: Identity,
    wanted: Iterable[str],
    judged: Mapping[str, Any],
    token: OAuthToken | None,
    user: AbstractBaseUser,
    expires_at: int,
) -> None:
    """Keep a sign-in until it is confirmed; without its tokens if the session is a cookie, which they would not fit."""
    fits = not isinstance(request.session, CookieSession)
    pending = PendingLink(
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
    sealed = sealing.seal_json(
        asdict(pending), purpose=PURPOSE, bound_to=b"", secrets=sealing.token_keys(), default=datetime.isoformat
    )
    write_state(request.session, pending_link=sealed)


@sensitive_variables()
def read_pending_link(request: HttpRequest) -> PendingLink | None:
    """Return the pending link of this browser, if it has not expired."""
    sealed = read_state(request.session).pending_link
    if not isinstance(sealed, str):
        return None
    try:
        values = sealing.unseal_json(
            sealed,
            purpose=PURPOSE,
            bound_to=b"",
            secrets=sealing.token_keys(),
            expires_at=lambda pending: float(pending["expires_at"]),
        )
        return PendingLink(**values)
    except (sealing.SealError, TypeError, KeyError):  # the last two: sealed by another version of this package
        return None


@sensitive_variables()
def complete_pending_link(
    sender: object, *, request: HttpRequest | None, user: AbstractBaseUser, **kwargs: Any
) -> None:
    """Make the link that is pending for this user, or drop that of another (`user_logged_in`)."""
    if request is None or not hasattr(request, "session") or not read_state(request.session).pending_link:
        return
    pending = read_pending_link(request)
    write_state(request.session, pending_link=None)
    if pending is None or pending.user_key != str(user.pk):
        return
    connection = make_connection(pending, user)
    if connection is None:
        extra = {"provider": pending.provider_key}
        logger.info("pending link not made: provider=%s", pending.provider_key, extra=extra)
        return
    events.after_commit(lambda: announce(request, connection), connection=connection, robust=True)


def announce(request: HttpRequest, connection: OAuthConnection) -> None:
    """Show the person the new connection, log it, and send its signal."""
    messages.success(request, _("The account has been connected."), fail_silently=True)
    reason = linking.REASONS[LinkReason.CONFIRMED]
    events.log_decision(signals.connection_created, connection, request=request, reason=reason)


@sensitive_variables()
def make_connection(pending: PendingLink, user: AbstractBaseUser) -> OAuthConnection | None:
    """Return the new connection; `None` if the identity, or its place at this account, was taken since."""
    connection = OAuthConnection(
        user=user,  # type: ignore[misc]  # of whatever model the site uses
        provider_key=pending.provider_key,
        issuer=pending.issuer,
        provider_user_id=pending.subject,
        email=pending.email,
        email_verified=pending.email_verified,
        claims=pending.claims,
        link_reason=LinkReason.CONFIRMED,
        status=pending.status,
    )
    if pending.token:
        connection.set_token(token_of(pending.token))
    try:
        with transaction.atomic(using=router.db_for_write(OAuthConnection)):
            lock_user(user)
            if linking.has_other_identity(user, pending.provider_key, pending.issuer, pending.subject):
                return None
            connection.save(force_insert=True)
    except (IntegrityError, OperationalError):  # the identity belongs to another account now, or a lock
        return None
    return connection


@sensitive_variables()
def token_of(values: dict[str, Any]) -> OAuthToken:
    times = {
        name: datetime.fromisoformat(values[name]) if values[name] else None
        for name in ("access_token_expires_at", "refresh_token_expires_at")
    }
    return OAuthToken(**{**values, **times})
