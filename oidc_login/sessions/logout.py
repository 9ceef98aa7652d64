"""Ends sessions when a provider reports a logout (Back-Channel and Front-Channel Logout 1.0)."""

from __future__ import annotations

import hashlib
import json
import logging
import time

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone

from oidc_login.cache import SharedValues, add_once
from oidc_login.models import OAuthConnection
from oidc_login.models.session import SignedInSession
from oidc_login.protocol.errors import InvalidLogoutToken
from oidc_login.protocol.logout_token import LONGEST_LIFE, LogoutToken
from oidc_login.providers.base import OAuthProvider
from oidc_login.sessions import records

logger = logging.getLogger(__name__)

OFFLINE_ACCESS = "offline_access"
RECENT = 120  # seconds; no callback takes that long


def end_named_sessions(provider: OAuthProvider, token: LogoutToken) -> None:
    """End the sessions that a verified logout token names, once. A token whose logout failed may be sent again."""
    used = cache_key("used", provider.key, token.claims["iss"], token.jti)
    if not add_once(used, timeout=LONGEST_LIFE):
        raise InvalidLogoutToken("jti")
    issuer = provider.get_identity_issuer(token.claims)
    try:
        # The sessions come last: what belongs to them is found through them.
        drop_refresh_tokens(provider.key, issuer, subject=token.subject, sid=token.sid)
        remember_logout(provider.key, issuer, subject=token.subject, sid=token.sid)
        end_sessions(provider.key, issuer, subject=token.subject, sid=token.sid)
    except Exception:
        SharedValues().delete(used)
        raise


def end_sessions(provider_key: str, issuer: str, *, subject: str, sid: str) -> None:
    """End one session at a provider, or all sessions of a person there."""
    ended = records.end_sessions(SignedInSession.objects.named(provider_key, issuer, subject=subject, sid=sid))
    extra = {"provider": provider_key}
    logger.info("sessions ended by provider: count=%d provider=%s", ended, provider_key, extra=extra)


def drop_refresh_tokens(provider_key: str, issuer: str, *, subject: str, sid: str) -> None:
    """Forget the refresh tokens of the ended sessions, except those for offline access (2.7)."""
    found = find_refresh_tokens(provider_key, issuer, subject=subject, sid=sid)
    for key, scope, nonce_hash in found.values_list("pk", "scope", "nonce_hash"):
        if OFFLINE_ACCESS not in scope.split():
            forget_refresh_token(key, nonce_hash)


def find_refresh_tokens(provider_key: str, issuer: str, *, subject: str, sid: str) -> QuerySet[OAuthConnection]:
    """Return the connections whose refresh token came with an ended session, or with any session of the person."""
    own = OAuthConnection.objects.using(router.db_for_write(OAuthConnection)).exclude(refresh_token="")
    own = own.filter(provider_key=provider_key, issuer=issuer)
    if not sid:
        return own.filter(provider_user_id=subject)
    rows = SignedInSession.objects.named(provider_key, issuer, subject=subject, sid=sid).exclude(nonce_hash="")
    ended = dict(rows.values_list("nonce_hash", "subject"))
    return own.filter(provider_user_id__in=ended.values(), nonce_hash__in=ended)


def forget_refresh_token(connection_key: int, nonce_hash: str) -> None:
    """Forget a refresh token and what belongs to it, unless another sign-in has stored a newer one."""
    rows = OAuthConnection.objects.using(router.db_for_write(OAuthConnection))
    rows.filter(pk=connection_key, nonce_hash=nonce_hash).update(
        refresh_token="",
        refresh_token_expires_at=None,
        refresh_lease="",
        refresh_lease_until=None,
        nonce_hash="",
        auth_time=None,
        had_azp=None,
        updated_at=timezone.now(),
    )


# A logout that arrives during its person's sign-in.


def remember_logout(provider_key: str, issuer: str, *, subject: str, sid: str) -> None:
    """Remember a logout before its sessions end, for a sign-in that has not created its row yet.

    Only for signed logout tokens: through the front channel anyone can name sessions, and fill the cache.
    """
    for key in recent_keys(provider_key, issuer, subject=subject, sid=sid):
        SharedValues().set(key, time.time(), timeout=RECENT)


def ended_since(moment: float, row: SignedInSession) -> bool:
    """Whether the provider has ended this session since `moment`, possibly before its row existed."""
    subjects = ("subject", "subject without sid") if not row.sid else ("subject",)
    keys = [cache_key(kind, row.provider_key, row.issuer, row.subject) for kind in subjects]
    if row.sid:
        keys.append(cache_key("sid", row.provider_key, row.issuer, row.sid))
    return any(ended_at >= moment for ended_at in SharedValues().get_many(keys).values())


def recent_keys(provider_key: str, issuer: str, *, subject: str, sid: str) -> list[str]:
    """Return the cache keys of a logout, under which the sign-in that it is about looks for it."""
    if not sid:
        return [cache_key("subject", provider_key, issuer, subject)]
    keys = [cache_key("sid", provider_key, issuer, sid)]
    return [*keys, cache_key("subject without sid", provider_key, issuer, subject)] if subject else keys


def cache_key(kind: str, *parts: str) -> str:
    return "oidc_login.sessions.logout." + hashlib.sha256(json.dumps([kind, *parts]).encode()).hexdigest()
