"""`LoginRequiredMiddleware`: Django's, with a problem document for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import middleware
from django.http import HttpRequest, HttpResponseBase

from oidc_login.views.programs import respond_to_program


class LoginRequiredMiddleware(middleware.LoginRequiredMiddleware):
    """Redirects pages to `LOGIN_URL`, and sends programs a problem document (401)."""

    def handle_no_permission(  # type: ignore[override]  # Django's stubs allow a redirect only
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        return respond_to_program(request) or super().handle_no_permission(request, view_func)
