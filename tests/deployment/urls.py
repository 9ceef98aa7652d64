"""The URLs of the site that is deployed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


urlpatterns = [path("", home, name="home"), path("oauth/", include("oidc_login.urls"))]
