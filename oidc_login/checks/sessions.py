"""The checks of what ends sessions from elsewhere: the middleware `SessionLogout`, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage

from oidc_login.checks.messages import message
from oidc_login.checks.project import imported, names_a
from oidc_login.conf import django
from oidc_login.middleware import SessionLogout

PATH = f"{SessionLogout.__module__.rpartition('.')[0]}.{SessionLogout.__qualname__}"


def session_messages() -> Iterator[CheckMessage]:
    """Return what would let sessions go on that were ended."""
    if not names_a(SessionLogout, django.MIDDLEWARE):
        if sessions_are_cookies():
            yield message("E090", path=PATH, engine=django.SESSION_ENGINE)
        return
    for before in (SessionMiddleware, AuthenticationMiddleware):
        if position_of(SessionLogout) < position_of(before):
            yield message("E091", path=PATH, before=f"{before.__module__}.{before.__qualname__}")


def sessions_are_cookies() -> bool:
    """Whether the browser keeps the whole session, so that nobody else can remove it."""
    try:
        store: Any = import_module(django.SESSION_ENGINE).SessionStore
    except Exception:  # a module of the site is imported; Django says what is wrong with it
        return False
    return isinstance(store, type) and issubclass(store, CookieSession)


def position_of(middleware: type) -> int:
    """Return where a middleware, or a subclass of it, stands in `MIDDLEWARE`; -1 where it does not."""
    classes = list(map(imported, django.MIDDLEWARE))
    return next((n for n, found in enumerate(classes) if isinstance(found, type) and issubclass(found, middleware)), -1)
