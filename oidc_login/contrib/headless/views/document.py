"""The OpenAPI document of these endpoints."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from oidc_login.conf import django
from oidc_login.contrib.headless.openapi import build_document
from oidc_login.contrib.headless.views.base import Endpoint


class DocumentEndpoint(Endpoint):
    """Returns the document, from which clients can be generated."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        from oidc_login.contrib.headless.urls import urlpatterns  # the patterns name this view

        prefix = reverse("oidc_login_headless:openapi").removesuffix("openapi.json")
        return JsonResponse(
            build_document(urlpatterns, prefix=prefix, session_cookie=django.SESSION_COOKIE_NAME),
            json_dumps_params={"indent": 2},
        )
