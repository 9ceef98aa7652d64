"""Asking a person for more of what their provider can give (incremental consent).

Whoever comes back without it is not sent away again: they have said no, and would go round in circles.
"""

from __future__ import annotations

from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from oidc_login import flow as flows
from oidc_login.exceptions import OAuthError, ScopeNotGranted
from oidc_login.models import ConnectionQuerySet, OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider

from .base import ProviderView
from .begin import begin
from .connections import ask_for_fresh_sign_in, needs_fresh_sign_in

ASKED_KEY = "oidc_login_asked_scopes"  # in the session: what a person was sent away for, by provider


class ScopesView(ProviderView):
    """Sends a person who is signed in to grant what is missing, by a connect. It stands in for a page, without a URL.

    What was posted cannot be posted again for them: they come back to `LOGIN_REDIRECT_URL`.
    """

    http_method_names = ["get", "head", "post"]
    provider_key = ""
    scopes: tuple[str, ...] = ()

    def get(self, request: HttpRequest) -> HttpResponseBase:
        self.next_url = flows.safe_next(request, [request.get_full_path()])
        return self.ask(request)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return self.ask(request)

    def ask(self, request: HttpRequest) -> HttpResponseBase:
        self.provider = get_provider(self.provider_key)
        if take_asked(request, self.provider.key) == sorted(self.scopes):
            raise ScopeNotGranted(self.provider.key)
        if needs_fresh_sign_in(request):
            return ask_for_fresh_sign_in(request)
        response = begin(
            request,
            self.provider,
            purpose="connect",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters={"scope": " ".join(wanted_scopes(request, self.provider, self.scopes))},
        )
        asked = request.session.get(ASKED_KEY, {})
        request.session[ASKED_KEY] = {**asked, self.provider.key: sorted(self.scopes)}
        return response

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


def own(request: HttpRequest, provider_key: str) -> ConnectionQuerySet:
    """Return the person's connections at a provider, the one that was used last first."""
    found = OAuthConnection.objects.get_queryset().filter(
        user=request.user,  # type: ignore[misc]  # signed in, of whatever model the site uses
        provider_key=provider_key,
    )
    return found.order_by(F("last_login_at").desc(nulls_last=True))


def wanted_scopes(request: HttpRequest, provider: OAuthProvider, scopes: tuple[str, ...]) -> list[str]:
    """Return what to ask for: also what was granted before, which some providers take back otherwise."""
    known = own(request, provider.key).first()
    granted = known.scope.replace(",", " ").split() if known else []
    return list(dict.fromkeys([*provider.get_scope().split(), *granted, *scopes]))


def take_asked(request: HttpRequest, provider_key: str) -> list[str] | None:
    """Return what the person was sent away for, and forget it."""
    asked = dict(request.session.get(ASKED_KEY, {}))
    found: list[str] | None = asked.pop(provider_key, None)
    if found is not None:
        request.session[ASKED_KEY] = asked
    return found
