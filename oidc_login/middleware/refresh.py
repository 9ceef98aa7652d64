"""`SessionRefresh`: sessions last as long as their provider confirms them (`oidc_login.sessions.renewal`).

A session that no refresh token confirms is confirmed through the browser, which is sent to the provider and back from a
page that was requested by GET.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from oidc_login.exceptions import NotSignedIn, OAuthError, SessionUnconfirmed, as_oauth_error
from oidc_login.flow.begin import begin_flow
from oidc_login.flow.redirects import destination, safe_next
from oidc_login.middleware.faults import respond_to_faults, unavailable
from oidc_login.middleware.requests import has_session, is_exempt, is_page
from oidc_login.models import OAuthConnection
from oidc_login.problems import problem_response, wants_json
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.sessions.renewal import Outcome, Renewal, postpone_renewal, renew_session, silent_parameters
from oidc_login.sessions.schedule import is_in_grace, release_attempt, require_confirmations

RETRY_DELAY: Final = 2  # seconds until a page looks again for the attempt of another tab


class SessionRefresh(MiddlewareMixin):
    """Has the sessions of `oidc_login.backends` confirmed by their providers; comes after AuthenticationMiddleware."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return the response that replaces the view's until the session is confirmed.

        If views are asynchronous, Django runs this in a thread: it reads the session and asks the provider.
        """
        require_confirmations(request)
        if not has_session(request) or is_exempt(request, view):
            return None
        return respond_to_faults(request, lambda: respond(request, renew_session(request)))


def respond(request: HttpRequest, renewal: Renewal) -> HttpResponseBase | None:
    """Return the response for the outcome of a renewal; `None` calls the view."""
    if renewal.outcome is Outcome.ENDED:
        # A page is shown to a visitor. A program would not notice that.
        login_url = reverse("oidc_login:providers")
        return problem_response(NotSignedIn("session_ended"), login_url=login_url) if wants_json(request) else None
    if renewal.outcome is Outcome.UNAVAILABLE and renewal.error is not None:
        return unavailable(request, renewal.error, provider=renewal.provider)
    if renewal.outcome is Outcome.NEEDS_BROWSER and renewal.provider and renewal.connection:
        return renew_in_browser(request, renewal.connection, renewal.provider, has_attempt=renewal.has_attempt)
    return None


def renew_in_browser(
    request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider, *, has_attempt: bool
) -> HttpResponseBase | None:
    """Send the browser to the provider and back, if it requests a page."""
    if is_page(request) and not wants_json(request):
        return begin_silent_flow(request, connection, provider) if has_attempt else retry_later(request)
    if has_attempt:
        release_attempt(request.session)
    if wants_json(request):
        login_url = reverse("oidc_login:login", args=[provider.key])
        return problem_response(SessionUnconfirmed("session"), provider=provider.key, login_url=login_url)
    if is_in_grace(request.session):
        return None
    # A POST cannot be repeated. The browser is sent to the provider from the page that follows.
    answer = HttpResponseRedirect(destination(request, ""))
    answer.status_code = 303
    return answer


def begin_silent_flow(
    request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider
) -> HttpResponseBase | None:
    """Begin a flow that shows no page (Core 3.1.2.1); the same person has to return from it."""
    try:
        with time_budget(MAX_TIMEOUT):
            answer = begin_flow(
                request,
                provider,
                purpose="refresh",
                next_url=safe_next(request, [request.get_full_path()]),
                user_key=str(request.user.pk),
                parameters=silent_parameters(connection, provider),
            )
    except (OAuthError, ProtocolError) as error:
        return respond(
            request, postpone_renewal(request, as_oauth_error(error), provider_key=provider.key, provider=provider)
        )
    answer["Cache-Control"] = "no-store"
    return answer


def retry_later(request: HttpRequest) -> HttpResponse:
    """Show a page that tries again, while another tab has an overdue session confirmed."""
    context = {"next_url": request.get_full_path(), "delay": RETRY_DELAY}
    answer = render(request, "oidc_login/moving_on.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
