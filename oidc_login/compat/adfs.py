"""The URLs of django-auth-adfs, for `path("oauth2/", include("oidc_login.compat.adfs"))`."""

from __future__ import annotations

from django.urls import include, path

from oidc_login.compat.patterns import callback_view, login_view
from oidc_login.flow.redirects import VIEW_NAMES
from oidc_login.urls import entrance
from oidc_login.views.csrf import to_logout
from oidc_login.views.logout import LogoutView

django_auth_adfs = [
    path("callback", callback_view("adfs"), name="callback"),
    path("login", login_view("adfs"), name="login"),
    path("login_no_sso", login_view("adfs"), name="login-no-sso"),
    path("login_force_mfa", login_view("adfs"), name="login-force-mfa"),
    path("logout", entrance(LogoutView, way_on=to_logout), name="logout"),
]

urlpatterns = [
    path("callback", callback_view("adfs"), name=VIEW_NAMES["adfs"]),
    path("", include((django_auth_adfs, "django_auth_adfs"))),
]
