"""The CSRF check of our own forms, with a way on for people whose page was out of date.

Signing in replaces the CSRF token, so a button in another tab fails the check, and so does one of a page that was open
for long. The request is refused and does nothing. Only the page about it is the package's, unless the site has a
`CSRF_FAILURE_VIEW` of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.urls import reverse
from django.utils.log import log_response
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from oidc_login.conf import django
from oidc_login.flow.redirects import destination, posted_next
from oidc_login.views.base import with_next

logger = logging.getLogger("django.security.csrf")

WayOn = Callable[[HttpRequest], str]
DJANGOS_PAGE = "django.views.csrf.csrf_failure"
STALE = "CSRF "  # how Django's reasons about the token begin; others are about the origin


class CheckWithWayOn(CsrfViewMiddleware):
    """Django's check. A stale token leads to a page of ours."""

    way_on: WayOn

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponseBase:
        """Refuse the request. A page of another origin gets the site's own answer."""
        is_signed_in = request.user.is_authenticated
        if not reason.startswith(STALE) or (not is_signed_in and django.CSRF_FAILURE_VIEW != DJANGOS_PAGE):
            refused: HttpResponseBase = super()._reject(request, reason)  # type: ignore[misc]  # Django's stubs lack it
            return refused
        context = {"next_url": self.way_on(request), "is_signed_in": is_signed_in}
        response = render(request, "oidc_login/out_of_date.html", context, status=403)
        response["Cache-Control"] = "no-store"
        log_response("Forbidden (%s): %s", reason, request.path, response=response, request=request, logger=logger)
        return response


def csrf_protect(view: Callable[..., HttpResponseBase], *, way_on: WayOn) -> Callable[..., HttpResponseBase]:
    """Return the view with the check; `way_on` returns the link for a person whose page was out of date.

    The site's middleware would respond first, so it is made to leave the view to this check, which is the same.
    """

    @csrf_exempt
    @wraps(view)
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        check = check_of(tuple(django.MIDDLEWARE))(view)
        check.way_on = way_on
        check.process_request(request)
        refusal = check.process_view(request, view, args, kwargs)
        return check.process_response(request, refusal or view(request, *args, **kwargs))

    return protected


@lru_cache(maxsize=8)
def check_of(middleware: tuple[str, ...]) -> type[CheckWithWayOn]:
    """Return the check, based on the site's own subclass of Django's middleware if it has one."""
    classes = [found for found in map(import_string, middleware) if isinstance(found, type)]
    base = next((found for found in classes if issubclass(found, CsrfViewMiddleware)), CsrfViewMiddleware)
    return type("Check", (CheckWithWayOn, base), {})


# The links.


def to_next(request: HttpRequest) -> str:
    """Return where the sign-in would have ended, or for a visitor the page with its button."""
    if not request.user.is_authenticated:
        return with_next(request.path, posted_next(request))
    return destination(request, posted_next(request))


def to_connections(request: HttpRequest) -> str:
    return posted_next(request) or reverse("oidc_login:connections")


def to_logout(request: HttpRequest) -> str:
    return reverse("oidc_login:logout")
