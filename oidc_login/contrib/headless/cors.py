"""Cross-origin requests (Fetch, CORS protocol): with credentials, and only from `OIDC_LOGIN_FRONTEND_ORIGINS`."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from oidc_login.flow.frontends import is_frontend_origin

HEADERS: Final = "Content-Type, X-CSRFToken, Authorization"
MAX_AGE: Final = 600  # seconds that a browser may cache a preflight response


def is_preflight(request: HttpRequest) -> bool:
    """Whether the request is a CORS preflight request."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def answer_preflight(methods: str) -> HttpResponse:
    """Return the response to a preflight request; `allow_origin` adds the headers for allowed origins."""
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = methods
    response["Access-Control-Allow-Headers"] = HEADERS
    response["Access-Control-Max-Age"] = str(MAX_AGE)
    return response


def allow_origin(request: HttpRequest, response: HttpResponseBase) -> None:
    """Allow a configured front end to read the response; add no headers for other origins."""
    patch_vary_headers(response, ["Origin"])
    origin = request.headers.get("Origin", "")
    if is_frontend_origin(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
