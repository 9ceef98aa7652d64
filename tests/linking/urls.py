"""The suite's URLs with Django's own pages for passwords."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.settings.urls import urlpatterns as base


def visit(request: HttpRequest) -> HttpResponse:
    """Give a visitor a session."""
    request.session["visited"] = True
    return HttpResponse("")


urlpatterns = [
    *base,
    path("accounts/visit/", visit),
    path("accounts/login/", LoginView.as_view(template_name="oidc_login/providers.html"), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
]
