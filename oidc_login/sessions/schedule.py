"""When a provider has to confirm a session, and how long the session may continue until it does.

The time is stored in the session under the name that mozilla-django-oidc's middleware reads too.
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
from oidc_login.session_state import read_state, write_state

logger = logging.getLogger("oidc_login")

INTERVAL_SETTING: Final = "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS"
DEFAULT_INTERVAL: Final = 15 * 60

# Seconds.
GRACE: Final = 60 * 60  # how long a session may continue past its time while its provider does not answer
ATTEMPT: Final = 60  # how long other requests wait for an attempt, which may never end


def confirmation_interval(provider: OAuthProvider) -> float:
    """Return the seconds between two confirmations: the site's setting, or more if the provider needs more."""
    return max(float(django.get(INTERVAL_SETTING, DEFAULT_INTERVAL)), provider.shortest_refresh_interval)


def schedule_confirmation(session: SessionBase, provider: OAuthProvider, *, confirmed_at: float) -> None:
    """Set when the session has to be confirmed next."""
    write_state(session, confirm_at=confirmed_at + confirmation_interval(provider))


def seconds_overdue(session: SessionBase) -> float:
    """Return for how long a session has been overdue. One without a time has been overdue for ever."""
    confirm_at = read_state(session).confirm_at
    return time.time() - (confirm_at if isinstance(confirm_at, (int, float)) else 0)


def is_in_grace(session: SessionBase) -> bool:
    """Whether the session may still continue unconfirmed."""
    return seconds_overdue(session) <= GRACE


def require_confirmations(request: HttpRequest) -> None:
    """Record on the request that the site has its sessions confirmed (`oidc_login.middleware.SessionRefresh`)."""
    request.oidc_login_confirms_sessions = True  # type: ignore[attr-defined]  # read by `is_unconfirmed`


def is_unconfirmed(request: HttpRequest) -> bool:
    """Whether the session is overdue, on a site that has its sessions confirmed.

    The grace is for reading pages. A person who lost their identity must not add another way in during it.
    """
    if not getattr(request, "oidc_login_confirms_sessions", False) or read_state(request.session).sign_in is None:
        return False
    return seconds_overdue(request.session) > 0


def claim_attempt(session: SessionBase) -> bool:
    """Claim the one attempt at a confirmation that a session may have; without the cache there is none."""
    with suppress(SiteUnavailable):
        return add_once(_attempt_key(session), timeout=ATTEMPT)
    return False


def release_attempt(session: SessionBase) -> None:
    """Let another attempt begin."""
    SharedValues().delete(_attempt_key(session))


def _attempt_key(session: SessionBase) -> str:
    """Return a name for the sign-in that began a session: the session's key may change, and a cookie has none."""
    sign_in = read_state(session).sign_in
    named = (sign_in.connection_key, sign_in.at) if sign_in is not None else (None, None)
    return "oidc_login.refresh.{}.{}".format(*named)


def reload_session(request: HttpRequest) -> None:
    """Discard what was read of the session before something slow: another tab may have written to it since."""
    session = request.session
    if not session.modified:
        request.session = type(session)(session.session_key)


def end_unconfirmed_session(request: HttpRequest, *, provider_key: str, reason: str) -> None:
    """Sign out a person whose sign-in their provider does not confirm."""
    extra = {"provider": provider_key, "reason": reason}
    logger.info("session ended, not confirmed: reason=%s provider=%s", reason, provider_key, extra=extra)
    auth.logout(request)
    vars(request).pop("_acached_user", None)  # what Django remembers of `await request.auser()`


def log_postponed_confirmation(error: OAuthError, *, provider_key: str) -> None:
    """Log why a session could not be confirmed yet."""
    extra = {"provider": provider_key, "code": error.code, "reason": error.reason}
    logger.warning(
        "session not confirmed yet: %s (%s) provider=%s", error.code, error.reason, provider_key, extra=extra
    )
