"""The person's own connections: the page that lists them, making one and removing one."""

from __future__ import annotations

import logging
import time
from functools import partial

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import router, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from oidc_login import signals
from oidc_login.conf import settings
from oidc_login.exceptions import OAuthError
from oidc_login.fields import TokenKeyError
from oidc_login.models import OAuthConnection, own_connections
from oidc_login.protocol.errors import ProtocolError
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.registry import get_provider, get_provider_keys, get_providers
from oidc_login.sessions import records as sessions
from oidc_login.signin import pending_link
from oidc_login.views.asked_scopes import posted_scopes, remember_asked, scope_parameter
from oidc_login.views.base import SESSION_KEY, ProviderView
from oidc_login.views.begin import begin, posted_next
from oidc_login.views.freshness import is_unconfirmed
from oidc_login.views.step_up import SIGNED_IN_AT, Demand, ReauthenticateView

logger = logging.getLogger("oidc_login")


class ConnectionsView(ProviderView):
    """What the person signs in with, and what else could be connected."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        context = {
            "username": request.user.get_username(),
            "connections": own_connections(request.user),
            "providers": get_providers(),
            "sessions": sessions.shown_sessions(request),
            "next": reverse("oidc_login:connections"),
        }
        return render(request, "oidc_login/connections.html", context)


class ChangingView(ProviderView):
    """What changes the ways in of the person who is signed in, who goes back to their connections if it fails."""

    http_method_names = ["post", "options"]

    def ways_on(self) -> tuple[str, str]:
        return reverse("oidc_login:connections"), ""


class ConnectView(ChangingView):
    """Begins connecting one more identity to the account of the person who is signed in."""

    def post(self, request: HttpRequest, provider: str) -> HttpResponseBase:
        self.provider = get_provider(provider)
        self.next_url = posted_next(request)
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("oidc_login:connections"))
        scopes = posted_scopes(request, provider)
        if needs_fresh_sign_in(request):
            return ask_for_fresh_sign_in(request)
        response = begin(
            request,
            self.provider,
            purpose="connect",
            next_url=self.next_url,
            user_key=str(request.user.pk),
            parameters=scope_parameter(request, self.provider, scopes) if scopes else None,
        )
        if scopes:
            remember_asked(request, provider, scopes)
        return response


class DisconnectView(ChangingView):
    """Removes one of the person's own connections, then takes its tokens back at the provider."""

    @sensitive_variables()
    def post(self, request: HttpRequest, provider: str) -> HttpResponseBase:
        back = reverse("oidc_login:connections")
        if not request.user.is_authenticated:
            return redirect_to_login(back)
        connection = own_connection(request, provider)
        if provider in get_provider_keys():
            self.provider = get_provider(provider)
        self.next_url = posted_next(request)
        if needs_fresh_sign_in(request):
            return ask_for_fresh_sign_in(request)
        try:
            with sessions.sparing(request.session):
                connection.disconnect()
        except OAuthConnection.DoesNotExist:  # removed by another click just now
            return HttpResponseRedirect(self.next_url or back)
        revoke(readable_token(connection), self.provider, connection)
        tell = partial(tell_removed, request, connection)
        transaction.on_commit(tell, using=router.db_for_write(OAuthConnection))
        messages.success(request, _("The account has been disconnected."), fail_silently=True)
        return HttpResponseRedirect(self.next_url or back)


def own_connection(request: HttpRequest, provider: str) -> OAuthConnection:
    """Return the one connection that is named, of this person alone."""
    named = {"provider_key": provider, "provider_user_id": request.POST.get("provider_user_id", "")}
    if "issuer" in request.POST:
        named["issuer"] = request.POST["issuer"]
    if any("\0" in value for value in named.values()):  # PostgreSQL takes none
        raise Http404
    own = OAuthConnection.objects.select_related("user").filter(user_id=str(request.user.pk), **named)
    connection = own.first()
    if connection is None:
        raise Http404
    return connection


@sensitive_variables()
def revoke(token: OAuthToken | None, provider: OAuthProvider | None, connection: OAuthConnection) -> None:
    """Take the tokens back (RFC 7009). The provider may be down: that does not keep the connection alive."""
    if token is None or provider is None or not provider.is_possible_issuer(connection.issuer):
        return
    try:
        with answers_of(provider):
            provider.revoke_oauth_token(oauth_token=token)
    except (ProtocolError, OAuthError) as error:
        extra = {"provider": provider.key, "connection": connection.pk, "reason": error.reason}
        logger.warning("revocation failed at %s: %s", provider.key, error.reason, extra=extra)


def tell_removed(request: HttpRequest, connection: OAuthConnection) -> None:
    """Tell the log and the site that a connection is gone."""
    provider, reason = connection.provider_key, "disconnected by the person"
    extra = {"provider": provider, "connection": connection.pk, "reason": reason}
    logger.info("%s: connection %s at %s", reason, connection.pk, provider, extra=extra)
    signals.connection_removed.send(
        OAuthConnection, request=request, provider=provider, connection=connection, reason=reason
    )


@sensitive_variables()
def readable_token(connection: OAuthConnection) -> OAuthToken | None:
    """Return the tokens to be revoked; `None` where there are none, or none that can be read any more."""
    try:
        token = connection.oauth_token
    except TokenKeyError:
        return None
    return token if token.access_token or token.refresh_token else None


def needs_fresh_sign_in(request: HttpRequest) -> bool:
    """Whether this session is too old for a change of the ways to sign in, or waits to be confirmed."""
    if is_unconfirmed(request):
        return True
    if settings.REAUTHENTICATION_AGE is None:
        return False
    signed_in = request.session.get(SESSION_KEY, {})
    if signed_in.get("auth_time_stated"):
        return not Demand(max_age=settings.REAUTHENTICATION_AGE).is_met_by(signed_in)
    return bool(time.time() - request.session.get(SIGNED_IN_AT, 0) > settings.REAUTHENTICATION_AGE)


def ask_for_fresh_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Send the person to sign in again, and then to their connections.

    A provider that says when the person signed in is asked for a newer sign-in: without that it may answer for
    them at once, and say the same again.
    """
    messages.info(request, _("Please sign in again before you change how you sign in."), fail_silently=True)
    back = reverse("oidc_login:connections")
    if request.session.get(SESSION_KEY, {}).get("auth_time_stated"):
        demand = Demand(max_age=settings.REAUTHENTICATION_AGE)
        return ReauthenticateView.as_view(demand=demand, next_url=back)(request)
    return redirect_to_login(back)


class ConfirmLinkView(ProviderView):
    """What waits to be linked in this browser, and where to sign in first."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = pending_link.waiting_link(request)
        if waiting is None:
            return HttpResponseRedirect(reverse("oidc_login:providers"))
        self.provider = get_provider(waiting.provider_key)
        context = {
            "provider": self.provider,
            "email": waiting.email,
            "login_url": redirect_to_login(reverse("oidc_login:connections")).url,
        }
        return render(request, "oidc_login/confirm_link.html", context)
