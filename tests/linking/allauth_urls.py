"""The suite's URLs beside django-allauth's pages for passwords."""

from __future__ import annotations

from django.urls import include, path

from tests.settings.urls import urlpatterns as base

urlpatterns = [*base, path("accounts/", include("allauth.account.urls"))]
