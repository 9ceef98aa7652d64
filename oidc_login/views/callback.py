"""The end of a flow: the answer of the provider, by GET or form_post."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.contrib import auth, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from oidc_login import flow as flows
from oidc_login import sealing, sessions
from oidc_login.backends import authenticate
from oidc_login.conf import django
from oidc_login.exceptions import (
    CodeRefused,
    OAuthError,
    ParameterInvalid,
    ProviderMismatch,
    ProviderUnavailable,
    ProviderUnknown,
    StateExpired,
    StateUnknown,
    StateUsed,
    from_protocol,
)
from oidc_login.logout import came_since
from oidc_login.protocol.authorization import PARAMETERS, AuthorizationResponse, read_state
from oidc_login.protocol.errors import ProtocolError
from oidc_login.protocol.id_token import hash_of_nonce, is_subject
from oidc_login.providers.base import OAuthProvider, OAuthToken
from oidc_login.registry import get_provider
from oidc_login.sessions import SignedInSession

from .base import SESSION_KEY, ProviderView
from .reports import hide_parameters

MAX_LEEWAY = 300  # seconds that a provider's clock may be fast; what is further in the future tells nothing
ANSWER_LIFETIME = 120  # seconds that an answer may take from one of our URLs to itself
MAX_HANDED_OVER = 8192  # bytes; Django refuses a redirect above 16 kB, and servers before it a shorter one

# What middleware of mozilla-django-oidc reads of a session.
UPSTREAM_EXPIRATION_KEY = "oidc_id_token_expiration"
UPSTREAM_EXPIRATION_SETTING = "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS"

Parameters = list[tuple[str, str]]


class CallbackView(ProviderView):
    """Ends a flow. A HEAD request or a prefetch does not: the flow would be used up by nobody."""

    http_method_names = ["get", "post"]
    head = None  # View would answer HEAD by get()
    purpose: flows.Purpose = "login"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        return response

    @sensitive_variables()
    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        if is_prefetch(request):
            return HttpResponse(status=503)
        parameters = parameters_of(request.GET)
        hide_parameters(request)
        names = dict(parameters)
        if "answer" not in names or "state" in names:  # a provider may send parameters of its own
            return self.end(request, provider, parameters, handed_over=False)
        return self.end(request, provider, unsealed_answer(names["answer"], provider), handed_over=True)

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Take an answer by form_post (OAuth 2.0 Form Post Response Mode 1.0).

        The browser withholds a `SameSite=Lax` session cookie from this cross-site request. Ending the flow
        here would replace that session, so the answer is handed to ourselves first, sealed, by GET.
        """
        if get_provider(provider).response_mode != "form_post":
            return self.http_method_not_allowed(request)
        parameters = parameters_of(request.POST)
        hide_parameters(request)
        if read_state(parameters) and django.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.hand_over(request, provider, parameters)
        return self.end(request, provider, parameters, handed_over=True)

    @sensitive_variables()
    def end(self, request: HttpRequest, provider: str, parameters: Parameters, *, handed_over: bool) -> HttpResponse:
        """End the flow that the answer names, and remove its cookie whatever the end is."""
        self.state = read_state(parameters)
        if not handed_over and needs_own_session(request, self.state):
            return self.hand_over(request, provider, parameters)
        try:
            response: HttpResponse = self.conclude(request, provider, parameters)
        except ProtocolError as error:
            response = self.failed(request, from_protocol(error))
        except OAuthError as error:
            response = self.failed(request, error)
        flows.forget(request, response, self.state)
        return response

    def cancelled_url(self) -> str:
        if self.purpose == "connect":
            return reverse("oidc_login:connections")
        return super().cancelled_url()

    def ways_on(self) -> tuple[str, str]:
        """Back to the connections for whoever came from there: signing in would be something else."""
        return (reverse("oidc_login:connections"), "") if self.purpose == "connect" else super().ways_on()

    @sensitive_variables()
    def hand_over(self, request: HttpRequest, provider: str, parameters: Parameters) -> HttpResponse:
        """Pass the answer on to this very URL by a request of our own site, which carries the session."""
        parameters = fit_for_url(parameters)
        url = f"{request.path}?{urlencode({'answer': sealed_answer(parameters, provider)})}"
        if session_cookie_is_strict():
            return render(request, "oidc_login/moving_on.html", {"next_url": url})
        response = HttpResponseRedirect(url)
        response.status_code = 303
        return response

    @sensitive_variables()
    def conclude(self, request: HttpRequest, provider: str, parameters: Parameters) -> HttpResponse:
        """Take the flow before anything else is judged, then judge the answer, then ask the backend."""
        begun_at = time.time()
        try:
            flow = flows.take(request, self.state, now=begun_at)
        except (StateExpired, StateUsed, StateUnknown):
            if (target := self.came_back(request)) is not None:
                return target
            with suppress(ProviderUnknown):
                self.provider = get_provider(provider)
            if self.provider is None:
                raise ProviderUnknown from None
            raise
        self.next_url, self.purpose = flow.next, flow.purpose
        self.provider = get_provider(provider)
        if flow.provider_key != provider:
            raise ProviderMismatch
        answer = AuthorizationResponse.parse(parameters)
        answer.check_form()
        answer.check_issuer(issuer=flow.issuer, required=self.provider.requires_response_issuer())
        answer.check_error()
        user = authenticate(request, flow=flow, response=answer)
        return self.succeeded(request, flow, user, self.provider, begun_at=begun_at)

    def came_back(self, request: HttpRequest) -> HttpResponse | None:
        """Return the way on for a person whom this very flow signed in already (back button, double click)."""
        if not request.user.is_authenticated:
            return None
        next_url = flows.end_for(self.state, request.user)
        return None if next_url is None else HttpResponseRedirect(destination(request, next_url))

    def succeeded(
        self,
        request: HttpRequest,
        flow: flows.Flow,
        user: AbstractBaseUser,
        provider: OAuthProvider,
        *,
        begun_at: float,
    ) -> HttpResponse:
        if flow.purpose == "connect":
            messages.success(request, _("The identity is connected to your account."), fail_silently=True)
        else:
            sign_in(request, user, provider, begun_at=begun_at)
        flows.remember_end(flow, user)
        url = destination(request, flow.next)
        if session_cookie_is_strict():
            return render(request, "oidc_login/moving_on.html", {"next_url": url})
        return HttpResponseRedirect(url)


