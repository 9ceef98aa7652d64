"""The suite's site, with a page that has the tokens of whoever is signed in refreshed."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from oidc_login.exceptions import OAuthError
from tests.settings.urls import urlpatterns as of_the_suite


def refresh(request: HttpRequest) -> HttpResponse:
    """Refresh, and answer with the status of what went wrong; the reads around it are the site's own."""
    try:
        if not request.user.is_authenticated:
            return HttpResponse("nobody", status=403)
        request.user.oauth_connections.get().refresh_access_token()
    except OAuthError as error:
        return HttpResponse(error.code, status=error.status_code)
    except DatabaseError:
        return HttpResponse("database", status=503)
    return HttpResponse("refreshed")


urlpatterns = [path("refresh/", refresh), *of_the_suite]
