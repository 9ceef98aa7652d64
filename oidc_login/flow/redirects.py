"""Where browsers are sent: URLs of this site as providers know them, `next`, and where a flow or a logout ends."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from oidc_login import registry
from oidc_login.conf import django, settings
from oidc_login.flow import cookies, hosts
from oidc_login.registry import get_configuration, get_configurations, provider_entries

logger = logging.getLogger("oidc_login")

MAX_NEXT_BYTES: Final = 2000
# The view names of `oidc_login.compat`, and whether the address holds the provider's name.
VIEW_NAMES: Final[Mapping[str, str]] = {
    "allauth": "oidc_login_compat_allauth_callback",
    "social_auth": "oidc_login_compat_social_auth_callback",
    "adfs": "oidc_login_compat_adfs_callback",
    "pyoidc": "oidc_login_compat_pyoidc_callback",
    "oauth_login": "oidc_login_compat_oauth_login_callback",
}
WITHOUT_NAME: Final = ("adfs",)


def callback_uri(request: HttpRequest, provider_key: str) -> str:
    """Return the redirect URI that is registered at a provider."""
    if old := old_callback(provider_key):
        return absolute_uri(request, old[0], *old[1])
    name = registry.callback_name(provider_key)
    return absolute_uri(request, name) if name else absolute_uri(request, "oidc_login:callback", provider_key)


def absolute_uri(request: HttpRequest, view_name: str, *args: str) -> str:
    """Return a URL of this site as a provider must know it."""
    path = cached_path(get_resolver(get_urlconf()), get_script_prefix(), get_language(), view_name, args)
    if settings.BASE_URL:
        return str(settings.BASE_URL).rstrip("/") + path
    return request.build_absolute_uri(path)


@lru_cache(maxsize=1024)
def cached_path(
    resolver: URLResolver, script_prefix: str, language: str | None, view_name: str, args: Sequence[str]
) -> str:
    """Return what `reverse` returns, cached for everything that its result depends on."""
    return reverse(view_name, args=args)


# Callback addresses of other packages: which entry of the settings keeps being sent one, and by what name there.
# `"callback": "allauth"` keeps the address of a provider that has the same name there as the entry's key, and
# `"allauth:oidc/company"` that of any other.


def old_callback(key: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the view name and arguments of the old address of an entry, `None` where it has none."""
    package, name = stated(key, (get_configuration(key) or {}).get("callback"))
    if package not in VIEW_NAMES:
        return None
    return VIEW_NAMES[package], () if package in WITHOUT_NAME else (name,)


def key_of(package: str, name: str) -> str:
    """Return the key of the entry that keeps an old address, "" where none does.

    Entries of the settings come first, so that no entry of a loader takes an address away from them.
    """
    own: Mapping[str, Mapping[str, Any]] = provider_entries()
    for key, entry in {**own, **get_configurations()}.items():
        found = stated(key, entry.get("callback"))
        if found[0] == package and (package in WITHOUT_NAME or found[1] == name):
            return key
    return ""


def names_of(package: str) -> list[str]:
    """Return the names that providers had at a package, for the entries that keep an address there."""
    found = [stated(key, entry.get("callback")) for key, entry in get_configurations().items()]
    return [name for own, name in found if own == package]


def stated(key: str, callback: Any) -> tuple[str, str]:
    """Return the package and the provider's name there that an argument says; "" for what is no text."""
    package, _, name = callback.partition(":") if isinstance(callback, str) else ("", "", "")
    return package, name or key


# `next`, as a browser sends it.


def posted_next(request: HttpRequest) -> str:
    """Return the `next` of a posted form if it stays on this host, else ""."""
    return safe_next(request, request.POST.getlist("next"))


def safe_next(request: HttpRequest, values: list[str]) -> str:
    """Return the one `next` that was sent if it stays on this host, else "" (RFC 9700 4.11)."""
    if not any(values):
        return ""
    if reason := next_problem(request, values):
        log_dropped_next(reason)
        return ""
    return values[0]


def next_problem(request: HttpRequest, values: list[str]) -> str:
    """Return why a `next` cannot be used, "" if it can."""
    if len(values) != 1:
        return "repeated"
    if not values[0].isprintable():
        return "unprintable"
    if len(values[0].encode("utf-8", "surrogatepass")) > MAX_NEXT_BYTES:
        return "too_long"
    return "" if is_local(request, values[0]) else "other_host"


def log_dropped_next(reason: str) -> None:
    """Log that a person will not arrive at the page they asked for, without the URL: it may contain a secret."""
    level = logging.WARNING if reason == "too_long" else logging.INFO
    logger.log(level, "next dropped: %s", reason, extra={"reason": reason})


def is_local(request: HttpRequest, url: str) -> bool:
    """Whether a URL stays on the host of this request."""
    return url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=cookies.is_secure(request)
    )


# Where it ends.


def destination(request: HttpRequest, next_url: str) -> str:
    """Return where a flow ends: `next` if it is still on a host of this site, else `LOGIN_REDIRECT_URL`."""
    if next_url and hosts.may_return_to(request, next_url):
        return next_url
    if next_url:
        log_dropped_next("other_host")
    return resolve_setting(str(django.LOGIN_REDIRECT_URL))


def logout_destination(request: HttpRequest, next_url: str) -> str:
    """Return where a logout ends: `next` if it is still on a host of this site, else `LOGOUT_REDIRECT_URL`."""
    if next_url and hosts.may_return_to(request, next_url):
        return next_url
    return resolve_setting(str(django.LOGOUT_REDIRECT_URL or "/"))


def resolve_setting(value: str) -> str:
    """Return the URL that one of Django's settings names, by path or by view name."""
    return value if "/" in value else resolve_url(value)
