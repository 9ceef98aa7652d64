"""A context processor for a site's own templates."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from oidc_login.registry import get_provider_keys


def oauth_provider_keys(request: HttpRequest) -> dict[str, Any]:
    """Add `oauth_provider_keys`, the keys of all providers, which are looked up when a template uses them."""
    return {"oauth_provider_keys": SimpleLazyObject(get_provider_keys)}
