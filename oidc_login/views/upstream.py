"""The callback of mozilla-django-oidc, by the name that sites have written in their URLs."""

from oidc_login.views.mozilla import UpstreamCallbackView as UpstreamCallbackView