@sensitive_variables()
def sign_in(request: HttpRequest, user: AbstractBaseUser, provider: OAuthProvider, *, begun_at: float) -> None:
    """Sign the person in with a new session key, and note where from, when and how."""
    connection = request.oauth_connection  # type: ignore[attr-defined]  # set by the backend
    claims = request.oauth_claims  # type: ignore[attr-defined]  # set by the backend
    old_key, old_mark = request.session.session_key, sessions.take_mark(request.session)
    try:
        auth.login(request, user)  # type: ignore[arg-type]  # of whatever model the site uses
        if request.session.session_key in (None, old_key):
            # Django rotates the key for a new person only, and leaves a flushed session without one.
            request.session.cycle_key()
        request.session[SESSION_KEY] = {
            "provider": connection.provider_key,
            "connection": connection.pk,
            **authentication(claims, now=int(time.time())),
            "max_age": request.oauth_flow.parameters.get("max_age"),  # type: ignore[attr-defined]  # set by flow.take
        }
        lifetime = django.get(UPSTREAM_EXPIRATION_SETTING, 15 * 60)
        request.session[UPSTREAM_EXPIRATION_KEY] = time.time() + lifetime
        row = begin_session(request, provider)
    except DatabaseError as error:
        raise ProviderUnavailable("database") from error
    if old_mark is not None:
        sessions.forget(old_mark)
    if came_since(begun_at, row):
        auth.logout(request)
        raise CodeRefused("logged_out")


