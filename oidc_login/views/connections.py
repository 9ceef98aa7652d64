"""The person's own connections: the page that lists them, connecting and disconnecting."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import django, settings
from oidc_login.exceptions import ConfirmLink, SignInTooOld
from oidc_login.flow.begin import begin_flow
from oidc_login.flow.redirects import destination, posted_next, safe_next
from oidc_login.models import OAuthConnection, own_connections
from oidc_login.problems import problem_response, wants_json
from oidc_login.registry import get_provider, get_provider_keys, get_providers
from oidc_login.sessions.disconnect import disconnect
from oidc_login.sessions.records import shown_sessions
from oidc_login.sessions.scopes import posted_scopes, remember_requested_scopes, scope_parameter
from oidc_login.sessions.step_up import Demand, needs_fresh_sign_in, provider_states_auth_time
from oidc_login.signin.pending_link import read_pending_link
from oidc_login.views.base import ProviderView
from oidc_login.views.programs import redirect_to_sign_in, respond_to_program
from oidc_login.views.step_up import ReauthenticateView


class ConnectionsView(ProviderView):
    """Lists how the person signs in, and what else they can connect."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, request.get_full_path())
        own = own_connections(request.user)
        connected = {connection.provider_key for connection, _provider in own}
        context = {
            "username": request.user.get_username(),
            "connections": own,
            "providers": [provider for provider in get_providers() if provider.key not in connected],
            "set_password_url": set_password_url(request),
            "home_url": home_url(request),
            "sessions": shown_sessions(request),
            "next": reverse("oidc_login:connections"),
        }
        return render(request, "oidc_login/connections.html", context)


def set_password_url(request: HttpRequest) -> str:
    """Return where a person without a password sets one, "" where the site has no such page or they have one."""
    user: Any = request.user
    has_password = user.has_usable_password()
    return "" if has_password or not settings.SET_PASSWORD_URL else resolve_url(settings.SET_PASSWORD_URL)


def home_url(request: HttpRequest) -> str:
    """Return the way back to the site: the page that linked here, as `next`, or where sign-ins end."""
    url = safe_next(request, request.GET.getlist("next")) or destination(request, "")
    return "" if urlsplit(url).path == reverse("oidc_login:connections") else url


class ChangingView(ProviderView):
    """A change of how the signed-in person signs in. If it fails, they return to their connections."""

    http_method_names = ["post", "options"]

    def retry_urls(self) -> tuple[str, str]:
        return reverse("oidc_login:connections"), ""


class ConnectView(ChangingView):
    """Begins connecting one more identity to the account of the person who is signed in."""

    def post(self, request: HttpRequest, provider: str) -> HttpResponseBase:
        self.provider = get_provider(provider)
        self.next_url = posted_next(request)
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, reverse("oidc_login:connections"))
        scopes = posted_scopes(request, provider)
        if needs_fresh_sign_in(request):
            return request_fresh_sign_in(request)
        response = begin_flow(
            request,
            self.provider,
            purpose="connect",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters=scope_parameter(request, self.provider, scopes) if scopes else None,
        )
        if scopes:
            remember_requested_scopes(request, provider, scopes)
        return response


class DisconnectView(ChangingView):
    """Removes one of the person's own connections, then revokes its tokens at the provider."""

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponseBase:
        back = reverse("oidc_login:connections")
        if not request.user.is_authenticated:
            return redirect_to_sign_in(request, back)
        connection = own_connection(request, provider)
        if provider in get_provider_keys():
            self.provider = get_provider(provider)
        self.next_url = posted_next(request)
        if needs_fresh_sign_in(request):
            return request_fresh_sign_in(request)
        if disconnect(request, connection, self.provider):
            messages.success(request, _("The account has been disconnected."), fail_silently=True)
        return HttpResponseRedirect(self.next_url or back)


def own_connection(request: HttpRequest, provider: str) -> OAuthConnection:
    """Return the named connection if it is this person's own, else raise 404."""
    named = {"provider_key": provider, "provider_user_id": request.POST.get("provider_user_id", "")}
    if "issuer" in request.POST:
        named["issuer"] = request.POST["issuer"]
    if any("\0" in value for value in named.values()):  # PostgreSQL accepts none
        raise Http404
    own = OAuthConnection.objects.select_related("user").filter(user_id=str(request.user.pk), **named)
    connection = own.first()
    if connection is None:
        raise Http404
    return connection


def request_fresh_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Send the person to sign in again, and then to their connections.

    A provider that states when the person authenticated is asked for a newer sign-in. Otherwise it might answer at
    once, with the same time.
    """
    if wants_json(request):
        return problem_response(SignInTooOld("session_age"), login_url=resolve_url(django.LOGIN_URL))
    messages.info(request, _("Please sign in again before you change how you sign in."), fail_silently=True)
    back = reverse("oidc_login:connections")
    if provider_states_auth_time(request):
        demand = Demand(max_age=settings.REAUTHENTICATION_AGE)
        return ReauthenticateView.as_view(demand=demand, next_url=back)(request)
    return redirect_to_login(back)


class ConfirmLinkView(ProviderView):
    """Shows the pending link of this browser, and where to sign in first."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        pending = read_pending_link(request)
        if pending is None:
            return respond_to_program(request) or HttpResponseRedirect(reverse("oidc_login:providers"))
        self.provider = get_provider(pending.provider_key)
        login_url = redirect_to_login(reverse("oidc_login:connections")).url
        if wants_json(request):
            members = {"provider": self.provider.key, "email": pending.email, "login_url": login_url}
            return problem_response(ConfirmLink("pending"), status_code=401, **members)
        context = {"provider": self.provider, "email": pending.email, "login_url": login_url}
        return render(request, "oidc_login/confirm_link.html", context)
