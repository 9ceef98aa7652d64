"""The URLs, for `include("oidc_login.urls")`.

What begins something protects itself, also in a site without Django's CSRF middleware. The callback is bound by
its flow cookie instead: a provider that posts its answer has no CSRF token of ours.
"""

from __future__ import annotations

from django.urls import include, path
from django.views.decorators.clickjacking import xframe_options_deny, xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from .views.begin import InitiateLoginView, LoginView, ProvidersView
from .views.callback import CallbackView
from .views.connections import ConfirmLinkView, ConnectionsView, ConnectView, DisconnectView
from .views.logout import LogoutDoneView, LogoutView
from .views.provider_logout import BackChannelLogoutView, FrontChannelLogoutView
from .views.sessions import EndOtherSessionsView, EndSessionView
from .views.upstream import UpstreamCallbackView, UpstreamLoginView, UpstreamLogoutView

# A third party cannot have a token of ours; what it may begin is an ordinary sign-in, never inside its frame.
initiate_login = csrf_exempt(xframe_options_deny(InitiateLoginView.as_view()))
# A provider has no token of ours either: what it says is signed, or known to nobody else.
backchannel_logout = csrf_exempt(BackChannelLogoutView.as_view())
frontchannel_logout = xframe_options_exempt(FrontChannelLogoutView.as_view())

namespaced = [
    # First what every sign-in asks for: Django tries one after the other.
    path("<str:provider>/login/", csrf_protect(LoginView.as_view()), name="login"),
    path("<str:provider>/callback/", csrf_exempt(CallbackView.as_view()), name="callback"),
    path("", csrf_protect(ProvidersView.as_view()), name="providers"),
    path("connections/", csrf_protect(ConnectionsView.as_view()), name="connections"),
    path("connections/sessions/end/", csrf_protect(EndSessionView.as_view()), name="end_session"),
    path("connections/sessions/end-others/", csrf_protect(EndOtherSessionsView.as_view()), name="end_other_sessions"),
    path("confirm-link/", ConfirmLinkView.as_view(), name="confirm_link"),
    path("logout/", csrf_protect(LogoutView.as_view()), name="logout"),
    path("logout/done/", LogoutDoneView.as_view(), name="logout_done"),
    path("<str:provider>/connect/", csrf_protect(ConnectView.as_view()), name="connect"),
    path("<str:provider>/disconnect/", csrf_protect(DisconnectView.as_view()), name="disconnect"),
    path("<str:provider>/initiate/", initiate_login, name="initiate_login"),
    path("<str:provider>/backchannel-logout/", backchannel_logout, name="backchannel_logout"),
    path("<str:provider>/frontchannel-logout/", frontchannel_logout, name="frontchannel_logout"),
]

# The names that templates, settings and middleware of mozilla-django-oidc know, for the provider of its settings.
of_upstream = [
    path("authenticate/", csrf_protect(UpstreamLoginView.as_view()), name="oidc_authentication_init"),
    path("callback/", csrf_exempt(UpstreamCallbackView.as_view()), name="oidc_authentication_callback"),
    path("logout/", csrf_protect(UpstreamLogoutView.as_view()), name="oidc_logout"),
]

# Of the two names for signing out, at one path, the view is the one that knows more.
urlpatterns = [*of_upstream, path("", include((namespaced, "oidc_login")))]
