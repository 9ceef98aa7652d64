"""The APIs that answer who is asking: with REST framework, with Django Ninja and with a plain view."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from ninja import NinjaAPI

from oidc_login.contrib.ninja import BearerAuth
from oidc_login.decorators import bearer_required

api = NinjaAPI(auth=BearerAuth(), urls_namespace="tests_gate")


@api.get("/")
def ninja_view(request: HttpRequest) -> Any:
    return {"user": request.user.get_username()}


@bearer_required
def plain_view(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username()})


urlpatterns = [
    path("ninja/", api.urls),
    path("plain/", plain_view),
    path("", include("tests.drf.urls")),
]
