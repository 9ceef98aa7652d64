"""The checks for production, which `check --deploy` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from django.apps import apps
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage

from oidc_login.backends import OIDCLoginBackend
from oidc_login.checks.entries import configured
from oidc_login.checks.imports import import_or_none, includes_class
from oidc_login.checks.reports import Report
from oidc_login.conf import django, settings

UNSHARED_CACHES = (LocMemCache, FileBasedCache)

CACHE_NOT_SHARED = Report(
    "W010",
    "The cache {alias!r} ({backend}) is not shared between processes.",
    "Used sign-ins are remembered per process only, and every process fetches the providers' documents itself. Use "
    "Redis, Memcached or the database cache, or name another alias: OIDC_LOGIN_CACHE = ...",
)
ANY_HOST = Report(
    "W011",
    'ALLOWED_HOSTS admits any host ("*"), and OIDC_LOGIN_BASE_URL is not set.',
    "The sender of a request can then choose the host of the redirect_uri. List your hosts in ALLOWED_HOSTS, or set "
    'OIDC_LOGIN_BASE_URL = "https://your.site".',
)
SCHEME_UNKNOWN = Report(
    "W012",
    "SECURE_SSL_REDIRECT is on, but neither SECURE_PROXY_SSL_HEADER nor OIDC_LOGIN_BASE_URL is set.",
    "Behind a proxy that terminates TLS, the redirect_uri would begin with http://. Set SECURE_PROXY_SSL_HEADER as "
    'Django\'s documentation describes, or OIDC_LOGIN_BASE_URL = "https://your.site" and CSRF_TRUSTED_ORIGINS.',
)
PROXY_UNKNOWN = Report(
    "W014",
    "The site is behind a proxy ({sign}), but neither SECURE_PROXY_SSL_HEADER nor OIDC_LOGIN_BASE_URL is set.",
    "If the proxy terminates TLS, the redirect_uri would begin with http://. Set SECURE_PROXY_SSL_HEADER as Django's "
    'documentation describes, or OIDC_LOGIN_BASE_URL = "https://your.site".',
)
ADDRESSES_UNCONFIRMED = Report(
    "W013",
    "Identities are linked to existing accounts by email, and the site does not say which accounts have a confirmed "
    "address.",
    "Somebody could open an account with a password and another person's address, and wait until that person signs "
    'in through a provider. Set OIDC_LOGIN_LOCAL_EMAIL_VERIFIED = "yoursite.accounts.email_is_verified", a function '
    "that takes a user and returns whether the user has confirmed the address, or set "
    'OIDC_LOGIN_EMAIL_LINKING = "never". If nobody can open an account with an unconfirmed address, silence '
    "oidc_login.W013.",
)


def deployment_messages() -> Iterator[CheckMessage]:
    """Return the messages about unsafe production settings."""
    yield from check_shared_cache()
    yield from check_public_address()
    yield from check_local_addresses()


def check_shared_cache() -> Iterator[CheckMessage]:
    """All processes share the used flows."""
    configurations = [configuration for alias, configuration in django.CACHES.items() if alias == settings.CACHE]
    backend = import_or_none(configurations[0].get("BACKEND", "")) if configurations else None
    if isinstance(backend, type) and issubclass(backend, UNSHARED_CACHES):
        yield CACHE_NOT_SHARED.message(alias=settings.CACHE, backend=backend.__name__)


def check_public_address() -> Iterator[CheckMessage]:
    """The redirect_uri uses the public address, also behind a proxy."""
    if settings.BASE_URL:
        return
    if "*" in django.ALLOWED_HOSTS:
        yield ANY_HOST.message()
    if django.SECURE_PROXY_SSL_HEADER:
        return
    if django.SECURE_SSL_REDIRECT:
        yield SCHEME_UNKNOWN.message()
    elif sign := sign_of_a_proxy():
        yield PROXY_UNKNOWN.message(sign=sign)


def sign_of_a_proxy() -> str:
    """Return a setting that only a site behind a proxy needs, or ""."""
    if django.USE_X_FORWARDED_HOST:
        return "USE_X_FORWARDED_HOST"
    if django.USE_X_FORWARDED_PORT:
        return "USE_X_FORWARDED_PORT"
    own = [origin for origin in django.CSRF_TRUSTED_ORIGINS if urlsplit(origin).hostname in django.ALLOWED_HOSTS]
    return "CSRF_TRUSTED_ORIGINS" if any(origin.startswith("https://") for origin in own) else ""


def check_local_addresses() -> Iterator[CheckMessage]:
    """Accounts with an unconfirmed address can be told from confirmed ones."""
    knows = settings.LOCAL_EMAIL_VERIFIED is not None or apps.is_installed("allauth.account")
    if not knows and links_by_email() and other_backends():
        yield ADDRESSES_UNCONFIRMED.message()


def links_by_email() -> bool:
    """Whether any configured provider links by email."""
    entries = [entry for entry in configured().values() if isinstance(entry, Mapping)]
    return any((entry.get("link_by_email") or settings.EMAIL_LINKING) == "verified" for entry in entries)


def other_backends() -> list[str]:
    """Return the other backends, which usually accept passwords."""
    return [path for path in django.AUTHENTICATION_BACKENDS if not includes_class([path], OIDCLoginBackend)]
