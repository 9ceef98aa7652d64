"""The checks of the global settings, and of the project around the package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from oidc_login import hosts
from oidc_login.backends import OIDCLoginBackend
from oidc_login.checks.apis import api_messages, bearer_providers
from oidc_login.checks.arguments import Rule, boolean, is_url, number, one_of, optional, problem, strings
from oidc_login.checks.entries import configured
from oidc_login.checks.messages import Problem, listed, message, near
from oidc_login.conf import DEFAULTS, django, settings

PREFIX = "OIDC_LOGIN_"
MAX_FLOW_LIFETIME = 3600
MIN_TOKEN_KEY = 32
SESSION_ENGINES_WITH_A_TABLE = (
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
)
IP_ADDRESS = re.compile(r"[\d.]+|\[?[\da-f:.]+\]?")
CACHES_OF_ONE_PROCESS = (LocMemCache, DummyCache, FileBasedCache)


# The global settings.


def cache_alias(value: Any) -> Iterator[Problem]:
    """The cache is one of `CACHES`."""
    if value not in list(django.CACHES):
        yield problem("E031", alias=value, near=near(value, django.CACHES), names=listed(django.CACHES))


def origin(value: Any) -> Iterator[Problem]:
    """Scheme and host alone, since the rest of a URL comes from the URLconf."""
    if value != "" and not (is_url(value) and urlsplit(value).path in ("", "/") and "?" not in value):
        yield problem("E032")


def token_keys(value: Any) -> Iterator[Problem]:
    """A list of secrets that nobody guesses."""
    if not isinstance(value, (list, tuple)) or not value or not all(map(is_token_key, value)):
        yield problem("E033", length=MIN_TOKEN_KEY)


def is_token_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= MIN_TOKEN_KEY


def dotted_path(value: Any) -> Iterator[Problem]:
    """The path of something that can be imported and called."""
    try:
        found = import_string(value) if isinstance(value, str) else None
    except Exception:  # importing runs whatever stands in the module
        found = None
    if not callable(found):
        yield problem("E034")


SETTING_RULES: Mapping[str, Rule] = {
    "EMAIL_LINKING": one_of("verified", "never"),
    "ALLOW_SIGNUP": boolean,
    "FLOW_LIFETIME": number(
        f"from 1 to {MAX_FLOW_LIFETIME} seconds", "600", lambda n: 1 <= n <= MAX_FLOW_LIFETIME, int
    ),
    "CACHE": cache_alias,
    "TOKEN_KEYS": optional(token_keys),
    "BASE_URL": optional(origin),
    "CLAIMS": strings,
    "LOCAL_EMAIL_VERIFIED": optional(dotted_path),
    "REAUTHENTICATION_AGE": optional(number("1 second or more", "3600", lambda n: n >= 1, int)),
    "NOTIFY": boolean,
    "PROVIDER_LOADER": optional(dotted_path),
    "BEARER_PROVIDERS": bearer_providers,
    "REDIRECT_BY_PAGE": optional(boolean),
    "MAX_EXCHANGES": number("1 or more", "12", lambda n: n >= 1, int),
    "MAX_EXCHANGES_PER_PROVIDER": number("1 or more", "8", lambda n: n >= 1, int),
}


def setting_messages() -> Iterator[CheckMessage]:
    """Return what is wrong with the global settings."""
    yield from check_setting_names()
    for name, rule in SETTING_RULES.items():
        for found in rule(getattr(settings, name)):
            subject = PREFIX + name
            yield message(found.number, subject=subject, written=f"{subject} =", **found.values)


def check_setting_names() -> Iterator[CheckMessage]:
    """Every setting with our prefix is one of ours: a misspelt one would be as good as not written."""
    known = [PREFIX + name for name in DEFAULTS]
    for name in django.names():
        if name.startswith(PREFIX) and name not in known:
            yield message("E030", name=name, near=near(name, known))


# The project.


def project_messages() -> Iterator[CheckMessage]:
    """Return what the project lacks."""
    if has_clients_alone():
        return
    yield from check_backend()
    yield from check_urls()
    yield from check_sessions()
    yield from check_middleware()
    yield from check_hosts()
    yield from api_messages()


def has_clients_alone() -> bool:
    """Whether nobody signs in through the package: the site has clients in its own views (`oidc_login.client`)."""
    others = settings.PROVIDERS or settings.PROVIDER_LOADER
    return bool(django.get("AUTHLIB_OAUTH_CLIENTS", None)) and not others


def check_backend() -> Iterator[CheckMessage]:
    """Django asks our backend, or the site's own one that is based on it."""
    if not names_a(OIDCLoginBackend, django.AUTHENTICATION_BACKENDS):
        yield message("E040")


