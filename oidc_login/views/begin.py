"""The pages that offer a sign-in, and the views that begin one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from oidc_login.exceptions import IssuerMismatch, ProviderUnknown
from oidc_login.flow.base_host import take_requested_flow
from oidc_login.flow.begin import begin_flow, begin_requested_flow
from oidc_login.flow.redirects import posted_next, safe_next
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_login_providers, get_provider
from oidc_login.signin.admission import check_login_allowed
from oidc_login.views.base import ProviderView

MAX_HINT_LENGTH = 256


class ProvidersView(ProviderView):
    """Shows all ways to sign in; can serve as `LOGIN_URL`."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "providers": get_login_providers(),
            "next": safe_next(request, request.GET.getlist("next")),
        }
        return render(request, "oidc_login/providers.html", context)


class LoginView(ProviderView):
    """Begins a sign-in by POST. A GET shows one button, because a link that signs in is a login CSRF."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        if (requested := take_requested_flow(request, provider)) is not None:
            return begin_requested_flow(request, self.provider, requested)
        check_login_allowed(self.provider)
        context = {
            "provider": self.provider,
            "next": safe_next(request, self.get_next(request)),
        }
        return render(request, "oidc_login/login.html", context)

    def get_next(self, request: HttpRequest) -> list[str]:
        """Return every `next` in the query."""
        return request.GET.getlist("next")

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        check_login_allowed(self.provider)
        self.next_url = posted_next(request)
        return begin_flow(
            request,
            self.provider,
            purpose="login",
            next_url=self.next_url,
            parameters=login_hint_parameter(request.POST.getlist("login_hint")),
        )


class InitiateLoginView(ProviderView):
    """Begins a sign-in that a third party initiates (Core 4), if the provider's settings allow it.

    Any page can do that. If a person is signed in when it ends, only an identity of theirs is accepted.
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
        self.next_url = safe_next(request, data.getlist("target_link_uri"))
        return begin_flow(
            request,
            configured,
            purpose="initiated",
            next_url=self.next_url,
            parameters=login_hint_parameter(data.getlist("login_hint")),
        )


def check_issuer(provider: OAuthProvider, named: list[str]) -> None:
    """The one `iss` must be exactly the provider's issuer. No request is made for any other."""
    if len(named) != 1 or named[0] not in provider.get_possible_issuers() or named[0] != provider.get_issuer():
        raise IssuerMismatch("iss")


def login_hint_parameter(login_hints: list[str]) -> dict[str, str]:
    """Return the hint of a page or a third party, if it is one line of limited length."""
    hint = login_hints[0] if len(login_hints) == 1 else ""
    return {"login_hint": hint} if 0 < len(hint) <= MAX_HINT_LENGTH and hint.isprintable() else {}
