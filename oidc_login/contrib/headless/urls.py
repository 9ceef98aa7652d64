"""The endpoints, for `include("oidc_login.contrib.headless.urls")`.

They respond with 401 instead of a redirect, also on a site with Django's `LoginRequiredMiddleware`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from oidc_login.contrib.headless.app_sessions import as_app
from oidc_login.contrib.headless.body import UNREADABLE, body_refusal
from oidc_login.contrib.headless.cors import allow_origin, answer_preflight, is_preflight
from oidc_login.contrib.headless.csrf import csrf_protect
from oidc_login.contrib.headless.views.document import DocumentEndpoint
from oidc_login.contrib.headless.views.flows import BeginEndpoint, ConnectEndpoint, ReauthenticateEndpoint
from oidc_login.contrib.headless.views.native import NonceEndpoint, TokenEndpoint
from oidc_login.contrib.headless.views.own import (
    ConnectionEndpoint,
    ConnectionsEndpoint,
    EndedSessionEndpoint,
    SessionsEndpoint,
)
from oidc_login.contrib.headless.views.people import LogoutEndpoint, ProvidersEndpoint, SessionEndpoint
from oidc_login.contrib.headless.views.popup import PopupView
from oidc_login.problems import problem_response

View = Callable[..., HttpResponseBase]

app_name = "oidc_login_headless"


def endpoint(view: Any) -> View:
    """Return an endpoint for browsers and apps: cookies require a CSRF token, app tokens do not."""
    return open_to_frontends(as_app(csrf_protect(view.as_view()), without_cookie=view.as_view()), view)


def without_csrf(view: Any) -> View:
    """Return an endpoint that changes no session, or that checks the CSRF token itself when it does."""
    return open_to_frontends(csrf_exempt(view.as_view()), view)


def open_to_frontends(view: View, endpoint_class: Any) -> View:
    methods = ", ".join(name.upper() for name in endpoint_class.http_method_names)

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = answer_preflight(methods) if is_preflight(request) else view(request, *args, **kwargs)
        except (RequestDataTooBig, *UNREADABLE) as error:
            response = problem_response(body_refusal(error))
        allow_origin(request, response)
        return response

    protected: Any = login_not_required(csrf_exempt(opened))
    protected.takes_unconfirmed_sessions = not endpoint_class.needs_confirmed_session
    return protected  # type: ignore[no-any-return]


urlpatterns = [
    path("session/", endpoint(SessionEndpoint), name="session"),
    path("providers/", endpoint(ProvidersEndpoint), name="providers"),
    path("connections/", endpoint(ConnectionsEndpoint), name="connections"),
    path("connections/<str:pk>/", endpoint(ConnectionEndpoint), name="connection"),
    path("sessions/", endpoint(SessionsEndpoint), name="sessions"),
    path("sessions/<str:pk>/", endpoint(EndedSessionEndpoint), name="end_session"),
    path("logout/", endpoint(LogoutEndpoint), name="logout"),
    path("openapi.json", without_csrf(DocumentEndpoint), name="openapi"),
    path("popup/", login_not_required(PopupView.as_view()), name="popup"),
    path("<str:provider>/begin/", endpoint(BeginEndpoint), name="begin"),
    path("<str:provider>/connect/", endpoint(ConnectEndpoint), name="connect"),
    path("<str:provider>/reauthenticate/", endpoint(ReauthenticateEndpoint), name="reauthenticate"),
    path("<str:provider>/nonce/", without_csrf(NonceEndpoint), name="nonce"),
    path("<str:provider>/token/", without_csrf(TokenEndpoint), name="token"),
]
