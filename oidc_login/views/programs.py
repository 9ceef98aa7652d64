"""Where a page is redirected to sign in, a program gets a problem document with the status 401."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url

from oidc_login.conf import django
from oidc_login.exceptions import NotSignedIn, OAuthError
from oidc_login.problems import problem_response, wants_json


def redirect_to_sign_in(request: HttpRequest, next_url: str) -> HttpResponseBase:
    """Send a visitor to `LOGIN_URL` and from there to `next_url`; tell a program that nobody is signed in."""
    return tell_program(request) or redirect_to_login(next_url)


def tell_program(request: HttpRequest) -> HttpResponse | None:
    """Return what a program is told while nobody is signed in, `None` for a browser that requests a page."""
    if not wants_json(request):
        return None
    return problem_response(NotSignedIn("no_session"), login_url=resolve_url(django.LOGIN_URL))


def as_problem(request: HttpRequest | None, error: OAuthError) -> HttpResponse | None:
    """Return an error as a program reads it, `None` for a browser that requests a page."""
    return problem_response(error) if request is not None and wants_json(request) else None
