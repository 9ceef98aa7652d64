"""The checks of the middleware `SessionLogout`, which ends sessions after a logout elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage

from oidc_login.checks.imports import import_or_none, includes_class
from oidc_login.checks.reports import Report
from oidc_login.conf import django
from oidc_login.middleware import SessionLogout

MIDDLEWARE_MISSING = Report(
    "E090",
    "Sessions are stored in cookies ({engine}), and the middleware that ends them is missing.",
    "The site cannot remove a session that the browser stores, so a logout at the provider would have no effect. Add "
    "{path!r} to MIDDLEWARE, after Django's middleware for sessions and authentication.",
)
MIDDLEWARE_TOO_EARLY = Report(
    "E091",
    "{path} comes before {before} in MIDDLEWARE.",
    "Move it after {before}. It reads the session and the signed-in user.",
)

PATH = f"{SessionLogout.__module__.rpartition('.')[0]}.{SessionLogout.__qualname__}"


def session_messages() -> Iterator[CheckMessage]:
    """Return the messages about ended sessions that would stay alive."""
    if not includes_class(django.MIDDLEWARE, SessionLogout):
        if sessions_are_cookies():
            yield MIDDLEWARE_MISSING.message(path=PATH, engine=django.SESSION_ENGINE)
        return
    for before in (SessionMiddleware, AuthenticationMiddleware):
        if position_of(SessionLogout) < position_of(before):
            yield MIDDLEWARE_TOO_EARLY.message(path=PATH, before=f"{before.__module__}.{before.__qualname__}")


def sessions_are_cookies() -> bool:
    """Whether sessions are stored in cookies, so that the site cannot remove them."""
    try:
        store: Any = import_module(django.SESSION_ENGINE).SessionStore
    except Exception:  # importing a module of the site may fail; Django reports it
        return False
    return isinstance(store, type) and issubclass(store, CookieSession)


def position_of(middleware: type) -> int:
    """Return the position of a middleware, or of a subclass of it, in `MIDDLEWARE`; -1 if it is missing."""
    classes = list(map(import_or_none, django.MIDDLEWARE))
    return next((n for n, found in enumerate(classes) if isinstance(found, type) and issubclass(found, middleware)), -1)
