"""The views of mozilla-django-oidc's URLs, which have no namespace: for templates, middleware and the provider.

They are for the one provider that its settings describe.
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
from oidc_login.flow.form_action import redirect_to_site
from oidc_login.flow.redirects import logout_destination, posted_next, safe_next
from oidc_login.mozilla import entry
from oidc_login.views.base import with_next
from oidc_login.views.begin import LoginView
from oidc_login.views.callback import CallbackView
from oidc_login.views.logout import LogoutView, session_provider

logger = logging.getLogger("oidc_login")

NEXT_SETTING = "OIDC_REDIRECT_FIELD_NAME"
FAILURE_SETTING = "LOGIN_REDIRECT_URL_FAILURE"
LOGOUT_SETTING = "OIDC_OP_LOGOUT_URL_METHOD"


class UpstreamLoginView(LoginView):
    """The view of `oidc_authentication_init`. A GET shows one button, because a link that signs in is a login CSRF."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = entry.provider_key()
        if key is None:
            next_url = safe_next(request, next_of(request))
            return HttpResponseRedirect(with_next(reverse("oidc_login:providers"), next_url))
        return super().dispatch(request, *args, provider=key, **kwargs)

    def get_next(self, request: HttpRequest) -> list[str]:
        return next_of(request)


def next_of(request: HttpRequest) -> list[str]:
    """Return every `next` in the query, by the name in mozilla-django-oidc's setting."""
    return request.GET.getlist(str(entry.get(NEXT_SETTING, "next")))


class UpstreamCallbackView(CallbackView):
    """The view of `oidc_authentication_callback`, the redirect URI that is registered at the provider."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, provider=entry.provider_key() or "", **kwargs)

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """Send a person who cancelled or was refused to the URL in mozilla-django-oidc's setting, if there is one."""
        response = super().failed(request, error)
        failure_url = entry.get(FAILURE_SETTING)
        if not failure_url or self.purpose not in ("login", "initiated") or error.status_code not in (302, 403):
            return response
        if not isinstance(error, Cancelled):
            messages.error(request, str(error), fail_silently=True)
        return HttpResponseRedirect(resolve_url(failure_url))


class UpstreamLogoutView(LogoutView):
    """The view of `oidc_logout`. A function of the site may return the URL that ends the provider's session."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask the function for everybody who is signed in, however they signed in, as upstream does."""
        if not entry.get(LOGOUT_SETTING) or not request.user.is_authenticated:
            return super().post(request)
        next_url, url = posted_next(request), site_logout_url(request)
        if not url and session_provider(request) != entry.provider_key():
            return super().post(request)
        auth.logout(request)
        return redirect_to_site(request, url or logout_destination(request, next_url))


def site_logout_url(request: HttpRequest) -> str:
    """Return the URL of the site's function, "" if it fails: the session ends here in any case."""
    try:
        return str(import_string(str(entry.get(LOGOUT_SETTING)))(request) or "")
    except Exception as error:  # the site's own code
        logger.error("OIDC_OP_LOGOUT_URL_METHOD failed: error=%s", type(error).__name__, exc_info=True)
        return ""
