"""When a session has to be confirmed by its provider, and how long it may go on until it is.

The time stands in the session under the name that middleware of mozilla-django-oidc reads too.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Final

from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from oidc_login.cache import SharedValues, add_once
from oidc_login.conf import django
from oidc_login.exceptions import OAuthError, SiteUnavailable
from oidc_login.providers.base import OAuthProvider
from oidc_login.views.base import SESSION_KEY

logger = logging.getLogger("oidc_login")

EXPIRATION_KEY: Final = "oidc_id_token_expiration"
INTERVAL_SETTING: Final = "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS"
DEFAULT_INTERVAL: Final = 15 * 60

# Seconds.
GRACE: Final = 60 * 60  # how long a session goes on past its time while its provider cannot be asked
ATTEMPT: Final = 60  # how long others wait for an attempt, which may never come back


def interval_of(provider: OAuthProvider) -> float:
    """Return the seconds between two confirmations: what the site says, or more where the provider wants that."""
    return max(float(django.get(INTERVAL_SETTING, DEFAULT_INTERVAL)), provider.shortest_refresh_interval)


def set_time(session: SessionBase, provider: OAuthProvider, *, confirmed_at: float) -> None:
    """Note when the session has to be confirmed next."""
    session[EXPIRATION_KEY] = confirmed_at + interval_of(provider)


def seconds_overdue(session: SessionBase) -> float:
    """Return since when a session has been waiting to be confirmed: for ever, where it says nothing of a time."""
    expiration = session.get(EXPIRATION_KEY)
    return time.time() - (expiration if isinstance(expiration, (int, float)) else 0)


def is_in_grace(session: SessionBase) -> bool:
    """Whether the session may still go on unconfirmed."""
    return seconds_overdue(session) <= GRACE


def note_confirmations(request: HttpRequest) -> None:
    """Note that the site has its sessions confirmed (`oidc_login.middleware.SessionRefresh`)."""
    request.oidc_login_confirms_sessions = True  # type: ignore[attr-defined]  # read by `is_unconfirmed`


def is_unconfirmed(request: HttpRequest) -> bool:
    """Whether the session is past its time, where the site has sessions confirmed.

    Its grace is for pages that are looked at. Whoever has lost their identity could add another way in meanwhile.
    """
    if not getattr(request, "oidc_login_confirms_sessions", False) or SESSION_KEY not in request.session:
        return False
    return seconds_overdue(request.session) > 0


def begin_attempt(session: SessionBase) -> bool:
    """Claim the one attempt that a session may have under way; without the cache there is none."""
    with suppress(SiteUnavailable):
        return add_once(_attempt_key(session), timeout=ATTEMPT)
    return False


def end_attempt(session: SessionBase) -> None:
    """Let another attempt begin."""
    SharedValues().delete(_attempt_key(session))


def _attempt_key(session: SessionBase) -> str:
    """Return the name of the sign-in that a session comes from; its key may change, and a cookie has none."""
    entry = session.get(SESSION_KEY, {})
    return f"oidc_login.refresh.{entry.get('connection')}.{entry.get('at')}"


def read_again(request: HttpRequest) -> None:
    """Forget what was read of the session before something slow: another tab may have written to it since."""
    session = request.session
    if not session.modified:
        request.session = type(session)(session.session_key)


def end_session(request: HttpRequest, *, provider_key: str, reason: str) -> None:
    """Sign a person out whose sign-in their provider does not confirm."""
    about = {"provider": provider_key, "reason": reason}
    logger.info("a session ends, not confirmed by %s (%s)", provider_key, reason, extra=about)
    auth.logout(request)
    vars(request).pop("_acached_user", None)  # what Django remembers of `await request.auser()`


def note_fault(error: OAuthError, *, provider_key: str) -> None:
    """Write down why a session could not be confirmed yet."""
    about = {"provider": provider_key, "code": error.code, "reason": error.reason}
    logger.warning("a session is not confirmed yet: %s (%s) at %s", error.code, error.reason, provider_key, extra=about)
