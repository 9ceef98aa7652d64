"""The suite's site with pages of its own: shown, posted to, for scripts, and asynchronous."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie

from tests.settings.urls import urlpatterns as site


@ensure_csrf_cookie
def page(request: HttpRequest, number: int = 0) -> HttpResponse:
    """Say who is there, and what was posted; write it into the session too."""
    if "note" in request.POST:
        request.session["note"] = request.POST["note"]
    return HttpResponse(f"{request.user.get_username()}:{request.POST.get('note', '')}")


def api(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"user": request.user.get_username()})


async def slow_page(request: HttpRequest) -> HttpResponse:
    user: Any = await request.auser()
    known = await get_user_model().objects.filter(pk=user.pk).aexists()
    return HttpResponse(user.get_username() if known else "nobody")


def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for everybody")


urlpatterns = [
    *site,
    path("page/", page, name="page"),
    path("page/<int:number>/", page, name="numbered"),
    path("api/", api, name="api"),
    path("slow/", slow_page, name="slow"),
    path("public/", public, name="public"),
    path("shop/", include(([path("logout/", page, name="oidc_logout")], "shop"))),
]
