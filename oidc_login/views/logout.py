"""Signing out: here, then at the provider, and the return from there (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import logging
import secrets
import time

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from oidc_login import sealing
from oidc_login.conf import settings
from oidc_login.exceptions import OAuthError
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import TokenKeyError
from oidc_login.flow import cookies, hosts
from oidc_login.flow.form_action import redirect_to_site
from oidc_login.flow.redirects import absolute_uri, logout_destination, posted_next, safe_next
from oidc_login.models.session import SignedInSession
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.http.client import time_budget
from oidc_login.providers.answers import answers_of
from oidc_login.registry import get_provider
from oidc_login.session_state import read_state, write_state
from oidc_login.sessions import records
from oidc_login.views.base import ProviderView

logger = logging.getLogger("oidc_login")

COOKIE = "oidc_login_logout"
TIME_FOR_METADATA = 5  # seconds; a logout must not wait long for a provider


class LogoutView(ProviderView):
    """Ends the session of this browser by POST, first here and then at the provider where it began.

    A GET shows one button. The person ends at the posted `next` if that is on this host, else at
    `LOGOUT_REDIRECT_URL`. The view needs no argument and can have other URLs under any name: the provider always
    returns to `oidc_login:logout_done`. The view does not check a CSRF token itself: the URL wraps it in
    `csrf_protect`.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"next": safe_next(request, request.GET.getlist("next"))}
        return render(request, "oidc_login/logout.html", context)

    @sensitive_variables()
    def post(self, request: HttpRequest) -> HttpResponse:
        next_url = posted_next(request)
        provider_key, id_token_hint = session_provider(request), stored_id_token(request)
        # First of all, so that nobody stays signed in here if the provider causes an error.
        auth.logout(request)
        state = secrets.token_urlsafe(32)
        url = end_session_url(request, provider_key, id_token_hint=id_token_hint, state=state)
        response = redirect_to_site(request, url or logout_destination(request, next_url))
        if url:
            remember_logout(request, response, state=state, next_url=next_url)
        return response


class LogoutDoneView(ProviderView):
    """Where the provider sends the browser afterwards. It signs nobody out: they may have signed in again."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        next_url = expected_next(request, request.GET.getlist("state"), now=time.time())
        response = HttpResponseRedirect(logout_destination(request, next_url or ""))
        if next_url is None:
            logger.info("return from logout ignored: unknown state")
        else:
            cookies.drop(request, response, cookie_name(request))
            write_state(request.session, pending_logout=None)
        response["Referrer-Policy"] = "no-referrer"
        return response


def session_provider(request: HttpRequest) -> str:
    """Return the key of the provider where the session began, "" for none."""
    sign_in = read_state(request.session).sign_in
    return sign_in.provider_key if sign_in is not None else ""


@sensitive_variables()
def stored_id_token(request: HttpRequest) -> str:
    """Return the ID token of this session; "" if there is none, or none that can be read."""
    try:
        row: SignedInSession | None = records.row_of(request.session)
        return row.id_token if row is not None else ""
    except (*STORE_FAULTS, TokenKeyError) as error:
        logger.warning("logout continues without id_token_hint: error=%s", type(error).__name__)
        return ""


@sensitive_variables()
def end_session_url(request: HttpRequest, provider_key: str, *, id_token_hint: str, state: str) -> str:
    """Return the URL that ends the session at the provider; "" if it has none, or none that can be found now."""
    if not provider_key:
        return ""
    try:
        provider = get_provider(provider_key)
        with time_budget(TIME_FOR_METADATA), answers_of(provider):
            return provider.get_end_session_url(
                id_token_hint=id_token_hint,
                post_logout_redirect_uri=absolute_uri(request, "oidc_login:logout_done"),
                state=state,
            )
    except (ProtocolError, OAuthError) as error:
        extra = {"provider": provider_key, "reason": error.reason}
        logger.warning("RP-initiated logout skipped: %s provider=%s", error.reason, provider_key, extra=extra)
        return ""


# Which return from the provider is expected.


@sensitive_variables()
def remember_logout(request: HttpRequest, response: HttpResponse, *, state: str, next_url: str) -> None:
    """Keep the state that the provider will return; only the last logout counts.

    The provider returns to the base host. A host that shares the session with it keeps the state in the session.
    """
    name, is_shared = cookie_name(request), hosts.place_of(request) is hosts.Place.SHARED
    if is_shared:
        next_url = hosts.url_at(request, logout_destination(request, next_url))
    kept = [state, next_url, int(time.time())]
    value = sealing.seal_json(kept, purpose="logout", bound_to=name.encode(), secrets=sealing.flow_keys())
    if is_shared:
        write_state(request.session, pending_logout=value)
    else:
        cookies.keep(request, response, name, value, max_age=settings.FLOW_LIFETIME)


@sensitive_variables()
def expected_next(request: HttpRequest, states: list[str], *, now: float) -> str | None:
    """Return the `next` of the logout with this one state; `None` if this browser expects none."""
    if len(states) != 1:
        return None
    name = cookie_name(request)
    kept = (cookies.get(request, name), read_state(request.session).pending_logout)
    found = (next_of_logout(name, value, states[0], now=now) for value in kept if value)
    return next((next_url for next_url in found if next_url is not None), None)


@sensitive_variables()
def next_of_logout(name: str, value: str, state: str, *, now: float) -> str | None:
    """Return the `next` that was kept for a state; `None` if it belongs to another, or is too old."""
    try:
        expected, next_url, _begun_at = sealing.unseal_json(
            value,
            purpose="logout",
            bound_to=name.encode(),
            secrets=sealing.flow_keys(),
            expires_at=lambda kept: float(kept[2] + settings.FLOW_LIFETIME),
            now=now,
        )
    except sealing.SealError:
        return None
    same = secrets.compare_digest(expected.encode(), state.encode("utf-8", "surrogatepass"))
    return str(next_url) if same else None


def cookie_name(request: HttpRequest) -> str:
    return cookies.full_name(request, COOKIE)
