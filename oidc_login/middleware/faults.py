"""Responses for a session that cannot be judged, because the provider or a store of the site fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.http import HttpRequest, HttpResponse

from oidc_login.exceptions import OAuthError
from oidc_login.faults import site_fault
from oidc_login.problems import problem_response, wants_json
from oidc_login.providers.base import OAuthProvider
from oidc_login.views.base import ProviderView

A = TypeVar("A")


def respond_to_faults(request: HttpRequest, work: Callable[[], A]) -> A | HttpResponse:
    """Return what `work` returns, or a 503 if a store of the site fails."""
    try:
        return work()
    except Exception as error:
        fault = site_fault(error)
        if fault is None:
            raise
    return unavailable(request, fault)


def unavailable(request: HttpRequest, error: OAuthError, *, provider: OAuthProvider | None = None) -> HttpResponse:
    """Return an error page, or a problem document for a program."""
    if wants_json(request):
        return problem_response(error)
    return ProviderView(provider=provider).respond_to_error(request, error)
