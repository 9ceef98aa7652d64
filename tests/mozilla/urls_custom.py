"""A site that has the provider send its answers to a path of its own."""

from __future__ import annotations

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from oidc_login.views.mozilla import UpstreamCallbackView
from tests.mozilla.urls_after import urlpatterns as after

urlpatterns = [*after, path("done/", csrf_exempt(UpstreamCallbackView.as_view()), name="sign_in_done")]
