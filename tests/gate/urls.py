"""The suite's site with pages that ask for more than a session, and the URL names of mozilla-django-oidc."""

from __future__ import annotations

from django.urls import include, path

from oidc_login.decorators import reauthentication_required, scopes_required
from tests.one_tap.page import page
from tests.settings.urls import home
from tests.settings.urls import urlpatterns as site

urlpatterns = [
    path("recent/", reauthentication_required(max_age=0)(home)),
    path("calendar/", scopes_required("op", "phone")(home)),
    path("api/auth/", include("oidc_login.contrib.headless.urls")),
    path("one-tap/", include("oidc_login.contrib.one_tap.urls")),
    path("page/", page),
    *site,
]
