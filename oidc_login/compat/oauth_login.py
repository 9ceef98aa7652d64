"""The URLs of django-oauth-login, for `path("oauth/", include("oidc_login.compat.oauth_login"))`."""

from __future__ import annotations

from django.urls import include, path

from oidc_login.compat.patterns import callback_view, login_view
from oidc_login.flow.redirects import VIEW_NAMES
from oidc_login.urls import changing
from oidc_login.views.connections import ConnectView, DisconnectView

oauthlogin = [
    path("<str:name>/login/", login_view("oauth_login"), name="login"),
    path("<str:provider>/connect/", changing(ConnectView), name="connect"),
    path("<str:provider>/disconnect/", changing(DisconnectView), name="disconnect"),
    path("<str:name>/callback/", callback_view("oauth_login"), name="callback"),
]

urlpatterns = [
    path("<str:name>/callback/", callback_view("oauth_login"), name=VIEW_NAMES["oauth_login"]),
    path("", include((oauthlogin, "oauthlogin"))),
]