def check_urls() -> Iterator[CheckMessage]:
    """The URLs are included where the package finds them."""
    try:
        reverse("oidc_login:callback", args=["provider"])
    except NoReverseMatch:
        yield message("E041", urlconf=django.get("ROOT_URLCONF", "the root URLconf"))
    except Exception:  # noqa: S110  # the site's URLconf is imported; Django's own check reports what it raises
        pass


def check_hosts() -> Iterator[CheckMessage]:
    """A sign-in that begins at another host than that of `OIDC_LOGIN_BASE_URL` can end."""
    base = hosts.base_host()
    if not base or not hosts.is_named(base):  # a proxy keeps the public host from Django
        return
    others = [pattern for pattern in django.ALLOWED_HOSTS if is_another_public_host(pattern.lower(), base)]
    if others:
        yield message("W130", base=base, others=listed(others))


def is_another_public_host(pattern: str, base: str) -> bool:
    """Whether a pattern of `ALLOWED_HOSTS` admits hosts that people see and that have another session than the base."""
    host = pattern.lstrip(".")
    if pattern == base or "." not in host or IP_ADDRESS.fullmatch(host):
        return False
    return not (hosts.shares_session(base) and hosts.shares_session(host))


def check_sessions() -> Iterator[CheckMessage]:
    """A signed-in person has a session, and its table comes with an application."""
    engine = django.SESSION_ENGINE
    if engine in SESSION_ENGINES_WITH_A_TABLE and not apps.is_installed("django.contrib.sessions"):
        yield message("E042", engine=engine)


def check_middleware() -> Iterator[CheckMessage]:
    """Requests have a session and a user."""
    for code, middleware in (("E043", SessionMiddleware), ("E044", AuthenticationMiddleware)):
        if not names_a(middleware, django.MIDDLEWARE):
            yield message(code, path=f"{middleware.__module__}.{middleware.__qualname__}")


def names_a(base: type, paths: Iterable[str]) -> bool:
    """Whether one of the dotted paths is the class or a subclass of it."""
    return any(isinstance(found, type) and issubclass(found, base) for found in map(imported, paths))


def imported(path: str) -> Any:
    """Return what a dotted path names, `None` when it cannot be imported."""
    try:
        return import_string(path)
    except Exception:  # a module of the site is imported; Django says what is wrong with it
        return None


# The deployment.


def deployment_messages() -> Iterator[CheckMessage]:
    """Return what must not go live."""
    yield from check_shared_cache()
    yield from check_public_address()
    yield from check_local_addresses()


def check_shared_cache() -> Iterator[CheckMessage]:
    """All processes remember the same used flows."""
    configured = [configuration for alias, configuration in django.CACHES.items() if alias == settings.CACHE]
    backend = imported(configured[0].get("BACKEND", "")) if configured else None
    if isinstance(backend, type) and issubclass(backend, CACHES_OF_ONE_PROCESS):
        yield message("W010", alias=settings.CACHE, backend=backend.__name__)


def check_public_address() -> Iterator[CheckMessage]:
    """The redirect_uri begins with the public address, also behind a proxy."""
    if settings.BASE_URL:
        return
    if "*" in django.ALLOWED_HOSTS:
        yield message("W011")
    if django.SECURE_SSL_REDIRECT and not django.SECURE_PROXY_SSL_HEADER:
        yield message("W012")


def check_local_addresses() -> Iterator[CheckMessage]:
    """Somebody has thought of accounts that were opened with another person's address, where that can happen."""
    knows = settings.LOCAL_EMAIL_VERIFIED is not None or apps.is_installed("allauth.account")
    if not knows and links_by_email() and other_backends():
        yield message("W013")


def links_by_email() -> bool:
    """Whether any provider of the settings links by email."""
    entries = [entry for entry in configured().values() if isinstance(entry, Mapping)]
    return any((entry.get("link_by_email") or settings.EMAIL_LINKING) == "verified" for entry in entries)


def other_backends() -> list[str]:
    """Return the backends beside ours: passwords, most of the time."""
    return [path for path in django.AUTHENTICATION_BACKENDS if not names_a(OIDCLoginBackend, [path])]
