"""Sessions that last as long as their provider confirms them: by refresh token, or by `prompt=none` (Core 3.1.2.1).

A refresh token is used where there is one, since nobody notices: no page is left and nothing posted is lost. Else
the browser is sent to the provider and back, from a page that was asked for by GET. What the provider cannot say
at the moment leaves the session for a while (`GRACE`); what only the person can say ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from oidc_login.backends import get_backend_path, site_backend
from oidc_login.conf import django
from oidc_login.exceptions import (
    ConnectionRemoved,
    DomainNotAllowed,
    IDTokenInvalid,
    Inactive,
    LoginNotAllowed,
    NeedsReauth,
    OAuthError,
    ProviderGone,
    ProviderUnavailable,
    ProviderUnknown,
    RefusedBySite,
    SiteUnavailable,
    from_protocol,
)
from oidc_login.fields import TokenKeyError
from oidc_login.flow.pending import safe_next
from oidc_login.middleware.faults import answered, unavailable
from oidc_login.middleware.requests import has_session, is_exempt, is_page, wants_json
from oidc_login.models import OAuthConnection, Status
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider
from oidc_login.signin.admission import admit_known
from oidc_login.signin.confirm import confirm as confirm_person
from oidc_login.views.base import SESSION_KEY
from oidc_login.views.begin import begin
from oidc_login.views.callback import destination
from oidc_login.views.freshness import (
    EXPIRATION_KEY,
    begin_attempt,
    end_attempt,
    end_session,
    interval_of,
    is_in_grace,
    note_confirmations,
    note_fault,
    read_again,
    seconds_overdue,
    set_time,
)

WAIT: Final = 2  # seconds between looks at an attempt of another tab


# What says that nobody may go on by this session, whatever its person does.
REFUSALS = (ConnectionRemoved, DomainNotAllowed, Inactive, LoginNotAllowed, ProviderGone, RefusedBySite)


class SessionRefresh(MiddlewareMixin):
    """Has the sessions of `oidc_login.backends` confirmed by their providers; stands after AuthenticationMiddleware."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return what answers instead of the view, as long as the session is not confirmed.

        Django runs this in a thread where views are asynchronous: it reads the session and asks the provider.
        """
        note_confirmations(request)
        if not has_session(request) or is_exempt(request):
            return None
        return answered(request, lambda: self.answer(request))

    def answer(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return what answers instead of the view, for a request that has a session."""
        entry = request.session.get(SESSION_KEY)
        if entry is None:
            end_session_from_before(request)
            return None
        if seconds_overdue(request.session) <= 0 or not request.user.is_authenticated:
            return None
        return confirm(request, entry)


# A session that is due.


def end_session_from_before(request: HttpRequest) -> None:
    """End a session that this package's sign-in has not made, such as one of mozilla-django-oidc, once it is due.

    Nobody knows which identity it belongs to. One that says nothing of a time was made by the site itself.
    """
    if EXPIRATION_KEY not in request.session or seconds_overdue(request.session) <= 0:
        return
    ours = get_backend_path(tuple(django.AUTHENTICATION_BACKENDS))
    if request.user.is_authenticated and request.session.get(BACKEND_SESSION_KEY) == ours:
        end_session(request, provider_key="", reason="no_connection")


def confirm(request: HttpRequest, entry: dict[str, Any]) -> HttpResponseBase | None:
    """Have the session confirmed; of several requests at once by one, and the others go on meanwhile."""
    has_attempt = begin_attempt(request.session)
    if not has_attempt and is_in_grace(request.session):
        return None
    try:
        provider = get_provider(entry["provider"])
    except ProviderUnknown:
        return over(request, entry, reason="no_provider")
    except OAuthError as error:  # a loader that fails
        note_fault(error, provider_key=entry["provider"])
        return not_now(request, None, error)
    connection = connection_of(request, entry)
    if connection is None:
        return over(request, entry, reason="no_connection")
    try:
        with time_budget(MAX_TIMEOUT):
            is_confirmed = ask(request, connection, provider)
    except REFUSALS as error:
        return over(request, entry, reason=error.reason or error.code)
    except OAuthError as error:
        note_fault(error, provider_key=provider.key)
        return not_now(request, provider, error)
    if is_confirmed:
        let_go_on(request, connection, provider)
        return None
    if not provider.answers_silently:
        return over(request, entry, reason="refused")
    return ask_silently(request, connection, provider, has_attempt=has_attempt)


def connection_of(request: HttpRequest, entry: dict[str, Any]) -> OAuthConnection | None:
    own = OAuthConnection.objects.filter(user=request.user)  # type: ignore[misc]  # of whatever model the site uses
    return own.select_related("user").filter(pk=entry["connection"]).first()


