"""Where browsers are sent: URLs of this site as providers know them, `next`, and where a flow or a logout ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from oidc_login import registry
from oidc_login.conf import django, settings
from oidc_login.flow import cookies, hosts
from oidc_login.flow.old_callbacks import old_callback

logger = logging.getLogger("oidc_login")

MAX_NEXT_BYTES: Final = 2000


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


# `next`, as a browser sends it.


def posted_next(request: HttpRequest) -> str:
    """Return the `next` of a posted form if it stays on this host, else ""."""
    return safe_next(request, request.POST.getlist("next"))


def safe_next(request: HttpRequest, values: list[str]) -> str:
    """Return the one `next` that was sent if it stays on this host, else "" (RFC 9700 4.11)."""
    if not any(values):
        return ""
    if reason := why_next_is_dropped(request, values):
        log_dropped_next(reason)
        return ""
    return values[0]


def why_next_is_dropped(request: HttpRequest, values: list[str]) -> str:
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
