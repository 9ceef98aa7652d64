"""The checks of the project: its backends, URLs, sessions, middleware and hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache.backends.dummy import DummyCache
from django.core.checks import CheckMessage
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from oidc_login.backends import OIDCLoginBackend
from oidc_login.checks.apis import api_messages
from oidc_login.checks.imports import import_or_none, includes_class
from oidc_login.checks.reports import Report
from oidc_login.conf import django, settings
from oidc_login.flow import hosts
from oidc_login.validation import listed

SESSION_ENGINES_WITH_A_TABLE = (
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
)
IP_ADDRESS = re.compile(r"[\d.]+|\[?[\da-f:.]+\]?")

BACKEND_MISSING = Report(
    "E040",
    "AUTHENTICATION_BACKENDS does not contain a backend of this package.",
    'Add "oidc_login.backends.OIDCLoginBackend", or your subclass of it.',
)
URLS_MISSING = Report(
    "E041",
    "The URLs of the package are not included.",
    'Add path("oauth/", include("oidc_login.urls")) to the urlpatterns of {urlconf}, outside of any namespace.',
)
SESSIONS_MISSING = Report(
    "E042",
    "The session engine {engine!r} needs the application django.contrib.sessions.",
    'Add "django.contrib.sessions" to INSTALLED_APPS.',
)
SESSION_MIDDLEWARE_MISSING = Report("E043", "The session middleware is missing.", "Add {path!r} to MIDDLEWARE.")
USER_MIDDLEWARE_MISSING = Report("E044", "The authentication middleware is missing.", "Add {path!r} to MIDDLEWARE.")
OTHER_HOSTS = Report(
    "W130",
    "OIDC_LOGIN_BASE_URL names {base!r}, and people cannot sign in at {others}, which ALLOWED_HOSTS also admits.",
    "A sign-in ends at {base!r} and needs the cookie of the host where it began. Share the session with "
    'SESSION_COOKIE_DOMAIN = ".your.site", redirect the other hosts to {base!r}, or remove them from ALLOWED_HOSTS. '
    "If each host has its own redirect URI at the providers, remove OIDC_LOGIN_BASE_URL.",
)

SLASH_MISSING = Report(
    "E045",
    "The URLs of the package are included without a slash, so the callback URL is {path!r}.",
    'Write path("oauth/", include("oidc_login.urls")), with a slash at the end.',
)
CACHE_FORGETS = Report(
    "E046",
    "The cache {alias!r} is DummyCache, which stores nothing, so no sign-in can be completed.",
    "Use another backend, or name another alias: OIDC_LOGIN_CACHE = ...",
)
NO_PAGE_AFTERWARDS = Report(
    "W131",
    "LOGIN_REDIRECT_URL is {url!r}, which is not a page of this site. Sign-ins without a `next` would end there.",
    'Write the URL or the name of a page of yours, or "oidc_login:connections" for the page that says who is signed '
    "in.",
)


def project_messages() -> Iterator[CheckMessage]:
    """Return the messages about the project."""
    if has_only_clients():
        return
    yield from check_backend()
    yield from check_urls()
    yield from check_cache()
    yield from check_page_afterwards()
    yield from check_sessions()
    yield from check_middleware()
    yield from check_hosts()
    yield from api_messages()


def has_only_clients() -> bool:
    """Whether the site only uses clients in its own views (`oidc_login.client`), so nobody signs in."""
    others = settings.PROVIDERS or settings.PROVIDER_LOADER
    return bool(django.get("AUTHLIB_OAUTH_CLIENTS", None)) and not others


def check_backend() -> Iterator[CheckMessage]:
    """Django uses our backend, or the site's subclass of it."""
    if not includes_class(django.AUTHENTICATION_BACKENDS, OIDCLoginBackend):
        yield BACKEND_MISSING.message()


def check_urls() -> Iterator[CheckMessage]:
    """The URLs are included where the package finds them, below a path."""
    try:
        path = reverse("oidc_login:callback", args=["provider"])
        if "provider" not in path.split("/"):
            yield SLASH_MISSING.message(path=path)
    except NoReverseMatch:
        yield URLS_MISSING.message(urlconf=django.get("ROOT_URLCONF", "the root URLconf"))
    except Exception:  # noqa: S110  # the site's URLconf is imported; Django's own check reports what it raises
        pass


def check_cache() -> Iterator[CheckMessage]:
    """The cache can store used sign-ins."""
    configured = [found for alias, found in django.CACHES.items() if alias == settings.CACHE]
    if configured and import_or_none(configured[0].get("BACKEND", "")) is DummyCache:
        yield CACHE_FORGETS.message(alias=settings.CACHE)


def check_page_afterwards() -> Iterator[CheckMessage]:
    """LOGIN_REDIRECT_URL is a page of the site."""
    url = str(django.LOGIN_REDIRECT_URL)
    try:
        path = urlsplit(url if "/" in url else resolve_url(url)).path
        if not urlsplit(url).netloc and not is_page_of_site(path):
            yield NO_PAGE_AFTERWARDS.message(url=url)
    except NoReverseMatch:
        yield NO_PAGE_AFTERWARDS.message(url=url)
    except Exception:  # noqa: S110  # as above
        pass


def is_page_of_site(path: str) -> bool:
    """Whether a path is in the URLconf, possibly after a redirect that adds a slash or a language."""
    language = f"/{django.LANGUAGE_CODE}"
    return any(is_in_urlconf(one) for one in (path, f"{path}/", language + path, f"{language}{path}/"))


def is_in_urlconf(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def check_sessions() -> Iterator[CheckMessage]:
    """The application that creates the session table is installed."""
    engine = django.SESSION_ENGINE
    if engine in SESSION_ENGINES_WITH_A_TABLE and not apps.is_installed("django.contrib.sessions"):
        yield SESSIONS_MISSING.message(engine=engine)


def check_middleware() -> Iterator[CheckMessage]:
    """Requests have a session and a user."""
    needed = ((SESSION_MIDDLEWARE_MISSING, SessionMiddleware), (USER_MIDDLEWARE_MISSING, AuthenticationMiddleware))
    for report, middleware in needed:
        if not includes_class(django.MIDDLEWARE, middleware):
            yield report.message(path=f"{middleware.__module__}.{middleware.__qualname__}")


def check_hosts() -> Iterator[CheckMessage]:
    """Sign-ins that begin at a host other than that of `OIDC_LOGIN_BASE_URL` can be completed."""
    base = hosts.base_host()
    if not base or not hosts.is_named(base):  # a proxy may hide the public host from Django
        return
    others = [pattern for pattern in django.ALLOWED_HOSTS if is_another_public_host(pattern.lower(), base)]
    if others:
        yield OTHER_HOSTS.message(base=base, others=listed(others))


def is_another_public_host(pattern: str, base: str) -> bool:
    """Whether a pattern in `ALLOWED_HOSTS` admits public hosts that do not share the session of the base URL."""
    host = pattern.lstrip(".")
    if pattern == base or "." not in host or IP_ADDRESS.fullmatch(host):
        return False
    return not (hosts.shares_session(base) and hosts.shares_session(host))
