"""The callback: the provider's response ends a flow, by GET or form_post."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from oidc_login.backends import authenticate
from oidc_login.conf import django
from oidc_login.exceptions import (
    OAuthError,
    ProviderMismatch,
    ProviderUnknown,
    SessionEnded,
    StateExpired,
    StateUnknown,
    StateUsed,
)
from oidc_login.flow import hosts
from oidc_login.flow.cookies import remember_last_used, session_cookie_is_strict
from oidc_login.flow.frontends import redirect_to_frontend, with_error
from oidc_login.flow.handover import Parameters, answer_parameters, handover_url, needs_handover, unseal_answer
from oidc_login.flow.memory import discard_flow, next_of_ended_flow, remember_end, take_flow
from oidc_login.flow.pending import Purpose, drop_flow_cookie
from oidc_login.flow.redirects import destination
from oidc_login.mozilla.states import find_flow as find_foreign_flow
from oidc_login.protocol.authorization import read_state
from oidc_login.redaction import hide_parameters
from oidc_login.registry import get_provider
from oidc_login.sessions.establish import SessionChange
from oidc_login.sessions.schedule import (
    end_unconfirmed_session,
    is_in_grace,
    log_postponed_confirmation,
    release_attempt,
)
from oidc_login.signin.values import SignedIn
from oidc_login.views.base import ProviderView, is_prefetch

SIGNING_IN = ("login", "initiated")  # purposes of people who chose how to sign in
ABOUT_CONNECTIONS = ("connect", "scopes")  # purposes of people who are already signed in


class CallbackView(ProviderView):
    """Ends a flow. A HEAD request or a prefetch does not, because it would use up the flow for nothing."""

    http_method_names = ["get", "post"]
    head = None  # View would respond to HEAD by get()
    purpose: Purpose = "login"
    user_key = ""
    for_frontend = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        return response

    @sensitive_variables()
    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        if is_prefetch(request):
            return HttpResponse(status=503)
        parameters = answer_parameters(request.GET)
        hide_parameters(request)
        names = dict(parameters)
        if "answer" not in names or "state" in names:  # a provider may send other parameters
            return self.end(request, provider, parameters, handed_over=False)
        return self.end(request, provider, unseal_answer(names["answer"], provider), handed_over=True)

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Accept a response by form_post (OAuth 2.0 Form Post Response Mode 1.0).

        The browser withholds a `SameSite=Lax` session cookie from this cross-site request. Ending the flow
        here would replace that session, so the response is first passed on to this URL, sealed, by GET.
        """
        if get_provider(provider).response_mode != "form_post":
            return self.http_method_not_allowed(request)
        parameters = answer_parameters(request.POST)
        hide_parameters(request)
        if read_state(parameters) and django.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.hand_over(request, provider, parameters)
        return self.end(request, provider, parameters, handed_over=True)

    @sensitive_variables()
    def end(self, request: HttpRequest, provider: str, parameters: Parameters, *, handed_over: bool) -> HttpResponse:
        """End the flow of this response, and remove its cookie in every case."""
        self.state = read_state(parameters)
        if not handed_over and needs_handover(request, self.state):
            return self.hand_over(request, provider, parameters)
        response = self.respond(request, partial(self.conclude, request, provider, parameters))
        drop_flow_cookie(request, response, self.state)
        return response

    def cancelled_url(self) -> str:
        url = reverse("oidc_login:connections") if self.purpose in ABOUT_CONNECTIONS else super().cancelled_url()
        return hosts.url_on_host_of(self.request, self.next_url, url)

    def retry_urls(self) -> tuple[str, str]:
        """Return the connections page if the flow was about those, because signing in is something else."""
        about_connections = self.purpose in ABOUT_CONNECTIONS
        ways = (reverse("oidc_login:connections"), "") if about_connections else super().retry_urls()
        retry_url, providers_url = (url and hosts.url_on_host_of(self.request, self.next_url, url) for url in ways)
        return retry_url, providers_url

    @sensitive_variables()
    def hand_over(self, request: HttpRequest, provider: str, parameters: Parameters) -> HttpResponse:
        """Redirect to the same URL with the sealed response, because a same-site request includes the session."""
        url = handover_url(request, provider, parameters)
        if session_cookie_is_strict():
            return render(request, "oidc_login/moving_on.html", {"next_url": url})
        response = HttpResponseRedirect(url)
        response.status_code = 303
        return response

    @sensitive_variables()
    def conclude(self, request: HttpRequest, provider: str, parameters: Parameters) -> HttpResponse:
        """Take the flow before any other check, then read the response, then sign the person in."""
        begun_at = time.time()
        try:
            flow = take_flow(request, self.state, now=begun_at, find_foreign=find_foreign_flow)
        except (StateExpired, StateUsed, StateUnknown):
            if (target := self.redirect_of_ended_flow(request)) is not None:
                return target
            with suppress(ProviderUnknown):
                self.provider = get_provider(provider)
            if self.provider is None:
                raise ProviderUnknown from None
            raise
        self.next_url, self.purpose, self.user_key = flow.next, flow.purpose, flow.user_key
        self.for_frontend = flow.for_frontend
        self.provider = get_provider(provider)
        if flow.provider_key != provider:
            raise ProviderMismatch
        answer = self.provider.read_response(parameters, flow=flow)
        change = SessionChange(request, begun_at=begun_at)
        with change.restored_on_failure():
            signed_in = authenticate(request, flow=flow, response=answer, establish=change.establish)
            change.settle()
        return self.succeeded(request, signed_in)

    def redirect_of_ended_flow(self, request: HttpRequest) -> HttpResponse | None:
        """Return the redirect for a person whom this flow has already signed in (back button, double click)."""
        if not request.user.is_authenticated:
            return None
        next_url = next_of_ended_flow(self.state, request.user)
        return None if next_url is None else HttpResponseRedirect(destination(request, next_url))

    def failed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        discard_flow(request)
        if self.purpose == "refresh":
            return self.end_unconfirmed(request, error)
        response = super().failed(request, error)
        if self.for_frontend and self.next_url and hosts.may_return_to(request, self.next_url):
            return redirect_to_frontend(with_error(self.next_url, error.code))
        return response

    def end_unconfirmed(self, request: HttpRequest, error: OAuthError) -> HttpResponse:
        """End a session that the provider does not confirm; after a temporary fault, it continues for a while."""
        if str(request.user.pk) != self.user_key:  # the session that began this flow has ended
            return HttpResponseRedirect(destination(request, self.next_url))
        provider_key = self.provider.key if self.provider else ""
        if error.status_code < 500:
            reason = error.reason or error.code
            end_unconfirmed_session(request, provider_key=provider_key, reason=reason)
            return super().failed(request, SessionEnded(reason))
        if not is_in_grace(request.session):
            release_attempt(request.session)
            return super().failed(request, error)
        log_postponed_confirmation(error, provider_key=provider_key)
        return HttpResponseRedirect(destination(request, self.next_url))

    def succeeded(self, request: HttpRequest, signed_in: SignedIn) -> HttpResponse:
        flow = signed_in.flow
        if flow.purpose == "connect":
            messages.success(request, _("The account has been connected."), fail_silently=True)
        remember_end(flow, signed_in.user)
        response = self.leading_to(request, destination(request, flow.next))
        if flow.purpose in SIGNING_IN:
            remember_last_used(request, response, signed_in.provider.key)
        return response

    def leading_to(self, request: HttpRequest, url: str) -> HttpResponse:
        if self.for_frontend:
            return redirect_to_frontend(url)
        if session_cookie_is_strict():
            return render(request, "oidc_login/moving_on.html", {"next_url": url})
        return HttpResponseRedirect(url)
