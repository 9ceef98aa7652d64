"""A site's own pages: some need a permission at the provider, others use tokens and do not expect anything to fail."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path

from oidc_login.decorators import scopes_required
from oidc_login.models import OAuthConnection
from tests.settings.urls import urlpatterns as site


@scopes_required("op", "phone")
def calendar(request: HttpRequest) -> HttpResponse:
    return HttpResponse("calendar")


@scopes_required("op", "phone")
async def calendar_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("calendar")


def own(request: HttpRequest) -> OAuthConnection:
    return OAuthConnection.objects.select_related("user").get(user__username=request.user.get_username())


def refresh(request: HttpRequest) -> HttpResponse:
    own(request).refresh_access_token()
    return HttpResponse("refreshed")


async def refresh_async(request: HttpRequest) -> HttpResponse:
    connection = await sync_to_async(own)(request)
    await connection.arefresh_access_token()
    return HttpResponse("refreshed")


def revoke(request: HttpRequest) -> HttpResponse:
    own(request).revoke()
    return HttpResponse("revoked")


def call(request: HttpRequest) -> HttpResponse:
    """Call the API whose address is in the query."""
    response = own(request).session().get(request.GET["url"])
    response.raise_for_status()
    return HttpResponse("called")


urlpatterns = [
    *site,
    path("calendar/", calendar),
    path("async/calendar/", calendar_async),
    path("refresh/", refresh),
    path("async/refresh/", refresh_async),
    path("revoke/", revoke),
    path("call/", call),
]
