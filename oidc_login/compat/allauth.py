"""The URLs of django-allauth's providers, for `path("accounts/", include("oidc_login.compat.allauth"))`.

`{% url "google_login" %}` keeps working. `openid_connect_login` takes the provider's name, as before.
"""

from __future__ import annotations

from django.urls import path

from oidc_login.compat.patterns import callback_view, login_view
from oidc_login.conf import django
from oidc_login.flow.redirects import VIEW_NAMES, names_of

PREFIX = str(django.get("SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX", "oidc"))
BELOW = f"{PREFIX}/" if PREFIX else ""

own_names = [
    path(f"{name}/login/", login_view("allauth"), {"name": name}, name=f"{name}_login")
    for name in names_of("allauth")
    if "/" not in name
]

urlpatterns = [
    *own_names,
    path(f"{BELOW}<str:provider_id>/login/", login_view("allauth"), {"prefix": BELOW}, name="openid_connect_login"),
    path("<path:name>/login/", login_view("allauth")),
    path("<path:name>/login/callback/", callback_view("allauth"), name=VIEW_NAMES["allauth"]),
]
