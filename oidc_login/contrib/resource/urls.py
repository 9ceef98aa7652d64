"""The well-known URLs. Include them at the root: `path("", include("oidc_login.contrib.resource.urls"))`."""

from __future__ import annotations

from django.urls import path

from oidc_login.contrib.resource.views import metadata

app_name = "oidc_login_resource"
urlpatterns = [
    path(".well-known/oauth-protected-resource", metadata, name="metadata"),
    path(".well-known/oauth-protected-resource/<path:resource>", metadata, name="metadata_of"),
]
