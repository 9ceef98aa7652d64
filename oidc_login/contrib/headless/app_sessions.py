"""Requests of apps: an app token in the `Authorization` header says who asks, and no cookie is looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from oidc_login.backends import site_backend
from oidc_login.contrib.headless.app_tokens import find_app_session, sent_token
from oidc_login.exceptions import NotSignedIn, OAuthError, SiteUnavailable
from oidc_login.faults import site_fault
from oidc_login.models import OAuthConnection, SignedInSession
from oidc_login.problems import problem_response
from oidc_login.registry import get_provider
from oidc_login.signin.admission import admit_known

View = Callable[..., HttpResponseBase]


def as_app(view: View, *, without_cookie: View) -> View:
    """Let `without_cookie` answer a request with an app token, and `view` every other."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token = sent_token(request)
        if not token:
            return view(request, *args, **kwargs)
        try:
            row = find_app_session(token)
            is_valid = row is not None and may_continue(request, row)
        except Exception as error:  # of a store of the site; a mistake in code is raised again
            fault = error if isinstance(error, SiteUnavailable) else site_fault(error)
            if fault is None:
                raise
            return problem_response(fault)
        if row is None or not is_valid:
            response = problem_response(NotSignedIn("app_token"))
            response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return response
        request.user = row.user
        request.session = type(request.session)()
        request.oidc_login_app_session = row  # type: ignore[attr-defined]  # read by `app_session_of`
        return without_cookie(request, *args, **kwargs)

    return answered


def may_continue(request: HttpRequest, row: SignedInSession) -> bool:
    """Whether every rule for who may come in still holds for the identity behind a token, by its stored claims."""
    identity = {"provider_key": row.provider_key, "issuer": row.issuer, "provider_user_id": row.subject}
    connection = OAuthConnection.objects.select_related("user").filter(user_id=row.user_id, **identity).first()
    if connection is None:
        return False
    try:
        backend = site_backend()
        backend.request = request
        admit_known(connection, {}, provider=get_provider(row.provider_key), backend=backend)
    except SiteUnavailable:
        raise
    except OAuthError:
        return False
    return True


def app_session_of(request: HttpRequest) -> SignedInSession | None:
    """Return the app session that a request was sent with, `None` for one with a cookie."""
    return getattr(request, "oidc_login_app_session", None)
