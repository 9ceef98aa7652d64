"""Pages that need a permission at the provider."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from oidc_login.decorators import scopes_required
from tests.settings.urls import home


@scopes_required("op", "phone")
def calendar(request: HttpRequest) -> HttpResponse:
    return HttpResponse("calendar")


@scopes_required("op", "phone")
async def calendar_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("calendar")


urlpatterns = [
    path("", home, name="home"),
    path("oauth/", include("oidc_login.urls")),
    path("calendar/", calendar),
    path("async/calendar/", calendar_async),
]
