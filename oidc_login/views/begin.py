"""The pages that offer a sign-in, and the beginning of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from oidc_login import hosts
from oidc_login.exceptions import IssuerMismatch, ProviderUnknown
from oidc_login.flow import pending as flows
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_login_providers, get_provider
from oidc_login.signin.admission import check_login_allowed
from oidc_login.views.base import ProviderView
from oidc_login.views.base_host import Asked, send_to_base_host, take_asked
from oidc_login.views.callback import destination
from oidc_login.views.leaving import leave

MAX_HINT_LENGTH = 256


class ProvidersView(ProviderView):
    """All ways to sign in; can serve as `LOGIN_URL`."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "providers": get_login_providers(),
            "next": flows.safe_next(request, request.GET.getlist("next")),
        }
        return render(request, "oidc_login/providers.html", context)


class LoginView(ProviderView):
    """Begins a sign-in by POST. A GET shows one button, since a link that signs in is a login CSRF."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        if (asked := take_asked(request, provider)) is not None:
            return begin_asked(request, self.provider, asked)
        check_login_allowed(self.provider)
        context = {
            "provider": self.provider,
            "next": flows.safe_next(request, self.get_next(request)),
        }
        return render(request, "oidc_login/login.html", context)

    def get_next(self, request: HttpRequest) -> list[str]:
        """Return where the person wants to go afterwards, as often as the query says it."""
        return request.GET.getlist("next")

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        check_login_allowed(self.provider)
        self.next_url = posted_next(request)
        return begin(request, self.provider, purpose="login", next_url=self.next_url)


class InitiateLoginView(ProviderView):
    """Begins a sign-in that a third party asks for (Core 4), where the provider's settings open this.

    Any page can do that. Where somebody is signed in by the time it ends, only an identity of theirs is accepted.
    """

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        return self.initiate(request, provider, request.GET)

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        return self.initiate(request, provider, request.POST)

    def initiate(self, request: HttpRequest, provider: str, data: QueryDict) -> HttpResponse:
        configured = get_provider(provider)
        if not getattr(configured, "third_party_initiated_login", False):
            raise ProviderUnknown
        self.provider = configured
        check_login_allowed(configured)
        check_issuer(configured, data.getlist("iss"))
        self.next_url = flows.safe_next(request, data.getlist("target_link_uri"))
        return begin(
            request,
            configured,
            purpose="initiated",
            next_url=self.next_url,
            parameters=hinted(data.getlist("login_hint")),
        )


def check_issuer(provider: OAuthProvider, named: list[str]) -> None:
    """The one `iss` must be the provider's issuer, exactly; what nobody configured is not even asked about."""
    if len(named) != 1 or named[0] not in provider.get_possible_issuers() or named[0] != provider.get_issuer():
        raise IssuerMismatch("iss")


def hinted(login_hints: list[str]) -> dict[str, str]:
    """Return the hint that a third party gave, if it is one line of bounded length."""
    if len(login_hints) != 1 or len(login_hints[0]) > MAX_HINT_LENGTH or not login_hints[0].isprintable():
        return {}
    return {"login_hint": login_hints[0]}


def begin(
    request: HttpRequest,
    provider: OAuthProvider,
    *,
    purpose: flows.Purpose,
    next_url: str,
    user_key: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Send the browser to the provider with a new pending flow, by way of the base host where this is another."""
    asked = Asked(
        provider_key=provider.key,
        purpose=purpose,
        next_url=next_url,
        user_key=user_key,
        parameters=dict(parameters or {}),
    )
    if hosts.place_of(request) is hosts.Place.BASE:
        return begin_asked(request, provider, asked)
    # The person comes back to this host, also where they named no page of it.
    home = hosts.url_at(request, destination(request, next_url))
    return send_to_base_host(request, replace(asked, next_url=home))


def begin_asked(request: HttpRequest, provider: OAuthProvider, asked: Asked) -> HttpResponse:
    """Send the browser to the provider with a new pending flow, whose answer comes to this host."""
    flow = flows.create(
        request,
        provider,
        purpose=asked.purpose,
        next_url=asked.next_url,
        user_key=asked.user_key,
        parameters=asked.parameters,
    )
    response = leave(request, provider.get_authorization_url(request=request))
    flows.remember(request, response, flow, cross_site_post=provider.response_mode == "form_post")
    return response


def posted_next(request: HttpRequest) -> str:
    return flows.safe_next(request, request.POST.getlist("next"))
