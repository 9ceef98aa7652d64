"""`{% provider_login_url "google" %}` of django-allauth: register this module as "socialaccount" in TEMPLATES.

The URL shows a page with one button; a link that signs in would let other sites sign people in.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

register = template.Library()


@register.simple_tag
def provider_login_url(provider: str, **parameters: Any) -> str:
    """Return the URL where a sign-in with a provider begins. The only supported parameter is `next`."""
    url = reverse("oidc_login:login", args=[provider])
    next_url = parameters.get("next")
    return f"{url}?{urlencode({'next': next_url})}" if next_url else url