def ask(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider) -> bool:
    """Say whether the provider confirms the person by refresh token; where it does not, only the person can.

    What says no, and what says nothing about the person, is raised.
    """
    try:
        if connection.status != Status.OK:
            return False
        if not provider.can_refresh(oauth_token=connection.oauth_token):
            if provider.answers_silently:
                return False
            # Without refresh token or `prompt=none` a provider cannot be asked at all, but the site's rules can.
            judge(request, connection, provider, knows_news=False)
            return True
        if not was_refreshed_just_now(connection, provider):
            connection.refresh_access_token()
        judge(request, connection, provider, knows_news=True)
        return True
    except (NeedsReauth, IDTokenInvalid, TokenKeyError):
        return False


def judge(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider, *, knows_news: bool) -> None:
    """Ask again every rule for who may come in; with news of the provider also bring the person's rights in line."""
    backend = site_backend()
    backend.request = request
    connection.user = request.user  # type: ignore[assignment]  # signed in; what changes has to change for this very request
    if knows_news:
        confirm_person(backend, connection, provider)
    else:
        admit_known(connection, {}, provider=provider, backend=backend)
    vars(request).pop("_acached_user", None)  # what Django remembers of `await request.auser()`


def was_refreshed_just_now(connection: OAuthConnection, provider: OAuthProvider) -> bool:
    """Whether the person's other sessions, or calls of APIs, have asked the same question within the interval."""
    if connection.refreshed_at is None:
        return False
    return 0 <= (timezone.now() - connection.refreshed_at).total_seconds() < interval_of(provider)


# What follows.


def let_go_on(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider) -> None:
    """Let the session go on until the next time."""
    end_attempt(request.session)
    read_again(request)
    refreshed_at = connection.refreshed_at if was_refreshed_just_now(connection, provider) else None
    set_time(request.session, provider, confirmed_at=(refreshed_at or timezone.now()).timestamp())
    keep_access_token(request, connection)


def keep_access_token(request: HttpRequest, connection: OAuthConnection) -> None:
    """Put the newer access token where upstream's setting has put the one before."""
    if "oidc_access_token" in request.session:
        request.session["oidc_access_token"] = connection.access_token


def not_now(request: HttpRequest, provider: OAuthProvider | None, error: OAuthError) -> HttpResponseBase | None:
    """Let the session go on within its grace, without asking again at once; after it nothing is shown."""
    if is_in_grace(request.session):
        return None
    end_attempt(request.session)
    seen = error if isinstance(error, SiteUnavailable) else ProviderUnavailable("session_refresh")
    return unavailable(request, seen, provider=provider)


def over(request: HttpRequest, entry: dict[str, Any], *, reason: str) -> HttpResponseBase | None:
    """End the session. A page then goes on for a visitor; a script is told, since it would not notice."""
    end_session(request, provider_key=str(entry.get("provider", "")), reason=reason)
    return sign_in_needed(reverse("oidc_login:providers")) if wants_json(request) else None


def sign_in_needed(login_url: str) -> HttpResponse:
    """Tell a script that its person must go to a page, and which (RFC 9110 15.5.2)."""
    answer = JsonResponse({"error": "login_required", "login_url": login_url}, status=401)
    answer["WWW-Authenticate"] = "Session"
    answer["Cache-Control"] = "no-store"
    return answer


def ask_silently(
    request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider, *, has_attempt: bool
) -> HttpResponseBase | None:
    """Send the browser to the provider and back, if what it asks for is a page."""
    if is_page(request) and not wants_json(request):
        return send_away(request, connection, provider) if has_attempt else wait(request)
    if has_attempt:
        end_attempt(request.session)
    if wants_json(request):
        return sign_in_needed(reverse("oidc_login:login", args=[provider.key]))
    if is_in_grace(request.session):
        return None
    # What was posted cannot be posted again; from the page that follows the browser is sent away.
    answer = HttpResponseRedirect(destination(request, ""))
    answer.status_code = 303
    return answer


def send_away(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider) -> HttpResponseBase | None:
    """Begin a flow that shows no page (Core 3.1.2.1); the same person has to come back from it."""
    try:
        with time_budget(MAX_TIMEOUT):
            answer = begin(
                request,
                provider,
                purpose="refresh",
                next_url=safe_next(request, [request.get_full_path()]),
                user_key=str(request.user.pk),
                parameters=silent_parameters(connection, provider),
            )
    except ProtocolError as error:
        seen = from_protocol(error)
        note_fault(seen, provider_key=provider.key)
        return not_now(request, provider, seen)
    except OAuthError as error:
        note_fault(error, provider_key=provider.key)
        return not_now(request, provider, error)
    answer["Cache-Control"] = "no-store"
    return answer


def silent_parameters(connection: OAuthConnection, provider: OAuthProvider) -> dict[str, Any]:
    """Return what is asked beside the usual: no page, and which of several accounts is meant."""
    parameters: dict[str, Any] = {"prompt": "none", "login_hint": connection.email}
    if getattr(provider, "max_age", None) == 0:
        parameters["max_age"] = None  # a sign-in of this very moment cannot be silent
    return parameters


def wait(request: HttpRequest) -> HttpResponse:
    """Show nothing of a session that is long overdue while another tab has it confirmed."""
    context = {"next_url": request.get_full_path(), "delay": WAIT}
    answer = render(request, "oidc_login/moving_on.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
