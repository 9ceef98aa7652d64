"""Signing out: here, then at the provider, and the way back (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import json
import logging
import secrets
import time

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.views.decorators.debug import sensitive_variables

from oidc_login import cookies, hosts, sealing
from oidc_login.conf import django, settings
from oidc_login.exceptions import OAuthError
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import TokenKeyError
from oidc_login.flow import pending as flows
from oidc_login.models.session import SignedInSession
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.http.client import time_budget
from oidc_login.providers.answers import answers_of
from oidc_login.registry import get_provider
from oidc_login.sessions import records as sessions
from oidc_login.views.base import SESSION_KEY, ProviderView
from oidc_login.views.begin import posted_next
from oidc_login.views.leaving import leave

logger = logging.getLogger("oidc_login")

COOKIE = "oidc_login_logout"
TIME_TO_FIND_THE_WAY = 5  # seconds; nobody waits for long to be told that they are signed out


class LogoutView(ProviderView):
    """Ends the session of this browser by POST, first here and then at the provider that it began at.

    A GET shows one button. `next`, posted, is where the person ends up, where that is on this host; else it is
    `LOGOUT_REDIRECT_URL`. The view needs no argument, and may stand at other URLs too, under any name: the provider
    always returns to `oidc_login:logout_done`. It does not ask for a CSRF token itself: the URL wraps it in
    `csrf_protect`.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"next": flows.safe_next(request, request.GET.getlist("next"))}
        return render(request, "oidc_login/logout.html", context)

    @sensitive_variables()
    def post(self, request: HttpRequest) -> HttpResponse:
        next_url = posted_next(request)
        provider_key = request.session.get(SESSION_KEY, {}).get("provider", "")
        id_token_hint = kept_id_token(request)
        # Before anything that the provider has a part in: whatever becomes of that, nobody is signed in here.
        auth.logout(request)
        state = secrets.token_urlsafe(32)
        url = end_session_url(request, provider_key, id_token_hint=id_token_hint, state=state)
        response = leave(request, url or after_logout(request, next_url))
        if url:
            remember(request, response, state=state, next_url=next_url)
        return response


class LogoutDoneView(ProviderView):
    """Where the provider sends the browser afterwards. It changes nothing: somebody may have signed in again."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        next_url = expected_next(request, request.GET.getlist("state"), now=time.time())
        response = HttpResponseRedirect(after_logout(request, next_url or ""))
        if next_url is None:
            logger.info("somebody came back from a logout that this browser did not begin")
        else:
            cookies.drop(request, response, cookie_name(request))
            request.session.pop(COOKIE, None)
        response["Referrer-Policy"] = "no-referrer"
        return response


@sensitive_variables()
def kept_id_token(request: HttpRequest) -> str:
    """Return the ID token of this session; "" where there is none, or none that can be read."""
    try:
        row: SignedInSession | None = sessions.row_of(request.session)
        return row.id_token if row is not None else ""
    except (*STORE_FAULTS, TokenKeyError) as error:
        logger.warning("a logout goes on without its ID token: %s", type(error).__name__)
        return ""


@sensitive_variables()
def end_session_url(request: HttpRequest, provider_key: str, *, id_token_hint: str, state: str) -> str:
    """Return where to end the session at the provider; "" where it offers that not at all, or not now."""
    if not provider_key:
        return ""
    try:
        provider = get_provider(provider_key)
        with time_budget(TIME_TO_FIND_THE_WAY), answers_of(provider):
            return provider.get_end_session_url(
                id_token_hint=id_token_hint,
                post_logout_redirect_uri=flows.absolute_uri(request, "oidc_login:logout_done"),
                state=state,
            )
    except (ProtocolError, OAuthError) as error:
        logger.warning("signed out here alone: %s at %s", error.reason, provider_key, extra={"provider": provider_key})
        return ""


def after_logout(request: HttpRequest, next_url: str) -> str:
    """Return where a person ends up: `next` where it still stays on a host of this site, else `LOGOUT_REDIRECT_URL`."""
    if next_url and hosts.may_return_to(request, next_url):
        return next_url
    default = str(django.LOGOUT_REDIRECT_URL or "/")
    return default if "/" in default else resolve_url(default)


# What says which return is expected.


@sensitive_variables()
def remember(request: HttpRequest, response: HttpResponse, *, state: str, next_url: str) -> None:
    """Keep in this browser what the provider will be asked to bring back; the last logout counts.

    The provider returns to the base host. From a host that shares the session with it, the session is what gets there.
    """
    name, is_shared = cookie_name(request), hosts.place_of(request) is hosts.Place.SHARED
    if is_shared:
        next_url = hosts.url_at(request, after_logout(request, next_url))
    plain = json.dumps([state, next_url, int(time.time())]).encode()
    value = sealing.seal(plain, purpose="logout", associated_data=name.encode(), secrets=sealing.flow_keys())
    if is_shared:
        request.session[COOKIE] = value
    else:
        cookies.keep(request, response, name, value, max_age=settings.FLOW_LIFETIME)


@sensitive_variables()
def expected_next(request: HttpRequest, states: list[str], *, now: float) -> str | None:
    """Return the `next` of the logout with this one state; `None` where none is expected in this browser."""
    if len(states) != 1:
        return None
    name = cookie_name(request)
    kept = (cookies.get(request, name), request.session.get(COOKIE))
    found = (next_of_logout(name, value, states[0], now=now) for value in kept if value)
    return next((next_url for next_url in found if next_url is not None), None)


@sensitive_variables()
def next_of_logout(name: str, value: str, state: str, *, now: float) -> str | None:
    """Return the `next` that was kept for a state; `None` where it is another one's, or too old."""
    try:
        plain = sealing.unseal(value, purpose="logout", associated_data=name.encode(), secrets=sealing.flow_keys())
    except sealing.SealError:
        return None
    expected, next_url, begun_at = json.loads(plain)
    same = secrets.compare_digest(expected.encode(), state.encode("utf-8", "surrogatepass"))
    return str(next_url) if same and now <= begun_at + settings.FLOW_LIFETIME else None


def cookie_name(request: HttpRequest) -> str:
    return cookies.full_name(request, COOKIE)
