"""A site with pages, and with the endpoints for front ends below `api/auth/`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


urlpatterns = [
    path("", home, name="home"),
    path("oauth/", include("oidc_login.urls")),
    path("api/auth/", include("oidc_login.contrib.headless.urls")),
]
