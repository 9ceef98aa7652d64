"""Who is signed in, how to sign in, and how to sign out."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from oidc_login.contrib.headless.app_sessions import app_session_of
from oidc_login.contrib.headless.app_tokens import end_app_session
from oidc_login.contrib.headless.body import members_of, text_member
from oidc_login.contrib.headless.returning import checked_next
from oidc_login.contrib.headless.schema import (
    MOMENT,
    PROVIDER,
    TEXT,
    TEXT_OR_NULL,
    URL_OR_NULL,
    USER,
    Operation,
    a_body,
    a_list,
    an_object,
)
from oidc_login.contrib.headless.views.base import Endpoint
from oidc_login.exceptions import NotSignedIn, OAuthError, SessionUnconfirmed
from oidc_login.problems import problem_response
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_login_providers
from oidc_login.sessions.renewal import CONTINUES, Outcome, renew_session
from oidc_login.sessions.schedule import is_unconfirmed, release_attempt
from oidc_login.signin.pending_link import read_pending_link
from oidc_login.views.logout import end_session_url, remember_logout, session_provider, stored_id_token


class SessionEndpoint(Endpoint):
    """Returns who is signed in, and the CSRF token for requests that change something."""

    http_method_names = ["get", "head", "options"]
    operations: ClassVar[Any] = {
        "get": Operation(
            summary="Say who is signed in, or how to sign in",
            answers={200: an_object(user=USER, provider=TEXT_OR_NULL, expires_at=MOMENT, csrf_token=TEXT)},
            errors=(401, 503),
            takes_app_token=True,
        )
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        # An app token needs no CSRF token, and sets no cookie.
        token = "" if app_session_of(request) else get_token(request)
        refusal = unconfirmed(request) if request.user.is_authenticated else NotSignedIn("no_session")
        if refusal is not None:
            members: dict[str, Any] = {"providers": listed_providers(), "csrf_token": token}
            return problem_response(refusal, **members, **described_pending_link(request))
        return JsonResponse(described_session(request) | {"csrf_token": token})


def described_pending_link(request: HttpRequest) -> dict[str, Any]:
    """Return the identity that waits for a sign-in to the account with its email address."""
    pending = read_pending_link(request)
    return {"confirm_link": {"provider": pending.provider_key, "email": pending.email}} if pending else {}


def unconfirmed(request: HttpRequest) -> OAuthError | None:
    """Return why a session cannot continue (`oidc_login.middleware.SessionRefresh`), or `None` if it can."""
    renewal = renew_session(request) if is_unconfirmed(request) else CONTINUES
    if renewal.outcome is Outcome.NEEDS_BROWSER:
        if renewal.has_attempt:
            release_attempt(request.session)
        return SessionUnconfirmed("session")
    if renewal.outcome is Outcome.ENDED:
        return NotSignedIn("session_ended")
    return renewal.error if renewal.outcome is Outcome.UNAVAILABLE else None


class ProvidersEndpoint(Endpoint):
    """Lists the ways to sign in, for a front end that draws its own buttons."""

    http_method_names = ["get", "head", "options"]
    operations: ClassVar[Any] = {
        "get": Operation(summary="List the ways to sign in", answers={200: an_object(providers=a_list(PROVIDER))})
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse({"providers": listed_providers()})


class LogoutEndpoint(Endpoint):
    """Ends the session of this browser, and returns the URL that ends the session at the provider."""

    http_method_names = ["post", "options"]
    operations: ClassVar[Any] = {
        "post": Operation(
            summary="Sign out here, and learn where to sign out at the provider",
            body=a_body(next=TEXT),
            answers={200: an_object(end_session_url=URL_OR_NULL)},
            errors=(400, 401, 403, 413),
            takes_app_token=True,
            needs_csrf_token=True,
        )
    }

    @sensitive_variables()
    def post(self, request: HttpRequest) -> HttpResponse:
        if (row := app_session_of(request)) is not None:
            end_app_session(row)
            return JsonResponse({"end_session_url": None})
        next_url = checked_next(request, text_member(members_of(request), "next"))
        provider_key, id_token_hint = session_provider(request), stored_id_token(request)
        # First, so that nobody stays signed in here if the provider cannot be reached.
        auth.logout(request)
        state = secrets.token_urlsafe(32)
        url = end_session_url(request, provider_key, id_token_hint=id_token_hint, state=state)
        response = JsonResponse({"end_session_url": url or None})
        if url:
            remember_logout(request, response, state=state, next_url=next_url)
        return response


def described_session(request: HttpRequest) -> dict[str, Any]:
    """Return what a front end may know about the session: user, provider and expiry."""
    row = app_session_of(request)
    if row is not None:
        expires_at = row.expires_at.isoformat()
        return {"user": described_user(request.user), "provider": row.provider_key, "expires_at": expires_at}
    return {
        "user": described_user(request.user),
        "provider": session_provider(request) or None,
        "expires_at": request.session.get_expiry_date().isoformat(),
    }


def described_user(user: Any) -> dict[str, Any]:
    """Return the members of a user; "" for those that the user model lacks."""
    email_field = user.get_email_field_name() if hasattr(user, "get_email_field_name") else "email"
    name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return {
        "id": str(user.pk),
        "username": user.get_username(),
        "email": str(getattr(user, email_field, "") or ""),
        "name": str(name),
    }


def listed_providers() -> list[dict[str, Any]]:
    return [described_provider(provider) for provider in get_login_providers()]


def described_provider(provider: OAuthProvider) -> dict[str, Any]:
    """Return how to display a provider; `icon` is the path of the site's static file or template, or `null`."""
    return {
        "key": provider.key,
        "label": str(provider.label),
        "icon": provider.icon or None,
        "begin_url": reverse("oidc_login_headless:begin", args=[provider.key]),
    }
