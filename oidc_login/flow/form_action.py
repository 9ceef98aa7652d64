"""Sends a browser to another site, in a way that the site's content security policy lets a form lead to.

Chromium applies `form-action` (CSP Level 3, 6.4.1) to the redirects after a POST as well. A button that posts to us
and is redirected to the provider does nothing where the policy does not name the provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import django, settings

DIRECTIVE: Final = "form-action"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
HOST_SOURCE: Final = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\*|(?:\*\.)?[a-z0-9_.-]+)(?::(?P<port>\d+|\*))?(?:/.*)?", re.I
)


def blocks(request: HttpRequest, url: str) -> bool:
    """Whether a policy blocks forms of this site from a URL; `OIDC_LOGIN_REDIRECT_BY_PAGE` overrides the answer."""
    target = urlsplit(url)
    if not target.netloc:
        return False
    if settings.REDIRECT_BY_PAGE is not None:
        return bool(settings.REDIRECT_BY_PAGE)
    site = urlsplit(f"{request.scheme}://{request.get_host()}")
    return not all(allows(sources, target, site=site) for _, sources in policies())


def policies() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the sources of each effective `form-action`, with the name of its setting."""
    for name, directives in (
        ("SECURE_CSP", django.get("SECURE_CSP", None)),
        ("CONTENT_SECURITY_POLICY", _member(django.get("CONTENT_SECURITY_POLICY", None), "DIRECTIVES")),
        ("CSP_FORM_ACTION", {DIRECTIVE: django.get("CSP_FORM_ACTION", None)}),
    ):
        value = _member(directives, DIRECTIVE)
        if value is not None and value is not False:
            yield name, _sources(value)


def allows(sources: tuple[str, ...], target: SplitResult, *, site: SplitResult) -> bool:
    """Whether one of the sources of a policy matches a URL; an unknown source matches nothing."""
    return any(_matches(source, target, site=site) for source in sources)


def _member(directives: Any, name: str) -> Any:
    found = directives.items() if isinstance(directives, dict) else ()
    return next((value for key, value in found if str(key).lower() == name.lower()), None)


def _sources(value: Any) -> tuple[str, ...]:
    """Return the sources of a directive, which Django and django-csp accept as a list or a string; `True` has none."""
    if value is True:
        return ()
    listed = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    return tuple(source for text in listed for source in str(text).split())


def _matches(source: str, target: SplitResult, *, site: SplitResult) -> bool:
    """CSP Level 3, 6.7.2.8; the path is left out, as after every redirect."""
    if source == "*":
        return target.scheme in DEFAULT_PORTS
    if source.lower() == "'self'":
        return _origin(target) == _origin(site)
    if re.fullmatch(r"[a-z][a-z0-9+.-]*:", source, re.I):
        return _is_scheme(source[:-1].lower(), target)
    host_source = HOST_SOURCE.fullmatch(source)
    if host_source is None:
        return False
    scheme = (host_source["scheme"] or site.scheme).lower()
    return (
        _is_scheme(scheme, target) and _is_host(host_source["host"], target) and _is_port(host_source["port"], target)
    )


def _is_scheme(scheme: str, target: SplitResult) -> bool:
    """A source with http admits https too."""
    return target.scheme == scheme or (scheme, target.scheme) == ("http", "https")


def _is_host(host: str, target: SplitResult) -> bool:
    name = (target.hostname or "").lower()
    if host == "*":
        return True
    return name.endswith(host[1:].lower()) if host.startswith("*.") else name == host.lower()


def _is_port(port: str | None, target: SplitResult) -> bool:
    default = DEFAULT_PORTS.get(target.scheme)
    return port == "*" or (target.port or default) == (int(port) if port else default)


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, (url.hostname or "").lower(), url.port or DEFAULT_PORTS.get(url.scheme)


@sensitive_variables()
def redirect_to_site(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the browser to another site, or show a page that moves on there without a form or a script."""
    redirect = HttpResponseRedirect(url)
    if not blocks(request, redirect.url):
        return redirect
    context = {"next_url": redirect.url, "host": urlsplit(redirect.url).hostname}
    response = render(request, "oidc_login/leaving.html", context)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
