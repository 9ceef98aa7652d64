"""Asking a person for more of what their provider can give (incremental consent).

A page is asked for by GET, which any other page can cause. So only an identity that the person has connected already
can come back from it; connecting one takes a button. Whoever comes back without the scopes is not sent away again: they
have said no, and would go round in circles.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oidc_login.exceptions import OAuthError, ScopeNotGranted
from oidc_login.flow import pending as flows
from oidc_login.registry import get_provider
from oidc_login.views.asked_scopes import ASKED_KEY, own, remember_asked, scope_parameter, sealed_scopes, take_asked
from oidc_login.views.base import ProviderView
from oidc_login.views.begin import begin


class ScopesView(ProviderView):
    """Sends a person who is signed in to grant what is missing. It stands in for a page, without a URL.

    What was posted cannot be posted again for them: they come back to `LOGIN_REDIRECT_URL`.
    """

    http_method_names = ["get", "head", "post"]
    provider_key = ""
    scopes: tuple[str, ...] = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        self.next_url = flows.safe_next(request, [request.get_full_path()])
        return self.ask(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.ask(request)

    def ask(self, request: HttpRequest) -> HttpResponse:
        self.provider = get_provider(self.provider_key)
        if take_asked(request, self.provider.key) == sorted(self.scopes):
            raise ScopeNotGranted(self.provider.key)
        if not own(request, self.provider.key).exists():
            return self.offer_connection(request)
        response = begin(
            request,
            self.provider,
            purpose="scopes",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters=scope_parameter(request, self.provider, self.scopes),
        )
        remember_asked(request, self.provider.key, self.scopes)
        return response

    def offer_connection(self, request: HttpRequest) -> HttpResponse:
        """Show the button that connects an account, since the person has none that could be asked."""
        context = {
            "provider": self.provider,
            "next": self.next_url,
            "scopes": sealed_scopes(request, self.provider_key, self.scopes),
        }
        return render(request, "oidc_login/scopes.html", context)

    def render_error(self, request: HttpRequest | None, error: OAuthError) -> HttpResponse:
        """To try again is to ask for the page again."""
        if request is None or not isinstance(error, ScopeNotGranted):
            return super().render_error(request, error)
        retry_url = request.get_full_path() if self.next_url else ""
        context = {"oauth_error": error, "provider": self.provider, "retry_url": retry_url}
        return render(request, error.template_name, context, status=error.status_code)


def has_scopes(request: HttpRequest, provider_key: str, scopes: tuple[str, ...]) -> bool:
    """Whether one of the person's usable connections has them all."""
    granted = any(connection.has_scopes(*scopes) for connection in own(request, provider_key).usable())
    if granted and provider_key in request.session.get(ASKED_KEY, {}):
        take_asked(request, provider_key)
    return granted