@sensitive_variables()
def begin_session(request: HttpRequest, provider: OAuthProvider) -> SignedInSession:
    """Let the session be found by what the provider calls it, and keep what ends it there."""
    token: OAuthToken = request.oauth_token  # type: ignore[attr-defined]  # set by the backend
    sid = request.oauth_claims.get("sid")  # type: ignore[attr-defined]  # set by the backend
    nonce = request.oauth_flow.nonce  # type: ignore[attr-defined]  # set by flow.take
    return sessions.begin(
        request,
        request.oauth_connection,  # type: ignore[attr-defined]  # set by the backend
        sid=sid if is_subject(sid) else "",
        id_token=provider.get_id_token_hint(token) if provider.store_tokens else "",
        nonce_hash=hash_of_nonce(nonce),
    )


def authentication(claims: Mapping[str, Any], *, now: int) -> dict[str, Any]:
    """Return when and how the person proved to the provider who they are, as far as it says (Core 2)."""
    auth_time: Any = claims.get("auth_time")
    acr = claims.get("acr")
    is_number = isinstance(auth_time, (int, float)) and not isinstance(auth_time, bool)
    stated = min(int(auth_time), now) if is_number and 0 <= auth_time <= now + MAX_LEEWAY else None
    return {
        "at": now,
        "auth_time": now if stated is None else stated,
        "auth_time_stated": stated is not None,
        "acr": acr if isinstance(acr, str) else "",
    }


def destination(request: HttpRequest, next_url: str) -> str:
    """Return where a flow ends: `next` where it still stays on this host, else `LOGIN_REDIRECT_URL`."""
    if next_url and flows.is_local(request, next_url):
        return next_url
    default = str(django.LOGIN_REDIRECT_URL)
    return default if "/" in default else resolve_url(default)


def is_prefetch(request: HttpRequest) -> bool:
    """Whether the browser only looks ahead (Sec-Purpose; the older header is still sent)."""
    purpose = str(request.META.get("HTTP_SEC_PURPOSE", "")) + str(request.META.get("HTTP_PURPOSE", ""))
    return "prefetch" in purpose.lower()


def parameters_of(data: QueryDict) -> Parameters:
    return [(name, value) for name, values in data.lists() for value in values]


def session_cookie_is_strict() -> bool:
    """Whether the browser withholds the session from whatever began at the provider."""
    return str(django.SESSION_COOKIE_SAMESITE).lower() == "strict"  # Django takes either case


def needs_own_session(request: HttpRequest, state: str) -> bool:
    """Whether an answer came without the session that its flow began in; the flow is not taken yet."""
    if not session_cookie_is_strict() or django.SESSION_COOKIE_NAME in request.COOKIES:
        return False
    flow = flows.peek(request, state)
    return flow is not None and (flow.had_session or flow.purpose != "login")


def fit_for_url(parameters: Parameters) -> Parameters:
    """Return what is judged of an answer; of one that is too long for a URL its state, so that the flow ends."""
    known = [(name, value) for name, value in parameters if name in PARAMETERS]
    return known if len(json.dumps(known)) <= MAX_HANDED_OVER else [pair for pair in known if pair[0] == "state"]


@sensitive_variables()
def sealed_answer(parameters: Parameters, provider: str) -> str:
    plain = json.dumps([int(time.time()), parameters]).encode()
    return sealing.seal(plain, purpose="answer", associated_data=provider.encode(), secrets=sealing.flow_keys())


@sensitive_variables()
def unsealed_answer(answer: str, provider: str) -> Parameters:
    """Return the parameters that were handed over just now, or raise `ParameterInvalid`."""
    try:
        plain = sealing.unseal(answer, purpose="answer", associated_data=provider.encode(), secrets=sealing.flow_keys())
    except sealing.SealError as error:
        raise ParameterInvalid("answer") from error
    sealed_at, parameters = json.loads(plain)
    if time.time() > sealed_at + ANSWER_LIFETIME:
        raise ParameterInvalid("answer")
    return [(name, value) for name, value in parameters]
