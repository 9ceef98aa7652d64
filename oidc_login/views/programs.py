"""Responses for programs: a problem document with status 401 instead of a redirect to the sign-in page."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url

from oidc_login.conf import django
from oidc_login.exceptions import NotSignedIn, OAuthError
from oidc_login.problems import problem_response, wants_json


def redirect_to_sign_in(request: HttpRequest, next_url: str) -> HttpResponseBase:
    """Redirect a visitor to `LOGIN_URL` and then `next_url`, or tell a program that nobody is signed in."""
    return respond_to_program(request) or redirect_to_login(next_url)


def respond_to_program(request: HttpRequest) -> HttpResponse | None:
    """Return the response for a program while nobody is signed in, or `None` for a browser's page request."""
    if not wants_json(request):
        return None
    return problem_response(NotSignedIn("no_session"), login_url=resolve_url(django.LOGIN_URL))


def as_problem(request: HttpRequest | None, error: OAuthError) -> HttpResponse | None:
    """Return the problem document of an error for a program, or `None` for a browser's page request."""
    return problem_response(error) if request is not None and wants_json(request) else None
