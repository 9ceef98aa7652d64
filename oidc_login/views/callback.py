"""The end of a flow: the answer of the provider, by GET or form_post."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from oidc_login import hosts, sealing
from oidc_login.backends import authenticate
from oidc_login.conf import django
from oidc_login.exceptions import (
    OAuthError,
    ParameterInvalid,
    ProviderMismatch,
    ProviderUnknown,
    SessionEnded,
    StateExpired,
    StateUnknown,
    StateUsed,
)
from oidc_login.flow import pending as flows
from oidc_login.protocol.authorization import read_state
from oidc_login.redaction import hide_parameters
from oidc_login.registry import get_provider
from oidc_login.signin.values import SignedIn
from oidc_login.views.base import ProviderView
from oidc_login.views.freshness import end_attempt, end_session, is_in_grace, note_fault
from oidc_login.views.signing_in import SessionChange

ANSWER_LIFETIME = 120  # seconds that an answer may take from one of our URLs to itself
MAX_HANDED_OVER = 8192  # bytes; Django refuses a redirect above 16 kB, and servers before it a shorter one
ABOUT_CONNECTIONS = ("connect", "scopes")  # purposes of somebody who is signed in and stays so

Parameters = list[tuple[str, str]]


class CallbackView(ProviderView):
    """Ends a flow. A HEAD request or a prefetch does not: the flow would be used up by nobody."""

    http_method_names = ["get", "post"]
    head = None  # View would answer HEAD by get()
    purpose: flows.Purpose = "login"
    user_key = ""

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
        response = self.answered(request, partial(self.conclude, request, provider, parameters))
        flows.forget(request, response, self.state)
        return response

    def cancelled_url(self) -> str:
        url = reverse("oidc_login:connections") if self.purpose in ABOUT_CONNECTIONS else super().cancelled_url()
        return hosts.beside(self.request, self.next_url, url)

    def ways_on(self) -> tuple[str, str]:
        """Return the connections page where the flow was about those: signing in would be something else."""
        about_connections = self.purpose in ABOUT_CONNECTIONS
        ways = (reverse("oidc_login:connections"), "") if about_connections else super().ways_on()
        retry_url, providers_url = (url and hosts.beside(self.request, self.next_url, url) for url in ways)
        return retry_url, providers_url

    @sensitive_variables()
    def hand_over(self, request: HttpRequest, provider: str, parameters: Parameters) -> HttpResponse:
        """Pass the answer on to this very URL by a request of our own site, which carries the session."""
        parameters = fit_for_url(parameters, names_of_answer(provider))
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
        self.next_url, self.purpose, self.user_key = flow.next, flow.purpose, flow.user_key
        self.provider = get_provider(provider)
        if flow.provider_key != provider:
            raise ProviderMismatch
        answer = self.provider.read_response(parameters, flow=flow)
        change = SessionChange(request, begun_at=begun_at)
        with change.taken_back_on_failure():
            signed_in = authenticate(request, flow=flow, response=answer, establish=change.establish)
            change.settle()
        return self.succeeded(request, signed_in)

    def came_back(self, request: HttpRequest) -> HttpResponse | None:
        """Return the way on for a person whom this very flow signed in already (back button, double click)."""
        if not request.user.is_authenticated:
            return None
        next_url = flows.end_for(self.state, request.user)
        return None if next_url is None else HttpResponseRedirect(destination(request, next_url))

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        flows.discard(request)
        if self.purpose == "refresh":
            return self.not_confirmed(request, error)
        return super().failed(request, error)

    def not_confirmed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """End the session that the provider does not confirm; a fault that passes leaves it for a while."""
        if str(request.user.pk) != self.user_key:  # the session that began this is over already
            return HttpResponseRedirect(destination(request, self.next_url))
        if error.status_code < 500:
            reason = error.reason or error.code
            end_session(request, provider_key=self.provider.key if self.provider else "", reason=reason)
            return super().failed(request, SessionEnded(reason))
        if not is_in_grace(request.session):
            end_attempt(request.session)
            return super().failed(request, error)
        note_fault(error, provider_key=self.provider.key if self.provider else "")
        return HttpResponseRedirect(destination(request, self.next_url))

    def succeeded(self, request: HttpRequest, signed_in: SignedIn) -> HttpResponse:
        flow = signed_in.flow
        if flow.purpose == "connect":
            messages.success(request, _("The account has been connected."), fail_silently=True)
        flows.remember_end(flow, signed_in.user)
        url = destination(request, flow.next)
        if session_cookie_is_strict():
            return render(request, "oidc_login/moving_on.html", {"next_url": url})
        return HttpResponseRedirect(url)


def destination(request: HttpRequest, next_url: str) -> str:
    """Return where a flow ends: `next` where it still stays on a host of this site, else `LOGIN_REDIRECT_URL`."""
    if next_url and hosts.may_return_to(request, next_url):
        return next_url
    if next_url:
        flows.note_dropped_next("other_host")
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


def names_of_answer(provider: str) -> Sequence[str]:
    """Return the parameters that the provider's answers have; of one that is gone the state, so that the flow ends."""
    with suppress(ProviderUnknown):
        return get_provider(provider).response_parameters
    return ("state",)


def fit_for_url(parameters: Parameters, names: Sequence[str]) -> Parameters:
    """Return what is judged of an answer; of one that is too long for a URL its state, so that the flow ends."""
    known = [(name, value) for name, value in parameters if name in names]
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
