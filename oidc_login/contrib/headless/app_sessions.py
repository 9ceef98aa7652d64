"""Requests of apps: an app token in the `Authorization` header says who asks, and no cookie is looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from oidc_login.backends import site_backend
from oidc_login.contrib.headless.app_tokens import find_app_session, sent_token
from oidc_login.contrib.headless.errors import NotSignedIn
from oidc_login.exceptions import OAuthError
from oidc_login.models import SignedInSession
from oidc_login.problems import problem_response
from oidc_login.signin.admission import admit_user

View = Callable[..., HttpResponseBase]


def as_app(view: View, *, without_cookie: View) -> View:
    """Let `without_cookie` answer a request with an app token, and `view` every other."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token = sent_token(request)
        if not token:
            return view(request, *args, **kwargs)
        row = find_app_session(token)
        if row is None or not may_go_on(request, row):
            response = problem_response(NotSignedIn("app_token"))
            response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return response
        request.user = row.user
        request.session = type(request.session)()
        request.oidc_login_app_session = row  # type: ignore[attr-defined]  # read by `app_session_of`
        return without_cookie(request, *args, **kwargs)

    return answered


def may_go_on(request: HttpRequest, row: SignedInSession) -> bool:
    """Whether the account behind a token may still be used: active, and accepted by the site's backend."""
    backend = site_backend()
    backend.request = request
    try:
        admit_user(row.user, can_authenticate=backend.user_can_authenticate)
    except OAuthError:
        return False
    return True


def app_session_of(request: HttpRequest) -> SignedInSession | None:
    """Return the app session that a request was sent with, `None` for one with a cookie."""
    return getattr(request, "oidc_login_app_session", None)
