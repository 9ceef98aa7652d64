"""The URLs of django-pyoidc, for `path("auth/", include("oidc_login.compat.pyoidc"))`.

`{% url "keycloak-login" %}` and similar names keep working for entries with a `callback`.
"""

from __future__ import annotations

from django.urls import path

from oidc_login.compat.patterns import callback_view, login_view
from oidc_login.flow.redirects import VIEW_NAMES, names_of
from oidc_login.urls import entrance
from oidc_login.views.csrf import to_logout
from oidc_login.views.logout import LogoutView

own_names = [
    pattern
    for name in names_of("pyoidc")
    for pattern in (
        path(f"{name}-login", login_view("pyoidc"), {"name": name}, name=f"{name}-login"),
        path(f"{name}-logout", entrance(LogoutView, way_on=to_logout), name=f"{name}-logout"),
        path(f"{name}-callback", callback_view("pyoidc"), {"name": name}, name=f"{name}-callback"),
    )
]

urlpatterns = [
    *own_names,
    path("<str:name>-callback", callback_view("pyoidc"), name=VIEW_NAMES["pyoidc"]),
]
