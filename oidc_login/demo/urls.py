"""The URLs of the demo site."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import include, path

from oidc_login.demo.views import home

urlpatterns = [
    path("", home, name="home"),
    path("login/", LoginView.as_view(template_name="demo/login.html", redirect_authenticated_user=True), name="login"),
    path("oauth/", include("oidc_login.urls")),
]
