"""The URLs of the suite's site: the package, the admin, and a page that says who is signed in."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def home(request: HttpRequest) -> HttpResponse:
    """Answer with the signed-in user's name, or with nothing."""
    return HttpResponse(request.user.get_username(), content_type="text/plain")


urlpatterns = [
    path("", home, name="home"),
    path("admin/", admin.site.urls),
    path("oauth/", include("oidc_login.urls")),
]
