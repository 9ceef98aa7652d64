"""The views at old URLs: each finds the entry with the old address, and calls the current view."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase

from oidc_login.flow.redirects import key_of
from oidc_login.views.begin import LoginView
from oidc_login.views.callback import CallbackView


class OldCallbackView(CallbackView):
    """Ends a flow at an old URL. The flow names its provider, so a URL cannot be used for another provider."""

    package = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        name = kwargs.pop("name", "")
        return super().dispatch(request, *args, provider=key_of(self.package, name), **kwargs)


class OldLoginView(LoginView):
    """Begins a sign-in at an old URL. A GET shows one button, because a link that signs in is a login CSRF."""

    package = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        name = kwargs.pop("name", "")
        if provider_id := kwargs.pop("provider_id", ""):  # allauth's URL for all of its OpenID Connect providers
            name = kwargs.pop("prefix", "") + provider_id
        return super().dispatch(request, *args, provider=key_of(self.package, name), **kwargs)
