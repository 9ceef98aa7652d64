"""The base of the endpoints: every error is a problem document, and nothing is cached."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from oidc_login.contrib.headless.errors import MethodNotAllowed
from oidc_login.exceptions import NotSignedIn, OAuthError
from oidc_login.exceptions.requests import RequestRefused
from oidc_login.problems import problem_response
from oidc_login.views.base import ProviderView

logger = logging.getLogger("oidc_login")


class Endpoint(ProviderView):
    """An endpoint for programs. With `needs_person`, it responds with 401 unless somebody is signed in."""

    needs_person = False
    needs_confirmed_session = False  # by `oidc_login.middleware.SessionRefresh`

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        handler = getattr(self, str(request.method).lower(), None)
        if self.needs_person and handler is not None and request.method != "OPTIONS":
            setattr(self, str(request.method).lower(), self._for_person(handler))

    def _for_person(self, handler: Any) -> Any:
        def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                raise NotSignedIn("no_session")
            answer: HttpResponseBase = handler(request, *args, **kwargs)
            return answer

        return handle

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = self.render_error(request, MethodNotAllowed("method"))
        response["Allow"] = ", ".join(name.upper() for name in self.http_method_names)
        return response

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        logger.debug("request refused: %s (%s) path=%s", error.code, error.reason, request.path)
        return self.render_error(request, error)

    def render_error(self, request: HttpRequest | None, error: OAuthError) -> HttpResponse:
        return problem_response(error)


class SignInEndpoint(Endpoint):
    """An endpoint that begins or ends a sign-in: its failures are logged and signalled like those of the pages."""

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        if isinstance(error, RequestRefused):
            return super().failed(request, error)
        return ProviderView.failed(self, request, error)
