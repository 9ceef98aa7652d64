"""The URLs, for `include("oidc_login.urls")`.

Views that begin something check CSRF tokens themselves, even without Django's CSRF middleware. The flow cookie
protects the callback instead, because a provider that posts its response has no CSRF token of the site.

Entry points are exempt from Django's `LoginRequiredMiddleware`, because nobody has a session before signing in.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.urls import include, path, reverse
from django.utils.functional import lazy
from django.views.decorators.clickjacking import xframe_options_deny, xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from oidc_login.views.begin import InitiateLoginView, LoginView, ProvidersView
from oidc_login.views.callback import CallbackView
from oidc_login.views.connections import ConfirmLinkView, ConnectionsView, ConnectView, DisconnectView
from oidc_login.views.csrf import WayOn, csrf_protect, to_connections, to_logout, to_next
from oidc_login.views.logout import LogoutDoneView, LogoutView
from oidc_login.views.mozilla import UpstreamCallbackView, UpstreamLoginView, UpstreamLogoutView
from oidc_login.views.provider_logout import BackChannelLogoutView, FrontChannelLogoutView
from oidc_login.views.sessions import EndOtherSessionsView, EndSessionView


def entrance(view: Any, *, way_on: WayOn = to_next) -> Any:
    """Return a view for people who may not be signed in."""
    return login_not_required(csrf_protect(view.as_view(), way_on=way_on))


def answer(view: Any) -> Any:
    """Return a view for requests from a provider, which have no CSRF token."""
    return login_not_required(csrf_exempt(view.as_view()))


def changing(view: Any) -> Any:
    """Return a view that accepts a POST from a signed-in person.

    `LoginRequiredMiddleware` would redirect visitors back to it by GET. They go to their connections instead.
    """
    protected: Any = csrf_protect(view.as_view(), way_on=to_connections)
    protected.login_url = lazy(login_for_connections, str)()
    protected.redirect_field_name = ""
    return protected


def login_for_connections() -> str:
    return redirect_to_login(reverse("oidc_login:connections")).url


# A third party cannot have our token; it can only begin an ordinary sign-in, and never in a frame.
initiate_login = xframe_options_deny(answer(InitiateLoginView))
frontchannel_logout = xframe_options_exempt(answer(FrontChannelLogoutView))

namespaced = [
    # The URLs of every sign-in come first, because Django tries them in order.
    path("<str:provider>/login/", entrance(LoginView), name="login"),
    path("<str:provider>/callback/", answer(CallbackView), name="callback"),
    path("", entrance(ProvidersView), name="providers"),
    path("connections/", csrf_protect(ConnectionsView.as_view(), way_on=to_connections), name="connections"),
    path("connections/sessions/end/", changing(EndSessionView), name="end_session"),
    path("connections/sessions/end-others/", changing(EndOtherSessionsView), name="end_other_sessions"),
    path("confirm-link/", entrance(ConfirmLinkView), name="confirm_link"),
    path("logout/", entrance(LogoutView, way_on=to_logout), name="logout"),
    path("logout/done/", entrance(LogoutDoneView), name="logout_done"),
    path("<str:provider>/connect/", changing(ConnectView), name="connect"),
    path("<str:provider>/disconnect/", changing(DisconnectView), name="disconnect"),
    path("<str:provider>/initiate/", initiate_login, name="initiate_login"),
    path("<str:provider>/backchannel-logout/", answer(BackChannelLogoutView), name="backchannel_logout"),
    path("<str:provider>/frontchannel-logout/", frontchannel_logout, name="frontchannel_logout"),
]

# The URL names that templates, settings and middleware of mozilla-django-oidc use, for its configured provider.
of_upstream = [
    path("authenticate/", entrance(UpstreamLoginView), name="oidc_authentication_init"),
    path("callback/", answer(UpstreamCallbackView), name="oidc_authentication_callback"),
    path("logout/", entrance(UpstreamLogoutView, way_on=to_logout), name="oidc_logout"),
]

# Both names for signing out share a path; the more general view serves it.
urlpatterns = [*of_upstream, path("", include((namespaced, "oidc_login")))]
