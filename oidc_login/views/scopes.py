"""Asks a person for more scopes at their provider (incremental consent).

Any other page can cause a GET of the page that requires them. So only an identity that the person has connected already
can return from it, and connecting one takes a button. A person who returns without the scopes has declined, and is not
sent there again: that would be a loop.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oidc_login.exceptions import OAuthError, ScopeNotGranted, ScopesNeeded
from oidc_login.flow.begin import begin_flow
from oidc_login.flow.redirects import safe_next
from oidc_login.problems import problem_response, wants_json
from oidc_login.registry import get_provider
from oidc_login.sessions.scopes import (
    connections_at,
    remember_requested_scopes,
    scope_parameter,
    seal_scopes,
    take_requested_scopes,
)
from oidc_login.views.base import ProviderView
from oidc_login.views.programs import as_problem


class ScopesView(ProviderView):
    """Sends a signed-in person to grant what is missing. It replaces a page and has no URL.

    A POST cannot be repeated for them, so they return to `LOGIN_REDIRECT_URL`.
    """

    http_method_names = ["get", "head", "post"]
    provider_key = ""
    scopes: tuple[str, ...] = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        self.next_url = safe_next(request, [request.get_full_path()])
        return self.request_scopes(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.request_scopes(request)

    def request_scopes(self, request: HttpRequest) -> HttpResponse:
        self.provider = get_provider(self.provider_key)
        if take_requested_scopes(request, self.provider.key) == sorted(self.scopes):
            raise ScopeNotGranted(self.provider.key)
        if wants_json(request):
            sealed = seal_scopes(request, self.provider.key, self.scopes)
            return problem_response(ScopesNeeded("scopes"), provider=self.provider.key, scopes=sealed)
        if not connections_at(request, self.provider.key).exists():
            return self.offer_connection(request)
        response = begin_flow(
            request,
            self.provider,
            purpose="scopes",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters=scope_parameter(request, self.provider, self.scopes),
        )
        remember_requested_scopes(request, self.provider.key, self.scopes)
        return response

    def offer_connection(self, request: HttpRequest) -> HttpResponse:
        """Show the button that connects an account, because the person has none at this provider."""
        context = {
            "provider": self.provider,
            "next": self.next_url,
            "scopes": seal_scopes(request, self.provider_key, self.scopes),
        }
        return render(request, "oidc_login/scopes.html", context)

    def render_error(self, request: HttpRequest | None, error: OAuthError) -> HttpResponse:
        """Return the page of an error; trying again requests the original page."""
        if (problem := as_problem(request, error)) is not None:
            return problem
        if request is None or not isinstance(error, ScopeNotGranted):
            return super().render_error(request, error)
        retry_url = request.get_full_path() if self.next_url else ""
        context = {"oauth_error": error, "provider": self.provider, "retry_url": retry_url}
        return render(request, error.template_name, context, status=error.status_code)
