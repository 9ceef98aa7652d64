"""The CSRF check of our own forms, with a way on for people who signed in after they had opened the form.

Signing in replaces the CSRF token, so a button in another tab fails the check. The request is refused as before and
does nothing; what differs is the page that somebody who is signed in gets to see.
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
from oidc_login.views.begin import posted_next
from oidc_login.views.callback import destination

logger = logging.getLogger("django.security.csrf")

WayOn = Callable[[HttpRequest], str]
STALE = "CSRF "  # how Django's reasons about the token begin; others are about the origin


class CheckWithWayOn(CsrfViewMiddleware):
    """Django's check. A stale token of somebody who is signed in leads to a page of ours."""

    way_on: WayOn

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponseBase:
        """Refuse the request. A page of another origin gets the site's own answer, and so does a visitor."""
        if not reason.startswith(STALE) or not request.user.is_authenticated:
            refused: HttpResponseBase = super()._reject(request, reason)  # type: ignore[misc]  # Django's stubs lack it
            return refused
        response = render(request, "oidc_login/out_of_date.html", {"next_url": self.way_on(request)}, status=403)
        response["Cache-Control"] = "no-store"
        log_response("Forbidden (%s): %s", reason, request.path, response=response, request=request, logger=logger)
        return response


def csrf_protect(view: Callable[..., HttpResponseBase], *, way_on: WayOn) -> Callable[..., HttpResponseBase]:
    """Return the view behind the check; `way_on` says where somebody goes on whose page was out of date.

    The middleware of the site would answer first, so it leaves the view to the check in here, which is the same.
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
    """Return the check, based on the site's own subclass of Django's middleware where it has one."""
    classes = [found for found in map(import_string, middleware) if isinstance(found, type)]
    base = next((found for found in classes if issubclass(found, CsrfViewMiddleware)), CsrfViewMiddleware)
    return type("Check", (CheckWithWayOn, base), {})


# Where people go on.


def to_next(request: HttpRequest) -> str:
    """Return where the sign-in would have ended: the person is signed in already."""
    return destination(request, posted_next(request))


def to_connections(request: HttpRequest) -> str:
    return posted_next(request) or reverse("oidc_login:connections")


def to_logout(request: HttpRequest) -> str:
    return reverse("oidc_login:logout")
