"""The same API three times: with REST framework, with Django Ninja, and with plain views; and its description."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from ninja import NinjaAPI
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from oidc_login.contrib.drf import ClientRateThrottle, has_roles, has_scopes, is_person, requires_authentication
from oidc_login.contrib.ninja import BearerAuth
from oidc_login.decorators import bearer_required
from tests.drf.urls import WhoAmI

api = NinjaAPI(auth=BearerAuth(), urls_namespace="tests_drf")
DEMANDS: dict[str, dict[str, Any]] = {
    "": {},
    "orders": {"scopes": "orders.read"},
    "admins": {"roles": "admin"},
    "people": {"person": True},
    "fresh": {"person": True, "acr_values": ["gold", "silver"], "max_age": 60},
}
PERMISSIONS: dict[str, list[Any]] = {
    "": [IsAuthenticated],
    "orders": [has_scopes("orders.read")],
    "admins": [has_roles("admin")],
    "people": [is_person],
    "fresh": [requires_authentication(acr_values="gold silver", max_age=60)],
}


def described(request: Any) -> dict[str, Any]:
    auth = request.auth
    return {
        "user": request.user.get_username(),
        "scopes": sorted(auth.scopes),
        "roles": sorted(auth.roles),
        "client_id": auth.client_id,
        "is_application": auth.is_application,
        "has_connection": auth.connection is not None,
    }


def rest_view(name: str) -> Any:
    class View(WhoAmI):
        permission_classes = PERMISSIONS[name]

        def get(self, request: Request) -> Response:
            return Response(described(request))

    return View.as_view()


class Limited(WhoAmI):
    throttle_classes = [type("Limited", (ClientRateThrottle,), {"rate": "2/minute"})]


def plain_view(name: str) -> Any:
    @bearer_required(**DEMANDS[name])
    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse(described(request))

    return view


@bearer_required
async def plain_async(request: HttpRequest) -> HttpResponse:
    return JsonResponse(described(request))


@bearer_required
def plain_post(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"method": request.method})


for name, wanted in DEMANDS.items():

    @api.get(f"/{name}/" if name else "/", auth=BearerAuth(**wanted), operation_id=f"ninja_{name}")
    def operation(request: HttpRequest) -> Any:
        return described(request)


@api.get("/async/")
async def ninja_async(request: HttpRequest) -> Any:
    return described(request)


@api.get("/open/", auth=None)
def ninja_open(request: HttpRequest) -> Any:
    return {}


urlpatterns = [
    *(path(f"drf/{name}/" if name else "drf/", rest_view(name)) for name in DEMANDS),
    *(path(f"plain/{name}/" if name else "plain/", plain_view(name)) for name in DEMANDS),
    path("plain/async/", plain_async),
    path("plain/post/", plain_post),
    path("drf/limited/", Limited.as_view()),
    path("ninja/", api.urls),
    path("", include("oidc_login.contrib.resource.urls")),
    path("", include("tests.drf.urls")),
]
