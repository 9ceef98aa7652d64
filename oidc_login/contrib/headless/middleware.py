"""`FrontendMiddleware`: lets the front ends of the site call its own views from their origin."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from oidc_login.contrib.headless.cors import allow_origin, answer_preflight, is_preflight
from oidc_login.flow.frontends import is_frontend_origin

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


class FrontendMiddleware(MiddlewareMixin):
    """Sends the CORS headers of the endpoints with every response, to `OIDC_LOGIN_FRONTEND_ORIGINS` only.

    It comes first, so that a front end can also read the refusals of other middleware.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if is_preflight(request) and is_frontend_origin(request.headers.get("Origin", "")):
            return answer_preflight(METHODS)
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        allow_origin(request, response)
        return response
