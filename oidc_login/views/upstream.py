"""The URLs that sites of mozilla-django-oidc know, without a namespace: for templates, middleware and the provider.

They are about the one provider that upstream's settings mean.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse

from oidc_login import flow as flows
from oidc_login.exceptions import OAuthError
from oidc_login.upstream import entry

from .base import with_next
from .begin import LoginView
from .callback import CallbackView

NEXT_SETTING = "OIDC_REDIRECT_FIELD_NAME"
FAILURE_SETTING = "LOGIN_REDIRECT_URL_FAILURE"


class UpstreamLoginView(LoginView):
    """Stands at `oidc_authentication_init`. A GET shows one button, since a link that signs in is a login CSRF."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = entry.provider_key()
        if key is None:
            next_url = flows.safe_next(request, next_of(request))
            return HttpResponseRedirect(with_next(reverse("oidc_login:providers"), next_url))
        return super().dispatch(request, *args, provider=key, **kwargs)

    def get_next(self, request: HttpRequest) -> list[str]:
        return next_of(request)


def next_of(request: HttpRequest) -> list[str]:
    """Return where the person wants to go, by the name that upstream's setting gives it."""
    return request.GET.getlist(str(entry.get(NEXT_SETTING, "next")))


class UpstreamCallbackView(CallbackView):
    """Stands at `oidc_authentication_callback`, the address that is registered at the provider."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, provider=entry.provider_key() or "", **kwargs)

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """Send a person who did not sign in where upstream's setting says, if it says anything."""
        response = super().failed(request, error)
        failure_url = entry.get(FAILURE_SETTING)
        if failure_url and self.purpose == "login" and error.status_code in (302, 403):
            return HttpResponseRedirect(resolve_url(failure_url))
        return response
