"""The views behind old addresses: each finds the entry that keeps the address, and is the view of today."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase

from oidc_login.flow.redirects import key_of
from oidc_login.views.begin import LoginView
from oidc_login.views.callback import CallbackView


class OldCallbackView(CallbackView):
    """Ends a flow at an old address. The flow names its provider, so no address speaks for another one's."""

    package = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        name = kwargs.pop("name", "")
        return super().dispatch(request, *args, provider=key_of(self.package, name), **kwargs)


class OldLoginView(LoginView):
    """Begins a sign-in at an old address. A GET shows one button, since a link that signs in is a login CSRF."""

    package = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        name = kwargs.pop("name", "")
        if provider_id := kwargs.pop("provider_id", ""):  # of allauth: one of many providers of OpenID Connect
            name = kwargs.pop("prefix", "") + provider_id
        return super().dispatch(request, *args, provider=key_of(self.package, name), **kwargs)
