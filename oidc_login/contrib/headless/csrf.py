"""Django's CSRF check for the endpoints, with a problem document instead of its page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.log import log_response
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from oidc_login.conf import django
from oidc_login.contrib.headless.errors import CSRFFailed
from oidc_login.problems import problem_response

logger = logging.getLogger("django.security.csrf")

View = Callable[..., HttpResponseBase]


class CheckWithProblem(CsrfViewMiddleware):
    """Django's check, with responses for programs."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponseBase:
        response = problem_response(CSRFFailed("csrf"))
        log_response("Forbidden (%s): %s", reason, request.path, response=response, request=request, logger=logger)
        return response


def csrf_protect(view: View) -> View:
    """Return the view with the check; the site's own middleware leaves these views to it."""

    @csrf_exempt
    @wraps(view)
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        check = check_of(tuple(django.MIDDLEWARE))(view)
        check.process_request(request)
        refusal = check.process_view(request, view, args, kwargs)
        return check.process_response(request, refusal or view(request, *args, **kwargs))

    return protected


def check_csrf(request: HttpRequest) -> HttpResponseBase | None:
    """Return a refusal if a request has no CSRF token, or `None`; for views that check late."""
    check = check_of(tuple(django.MIDDLEWARE))(never_called)
    check.process_request(request)
    return check.process_view(request, never_called, (), {})


def never_called(request: HttpRequest) -> HttpResponseBase:
    """A placeholder for the checked view; the check only tests whether it is exempt."""
    raise NotImplementedError


@lru_cache(maxsize=8)
def check_of(middleware: tuple[str, ...]) -> type[CheckWithProblem]:
    """Return the check, based on the site's subclass of Django's middleware if there is one."""
    classes = [found for found in map(import_string, middleware) if isinstance(found, type)]
    base = next((found for found in classes if issubclass(found, CsrfViewMiddleware)), CsrfViewMiddleware)
    return type("Check", (CheckWithProblem, base), {})
