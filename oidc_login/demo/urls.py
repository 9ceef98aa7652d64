"""The URLs of the demo site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from oidc_login.demo import views

urlpatterns = [
    path("", views.tour, name="tour"),
    path("rules/", views.rules, name="rules"),
    path("tour/<slug:name>/", views.start, name="start"),
    path("login/", LoginView.as_view(template_name="demo/login.html"), name="login"),
    path("account/", views.account, name="account"),
    path("plans/", views.plans, name="plans"),
    path("tokens/", views.tokens, name="tokens"),
    path("api/me/", views.me, name="me"),
    path("admin/", admin.site.urls),
    path("oauth/", include("oidc_login.urls")),
]
