"""A site that has kept upstream's page for signing in beside our URLs."""

from __future__ import annotations

from django.urls import path
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from tests.mozilla.urls_after import urlpatterns as after

urlpatterns = [*after, path("old/authenticate/", OIDCAuthenticationRequestView.as_view(), name="old")]
