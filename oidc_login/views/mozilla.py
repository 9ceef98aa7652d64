"""The URLs that sites of mozilla-django-oidc know, without a namespace: for templates, middleware and the provider.

They are about the one provider that upstream's settings mean.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.module_loading import import_string

from oidc_login.exceptions import Cancelled, OAuthError
from oidc_login.flow import pending as flows
from oidc_login.mozilla import entry
from oidc_login.views.base import SESSION_KEY, with_next
from oidc_login.views.begin import LoginView, posted_next
from oidc_login.views.callback import CallbackView
from oidc_login.views.leaving import leave
from oidc_login.views.logout import LogoutView, after_logout

logger = logging.getLogger("oidc_login")

NEXT_SETTING = "OIDC_REDIRECT_FIELD_NAME"
FAILURE_SETTING = "LOGIN_REDIRECT_URL_FAILURE"
LOGOUT_SETTING = "OIDC_OP_LOGOUT_URL_METHOD"


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
        """Send a person who cancelled or may not sign in where upstream's setting says, if it says anything."""
        response = super().failed(request, error)
        failure_url = entry.get(FAILURE_SETTING)
        if not failure_url or self.purpose not in ("login", "initiated") or error.status_code not in (302, 403):
            return response
        if not isinstance(error, Cancelled):
            messages.error(request, str(error), fail_silently=True)
        return HttpResponseRedirect(resolve_url(failure_url))


class UpstreamLogoutView(LogoutView):
    """Stands at `oidc_logout`. A site may have a function of its own that says where the provider's session ends."""

    def post(self, request: HttpRequest) -> HttpResponse:
        key = request.session.get(SESSION_KEY, {}).get("provider", "")
        if not entry.get(LOGOUT_SETTING) or key != entry.provider_key():
            return super().post(request)
        next_url, url = posted_next(request), site_logout_url(request)
        auth.logout(request)
        return leave(request, url or after_logout(request, next_url))


def site_logout_url(request: HttpRequest) -> str:
    """Return what the site's function says; whatever becomes of it, the session ends here."""
    try:
        return str(import_string(str(entry.get(LOGOUT_SETTING)))(request) or "")
    except Exception as error:  # the site's own code
        logger.error("%s failed: %s", LOGOUT_SETTING, type(error).__name__, exc_info=True)
        return ""
