"""What a provider's word that somebody has signed out there does here (Back-Channel and Front-Channel Logout 1.0)."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Collection

from django.db import DatabaseError, router
from django.utils import timezone

from . import sessions
from .cache import SharedValues, add_once
from .exceptions import OAuthError, ProviderUnavailable
from .models import OAuthConnection
from .protocol.errors import InvalidLogoutToken
from .protocol.logout import LONGEST_LIFE, LogoutToken
from .providers.base import OAuthProvider
from .sessions import SignedInSession

logger = logging.getLogger(__name__)

OFFLINE_ACCESS = "offline_access"
RECENT = 120  # seconds; no callback takes that long


def obey(provider: OAuthProvider, token: LogoutToken) -> None:
    """End what a verified logout token names, once; one that could not be obeyed may come again."""
    used = cache_key("used", provider.key, token.claims["iss"], token.jti)
    if not add_once(used, timeout=LONGEST_LIFE):
        raise InvalidLogoutToken("jti")
    issuer = provider.get_identity_issuer(token.claims)
    try:
        ended = end_sessions(provider.key, issuer, subject=token.subject, sid=token.sid)
        drop_refresh_tokens(provider.key, issuer, token, ended)
    except OAuthError:
        SharedValues().delete(used)
        raise


def end_sessions(provider_key: str, issuer: str, *, subject: str, sid: str) -> list[SignedInSession]:
    """End one session of a provider, or all of a person there."""
    # First, for the sign-in that is under way: it looks for this after its row is there.
    for key in recent_keys(provider_key, issuer, subject=subject, sid=sid):
        SharedValues().set(key, time.time(), timeout=RECENT)
    ended = sessions.end(SignedInSession.objects.named(provider_key, issuer, subject=subject, sid=sid))
    logger.info("%s ended %d sessions", provider_key, len(ended), extra={"provider": provider_key})
    return ended


def drop_refresh_tokens(provider_key: str, issuer: str, token: LogoutToken, ended: Collection[SignedInSession]) -> None:
    """Forget the refresh tokens of what was ended, but for those that were given for offline access (2.7).

    The one of a single session is the one that came with its sign-in.
    """
    own = OAuthConnection.objects.using(router.db_for_write(OAuthConnection)).exclude(refresh_token="")
    own = own.filter(provider_key=provider_key, issuer=issuer)
    if token.sid:
        hashes = {row.nonce_hash for row in ended} - {""}
        own = own.filter(provider_user_id__in={row.subject for row in ended}, nonce_hash__in=hashes)
    else:
        own = own.filter(provider_user_id=token.subject)
    try:
        for key, scope, nonce_hash in own.values_list("pk", "scope", "nonce_hash"):
            if OFFLINE_ACCESS not in scope.split():
                forget_refresh_token(key, nonce_hash)
    except DatabaseError as error:
        raise ProviderUnavailable("database") from error


def forget_refresh_token(connection_key: int, nonce_hash: str) -> None:
    """Forget it, and what belongs to it, unless another sign-in has brought a newer one."""
    rows = OAuthConnection.objects.using(router.db_for_write(OAuthConnection))
    rows.filter(pk=connection_key, nonce_hash=nonce_hash).update(
        refresh_token="",
        refresh_token_expires_at=None,
        refresh_lease="",
        refresh_lease_until=None,
        nonce_hash="",
        updated_at=timezone.now(),
    )


# A logout that arrives while its person's sign-in is under way.


def came_since(moment: float, row: SignedInSession) -> bool:
    """Whether the provider has ended this very session since then, when the row may not have been there yet."""
    subjects = ("subject", "subject without sid") if not row.sid else ("subject",)
    keys = [cache_key(kind, row.provider_key, row.issuer, row.subject) for kind in subjects]
    if row.sid:
        keys.append(cache_key("sid", row.provider_key, row.issuer, row.sid))
    return any(ended_at >= moment for ended_at in SharedValues().get_many(keys).values())


def recent_keys(provider_key: str, issuer: str, *, subject: str, sid: str) -> list[str]:
    """Return under which keys a logout is remembered: those by which the sign-in that it means looks for it."""
    if not sid:
        return [cache_key("subject", provider_key, issuer, subject)]
    keys = [cache_key("sid", provider_key, issuer, sid)]
    return [*keys, cache_key("subject without sid", provider_key, issuer, subject)] if subject else keys


def cache_key(kind: str, *parts: str) -> str:
    return "oidc_login.logout." + hashlib.sha256(json.dumps([kind, *parts]).encode()).hexdigest()
