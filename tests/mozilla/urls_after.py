"""The same site after the move: another include, and nothing else."""

from __future__ import annotations

from django.urls import include, path

from tests.mozilla.urls_before import pages

urlpatterns = [*pages, path("oidc/", include("oidc_login.urls"))]
