"""Which requests a session may be ended by, and what a browser or a script can do with the answer."""

from __future__ import annotations

import re
from typing import Final, cast

from django.http import HttpRequest
from django.urls import ResolverMatch

from oidc_login.conf import django
from oidc_login.views.callback import is_prefetch

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

# What a browser says of a request whose answer it will show (Fetch Metadata).
PAGES: Final = ("document", "iframe", "frame")


def has_session(request: HttpRequest) -> bool:
    """Whether there is a session to be read; without a cookie a page may be cached for everybody."""
    return django.SESSION_COOKIE_NAME in request.COOKIES


def is_exempt(request: HttpRequest) -> bool:
    """Whether the URL is one of ours, or of those that the site exempts: names, paths, patterns."""
    match = cast("ResolverMatch", request.resolver_match)  # known by the time that a view is about to be called
    if is_own(match):
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


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, which a redirect to a page would not help."""
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return True
    if request.headers.get("Sec-Fetch-Dest") == "empty":
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def is_page(request: HttpRequest) -> bool:
    """Whether the browser asks for a page by GET, and can be sent away from it and back."""
    shown = request.headers.get("Sec-Fetch-Dest", PAGES[0]) in PAGES and not is_prefetch(request)
    return request.method == "GET" and shown
