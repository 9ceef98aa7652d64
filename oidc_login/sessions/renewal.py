"""Renewing a session: its provider confirms the person by refresh token, or has to be asked through the browser.

Nobody notices a refresh token: no page is left, and nothing posted is lost. If the provider does not answer, the
session continues for a while (`GRACE`). If only the person can answer, the session ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone

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
)
from oidc_login.fields import TokenKeyError
from oidc_login.models import OAuthConnection, Status
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider
from oidc_login.session_state import SignInRecord, read_state
from oidc_login.sessions.schedule import (
    claim_attempt,
    confirmation_interval,
    end_unconfirmed_session,
    is_in_grace,
    log_postponed_confirmation,
    release_attempt,
    reload_session,
    schedule_confirmation,
    seconds_overdue,
)
from oidc_login.signin.admission import admit_known
from oidc_login.signin.confirm import confirm

# Errors after which nobody may continue this session, also not by signing in again.
REFUSALS = (ConnectionRemoved, DomainNotAllowed, Inactive, LoginNotAllowed, ProviderGone, RefusedBySite)


class Outcome(Enum):
    """What became of a session that was overdue."""

    CONTINUES = "the session continues"
    ENDED = "the session has ended"
    UNAVAILABLE = "nobody can confirm the session now, and its grace is over"
    NEEDS_BROWSER = "the provider has to be asked through the browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The outcome, with what an answer to the request needs."""

    outcome: Outcome
    provider: OAuthProvider | None = None
    connection: OAuthConnection | None = None
    error: OAuthError | None = None
    has_attempt: bool = False


CONTINUES, ENDED = Renewal(outcome=Outcome.CONTINUES), Renewal(outcome=Outcome.ENDED)


def renew_session(request: HttpRequest) -> Renewal:
    """Have the session of a request confirmed, if that is due."""
    sign_in = read_state(request.session).sign_in
    if sign_in is None:
        end_session_without_record(request)
        return CONTINUES
    if seconds_overdue(request.session) <= 0 or not request.user.is_authenticated:
        return CONTINUES
    return renew_overdue_session(request, sign_in)


def end_session_without_record(request: HttpRequest) -> None:
    """End an overdue session that this package did not begin, such as one of mozilla-django-oidc.

    Nobody knows which identity it belongs to. One without a time was created by the site itself.
    """
    if read_state(request.session).confirm_at is None or seconds_overdue(request.session) <= 0:
        return
    ours = get_backend_path(tuple(django.AUTHENTICATION_BACKENDS))
    if request.user.is_authenticated and request.session.get(BACKEND_SESSION_KEY) == ours:
        end_unconfirmed_session(request, provider_key="", reason="no_connection")


def renew_overdue_session(request: HttpRequest, sign_in: SignInRecord) -> Renewal:
    """Have the session confirmed by one of several simultaneous requests; the others continue for now."""
    has_attempt = claim_attempt(request.session)
    if not has_attempt and is_in_grace(request.session):
        return CONTINUES
    try:
        provider = get_provider(sign_in.provider_key)
    except ProviderUnknown:
        return end_session(request, sign_in, reason="no_provider")
    except OAuthError as error:  # a loader that fails
        return postpone_renewal(request, error, provider_key=sign_in.provider_key)
    connection = find_connection(request, sign_in)
    if connection is None:
        return end_session(request, sign_in, reason="no_connection")
    try:
        with time_budget(MAX_TIMEOUT):
            is_confirmed = confirm_by_refresh_token(request, connection, provider)
    except REFUSALS as error:
        return end_session(request, sign_in, reason=error.reason or error.code)
    except OAuthError as error:
        return postpone_renewal(request, error, provider_key=provider.key, provider=provider)
    if is_confirmed:
        continue_session(request, connection, provider)
        return CONTINUES
    if not provider.answers_silently:
        return end_session(request, sign_in, reason="refused")
    return Renewal(outcome=Outcome.NEEDS_BROWSER, provider=provider, connection=connection, has_attempt=has_attempt)


