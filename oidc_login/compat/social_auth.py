"""The URLs of social-auth-app-django, for `path("", include("oidc_login.compat.social_auth"))`.

`{% url "social:begin" "google-oauth2" %}` keeps working.
"""

from __future__ import annotations

from django.urls import include, path

from oidc_login.compat.patterns import callback_view, login_view
from oidc_login.conf import django
from oidc_login.flow.redirects import VIEW_NAMES

SLASH = "/" if django.get("SOCIAL_AUTH_TRAILING_SLASH", True) else ""

social = [
    path(f"login/<str:name>{SLASH}", login_view("social_auth"), name="begin"),
    path(f"complete/<str:name>{SLASH}", callback_view("social_auth"), name="complete"),
]

urlpatterns = [
    path(f"complete/<str:name>{SLASH}", callback_view("social_auth"), name=VIEW_NAMES["social_auth"]),
    path("", include((social, "social"))),
]
