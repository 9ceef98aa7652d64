"""Which requests have their session confirmed, and which of them a browser shows as a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

from django.http import HttpRequest
from django.urls import ResolverMatch

from oidc_login.conf import django
from oidc_login.views.base import is_prefetch

# The pages by which a session begins and ends. Those that change an account are not among them.
NAMESPACE: Final = "oidc_login"
EXEMPT_NAMES: Final = frozenset(
    {
        "providers",
        "login",
        "callback",
        "initiate_login",
        "confirm_link",
        "logout",
        "logout_done",
        "backchannel_logout",
        "frontchannel_logout",
    }
)
EXEMPT_UPSTREAM_NAMES: Final = frozenset({"oidc_authentication_init", "oidc_authentication_callback", "oidc_logout"})
EXEMPT_SETTING: Final = "OIDC_EXEMPT_URLS"

# The `Sec-Fetch-Dest` of requests whose response the browser shows (Fetch Metadata).
PAGES: Final = ("document", "iframe", "frame")


def has_session(request: HttpRequest) -> bool:
    """Whether there is a session to read. A page without one may be cached for everyone."""
    return django.SESSION_COOKIE_NAME in request.COOKIES


def is_exempt(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether the URL is one of ours, or of those that the site exempts: names, paths, patterns."""
    match = cast("ResolverMatch", request.resolver_match)  # resolved before a view is called
    if is_own(match) or getattr(view, "takes_unconfirmed_sessions", False):
        return True
    for url in django.get(EXEMPT_SETTING, ()):
        if isinstance(url, re.Pattern):
            if url.match(request.path):
                return True
        elif url in (request.path, match.view_name):
            return True
    return False


def is_own(match: ResolverMatch) -> bool:
    if match.namespaces == [NAMESPACE]:
        return match.url_name in EXEMPT_NAMES
    return not match.namespaces and match.url_name in EXEMPT_UPSTREAM_NAMES


def is_page(request: HttpRequest) -> bool:
    """Whether the browser requests a page by GET, and can be sent to another site and back."""
    shown = request.headers.get("Sec-Fetch-Dest", PAGES[0]) in PAGES and not is_prefetch(request)
    return request.method == "GET" and shown