def find_connection(request: HttpRequest, sign_in: SignInRecord) -> OAuthConnection | None:
    """Return the connection that the session began with, if it is still the person's own."""
    own = OAuthConnection.objects.filter(user=request.user)  # type: ignore[misc]  # of whatever model the site uses
    return own.select_related("user").filter(pk=sign_in.connection_key).first()


def confirm_by_refresh_token(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider) -> bool:
    """Whether the provider confirms the person by refresh token. If it does not, only the person can.

    A refusal, and a fault that says nothing about the person, is raised.
    """
    try:
        if connection.status != Status.OK:
            return False
        if not provider.can_refresh(oauth_token=connection.oauth_token):
            if provider.answers_silently:
                return False
            # Without a refresh token or `prompt=none` there is nothing to ask the provider; the site's rules remain.
            apply_rules(request, connection, provider, is_refreshed=False)
            return True
        if not was_just_refreshed(connection, provider):
            connection.refresh_access_token()
        apply_rules(request, connection, provider, is_refreshed=True)
        return True
    except (NeedsReauth, IDTokenInvalid, TokenKeyError):
        return False


def apply_rules(
    request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider, *, is_refreshed: bool
) -> None:
    """Apply every rule for who may sign in. With refreshed tokens, also update the person's rights."""
    backend = site_backend()
    backend.request = request
    connection.user = request.user  # type: ignore[assignment]  # signed in; changes must apply to this very request
    if is_refreshed:
        confirm(backend, connection, provider)
    else:
        admit_known(connection, {}, provider=provider, backend=backend)
    vars(request).pop("_acached_user", None)  # what Django remembers of `await request.auser()`


def was_just_refreshed(connection: OAuthConnection, provider: OAuthProvider) -> bool:
    """Whether another session of the person, or an API call, refreshed the tokens within the interval."""
    if connection.refreshed_at is None:
        return False
    age = (timezone.now() - connection.refreshed_at).total_seconds()
    return 0 <= age < confirmation_interval(provider)


# The end of an attempt.


def continue_session(request: HttpRequest, connection: OAuthConnection, provider: OAuthProvider) -> None:
    """Let the session continue until its next confirmation."""
    release_attempt(request.session)
    reload_session(request)
    refreshed_at = connection.refreshed_at if was_just_refreshed(connection, provider) else None
    schedule_confirmation(request.session, provider, confirmed_at=(refreshed_at or timezone.now()).timestamp())
    store_access_token(request, connection)


def store_access_token(request: HttpRequest, connection: OAuthConnection) -> None:
    """Replace the access token in the session, if mozilla-django-oidc's setting has put one there."""
    if "oidc_access_token" in request.session:
        request.session["oidc_access_token"] = connection.access_token


def postpone_renewal(
    request: HttpRequest, error: OAuthError, *, provider_key: str, provider: OAuthProvider | None = None
) -> Renewal:
    """Let the session continue within its grace, without another attempt at once; after it nothing is shown."""
    log_postponed_confirmation(error, provider_key=provider_key)
    if is_in_grace(request.session):
        return CONTINUES
    release_attempt(request.session)
    seen = error if isinstance(error, SiteUnavailable) else ProviderUnavailable("session_refresh")
    return Renewal(outcome=Outcome.UNAVAILABLE, error=seen, provider=provider)


def end_session(request: HttpRequest, sign_in: SignInRecord, *, reason: str) -> Renewal:
    """End the session, after which the person is a visitor."""
    end_unconfirmed_session(request, provider_key=sign_in.provider_key, reason=reason)
    return ENDED


def silent_parameters(connection: OAuthConnection, provider: OAuthProvider) -> dict[str, Any]:
    """Return the parameters of a request without a page (Core 3.1.2.1), with a hint which account is meant."""
    parameters: dict[str, Any] = {"prompt": "none", "login_hint": connection.email}
    if getattr(provider, "max_age", None) == 0:
        parameters["max_age"] = None  # a sign-in of this moment cannot be silent
    return parameters
