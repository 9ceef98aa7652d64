"""The hosts of a site: the one in `OIDC_LOGIN_BASE_URL`, and those that share the session with it.

A provider sends its answers to the base host, and a flow's cookie belongs to one host. So flows begin at the base host.
"""

from __future__ import annotations

from enum import Enum
from urllib.parse import urljoin, urlsplit

from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils.http import url_has_allowed_host_and_scheme

from oidc_login.conf import django, settings
from oidc_login.flow import cookies
from oidc_login.flow.frontends import is_frontend_url


class Place(Enum):
    """Where a request was sent to."""

    BASE = "the base host"
    SHARED = "a host that shares the session with the base host"
    ELSEWHERE = "another host"


def place_of(request: HttpRequest) -> Place:
    """Return at which kind of host a request arrived that ends at the base host."""
    host, base = host_of(request.get_host()), base_host()
    if not base or host == base:
        return Place.BASE
    if shares_session(host) and shares_session(base):
        return Place.SHARED
    return Place.ELSEWHERE if browser_knows_host(request) else Place.BASE


def browser_knows_host(request: HttpRequest) -> bool:
    """Whether the browser itself is at the host of this request; a proxy may have changed the host.

    The `Origin` of a form shows it. Without it, a proxy that forwards neither scheme nor host is recognized by that.
    """
    origin = origin_of(request.headers.get("Origin", ""))
    if origin:
        return host_of(urlsplit(origin).netloc) == host_of(request.get_host())
    passes_scheme_on = request.is_secure() == (urlsplit(base_url()).scheme.lower() == "https")
    return passes_scheme_on and is_named(base_host())


def base_url() -> str:
    """Return the origin of the site as its providers know it, "" if each request determines it."""
    return str(settings.BASE_URL or "").rstrip("/")


def base_host() -> str:
    return host_of(urlsplit(base_url()).netloc)


def host_of(netloc: str) -> str:
    """Return the host without its port: cookies do not know ports (RFC 6265 8.5)."""
    return split_domain_port(netloc)[0]


def origin_of(url: str) -> str:
    """Return scheme and host of an absolute URL, "" for any other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""


def shares_session(host: str) -> bool:
    """Whether `SESSION_COOKIE_DOMAIN` gives a host the session of other hosts (RFC 6265 5.1.3)."""
    domain = str(django.SESSION_COOKIE_DOMAIN or "").lower().lstrip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def url_at(request: HttpRequest, url: str) -> str:
    """Return an absolute URL of this host, for a flow that ends at the base host."""
    scheme = "https" if cookies.is_secure(request) else "http"
    return urljoin(f"{scheme}://{request.get_host()}{request.path}", url)


def may_return_to(request: HttpRequest, url: str) -> bool:
    """Whether a flow that ended here may redirect to a URL: on this host, a front end, or a host with the same session.

    It is for URLs in a flow, which were on the host where the flow was requested.
    """
    if is_frontend_url(url):
        return True
    allowed = {request.get_host()}
    netloc = urlsplit(origin_of(url)).netloc
    if shares_session(base_host()) and shares_session(host_of(netloc)) and is_allowed(netloc):
        allowed.add(netloc)
    return url_has_allowed_host_and_scheme(url, allowed_hosts=allowed, require_https=cookies.is_secure(request))


def url_on_host_of(request: HttpRequest, next_url: str, url: str) -> str:
    """Return a URL of the site at the host of `next_url`, which may be another than this."""
    origin = origin_of(next_url)
    return urljoin(origin, url) if origin and may_return_to(request, next_url) else url


def is_named(host: str) -> bool:
    """Whether `ALLOWED_HOSTS` admits a host, not only because it admits all."""
    return validate_host(host, [pattern for pattern in django.ALLOWED_HOSTS if pattern != "*"])


def is_allowed(netloc: str) -> bool:
    """Whether `ALLOWED_HOSTS` admits a host."""
    return validate_host(host_of(netloc), django.ALLOWED_HOSTS)
