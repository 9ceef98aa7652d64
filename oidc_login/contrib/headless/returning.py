"""Where a flow of a front end ends: at a URL of a configured front end, or at a path of this site."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from oidc_login.contrib.headless.errors import FieldInvalid
from oidc_login.flow import hosts
from oidc_login.flow.frontends import is_frontend_origin, is_frontend_url, without_error
from oidc_login.flow.redirects import next_problem

MAX_NEXT_BYTES = 2000


def checked_next(request: HttpRequest, url: str) -> str:
    """Return `next`, or raise `FieldInvalid` for a URL that is not on a front end or this host."""
    if not url:
        return ""
    if len(url.encode("utf-8", "surrogatepass")) <= MAX_NEXT_BYTES and is_frontend_url(url):
        return without_error(url)
    if next_problem(request, [url]):
        raise FieldInvalid("next")
    return url


def popup_origin(request: HttpRequest, origin: str) -> str:
    """Return an origin that a pop-up may notify, a front end or this site; "" for any other."""
    own = hosts.origin_of(hosts.url_at(request, "/"))
    return origin if origin and (is_frontend_origin(origin) or origin == own) else ""


def popup_url(request: HttpRequest, origin: str) -> str:
    """Return the URL where a flow in a pop-up ends, or raise `FieldInvalid` for an origin that may not be notified."""
    if not popup_origin(request, origin):
        raise FieldInvalid("popup_origin")
    return f"{reverse('oidc_login_headless:popup')}?{urlencode({'origin': origin})}"
