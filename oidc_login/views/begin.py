"""The pages that offer a sign-in, and the beginning of a flow."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers
from django.views import View

from oidc_login import flow as flows
from oidc_login.conf import django
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider, get_providers

from .base import ProviderView


class ProvidersView(View):
    """All ways to sign in; can serve as `LOGIN_URL`."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "providers": get_providers(),
            "next": flows.safe_next(request, request.GET.getlist("next")),
        }
        response = render(request, "oidc_login/providers.html", context)
        add_never_cache_headers(response)
        return response


class LoginView(ProviderView):
    """Begins a sign-in by POST. A GET shows one button, since a link that signs in is a login CSRF."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        context = {
            "provider": self.provider,
            "next": flows.safe_next(request, request.GET.getlist("next")),
        }
        return render(request, "oidc_login/login.html", context)

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        self.next_url = posted_next(request)
        return begin(request, self.provider, purpose="login", next_url=self.next_url)


class ConnectView(ProviderView):
    """Begins connecting one more identity to the account of the person who is signed in."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        self.provider = get_provider(provider)
        self.next_url = posted_next(request)
        if not request.user.is_authenticated:
            return redirect_to_login(self.next_url or resolve_url(django.LOGIN_REDIRECT_URL))
        return begin(
            request,
            self.provider,
            purpose="connect",
            next_url=self.next_url,
            user_key=str(request.user.pk),
        )


def begin(
    request: HttpRequest,
    provider: OAuthProvider,
    *,
    purpose: flows.Purpose,
    next_url: str,
    user_key: str = "",
) -> HttpResponse:
    """Send the browser to the provider with a new pending flow."""
    flow = flows.create(request, provider, purpose=purpose, next_url=next_url, user_key=user_key)
    response = HttpResponseRedirect(provider.get_authorization_url(request=request))
    flows.remember(request, response, flow, cross_site_post=provider.response_mode == "form_post")
    return response


def posted_next(request: HttpRequest) -> str:
    return flows.safe_next(request, request.POST.getlist("next"))
