"""The URLs, for `include("oidc_login.urls")`.

What begins something protects itself, also in a site without Django's CSRF middleware. The callback is bound by
its flow cookie instead: a provider that posts its answer has no CSRF token of ours.
"""

from __future__ import annotations

from django.urls import path
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from .views.begin import ConnectView, LoginView, ProvidersView
from .views.callback import CallbackView

app_name = "oidc_login"

urlpatterns = [
    path("", csrf_protect(ProvidersView.as_view()), name="providers"),
    path("<str:provider>/login/", csrf_protect(LoginView.as_view()), name="login"),
    path("<str:provider>/connect/", csrf_protect(ConnectView.as_view()), name="connect"),
    path("<str:provider>/callback/", csrf_exempt(CallbackView.as_view()), name="callback"),
]
