"""The URLs, for `include("oidc_login.urls")`."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "oidc_login"

urlpatterns = [
    path("", views.ProvidersView.as_view(), name="providers"),
    path("<str:provider>/login/", views.LoginView.as_view(), name="login"),
    path("<str:provider>/connect/", views.ConnectView.as_view(), name="connect"),
    path("<str:provider>/callback/", views.CallbackView.as_view(), name="callback"),
]
