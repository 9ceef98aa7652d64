"""Requests of apps, which an app token in the `Authorization` header authenticates instead of a cookie."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from oidc_login.access_tokens.app_tokens import judge_app_token
from oidc_login.backends import site_backend
from oidc_login.contrib.headless.app_tokens import sent_token
from oidc_login.exceptions import NotSignedIn, OAuthError, SiteUnavailable
from oidc_login.faults import site_fault
from oidc_login.models import SignedInSession
from oidc_login.problems import problem_response

View = Callable[..., HttpResponseBase]


def as_app(view: View, *, without_cookie: View) -> View:
    """Pass requests with an app token to `without_cookie`, and all others to `view`."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token = sent_token(request)
        if not token:
            return view(request, *args, **kwargs)
        try:
            row, _connection = judge_app_token(token, request=request, backend=site_backend())
        except Exception as error:
            return refuse(error)
        request.user = row.user
        request.session = type(request.session)()
        request.oidc_login_app_session = row  # type: ignore[attr-defined]  # read by `app_session_of`
        return without_cookie(request, *args, **kwargs)

    return answered


def refuse(error: Exception) -> HttpResponseBase:
    """Return the response for a token that opens nothing; 503 for a store of the site that fails.

    A mistake in code is raised again.
    """
    if isinstance(error, OAuthError) and not isinstance(error, SiteUnavailable):
        response = problem_response(NotSignedIn("app_token"))
        response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return response
    fault = error if isinstance(error, SiteUnavailable) else site_fault(error)
    if fault is None:
        raise error
    return problem_response(fault)


def app_session_of(request: HttpRequest) -> SignedInSession | None:
    """Return the app session of a request, or `None` for a request with a cookie."""
    return getattr(request, "oidc_login_app_session", None)
