"""Check what a sign-in needs from the site itself: a callback URL and a cache."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.urls import reverse

from oidc_login.conf import django, settings
from oidc_login.diagnosis.findings import Finding
from oidc_login.flow.redirects import old_callback
from oidc_login.registry import callback_name

UNKNOWN_HOST = "<your host>"
DEVELOPMENT = "http://localhost:8000"


def callback_url(key: str, *, unknown_host: str = UNKNOWN_HOST) -> str:
    """Return the URL that the provider redirects to."""
    return site_url(unknown_host).rstrip("/") + callback_path(key)


def callback_path(key: str) -> str:
    """Return the path of the callback URL, which contains the key of the provider."""
    name, old = callback_name(key), old_callback(key)
    if old:
        return reverse(old[0], args=old[1])
    return reverse(name) if name else reverse("oidc_login:callback", args=[key])


def callback_urls(key: str) -> dict[str, str]:
    """Return the URLs to register: the site's and the one on a developer's machine."""
    path = callback_path(key)
    local = f"{DEVELOPMENT}{path}"
    site = callback_url(key)
    return {"your machine": local, **({} if site == local else {"your site": site})}


def site_url(unknown_host: str) -> str:
    """Return the site's origin: from the settings, from `runserver` under `DEBUG`, or from the only allowed host."""
    if settings.BASE_URL:
        return str(settings.BASE_URL)
    if django.DEBUG:
        return DEVELOPMENT
    hosts = [host for host in django.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    return f"https://{hosts[0]}" if len(hosts) == 1 == len(django.ALLOWED_HOSTS) else f"https://{unknown_host}"


def look_at_cache() -> Iterator[Finding]:
    """The cache holds used sign-ins and documents, so all processes have to share it."""
    cache = caches[settings.CACHE]
    named = f"CACHES[{settings.CACHE!r}] is {type(cache).__name__}"
    if isinstance(cache, DummyCache):
        text = f"{named}, which stores nothing, so no sign-in can be completed: use Redis or Memcached."
        yield Finding(subject="cache", is_good=False, text=text, expected="a cache", seen=type(cache).__name__)
    elif isinstance(cache, (LocMemCache, FileBasedCache)) and not django.DEBUG:
        text = f"{named}, which processes do not share, so used sign-ins are not remembered. Use Redis or Memcached."
        yield Finding(subject="cache", is_good=None, text=text, expected="a shared cache", seen=type(cache).__name__)
