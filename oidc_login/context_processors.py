"""A context processor for a site's own templates."""

from __future__ import annotations

from django.http import HttpRequest

from .registry import get_provider_keys


def oauth_provider_keys(request: HttpRequest) -> dict[str, list[str]]:
    """Add `oauth_provider_keys`, the keys of all providers."""
    return {"oauth_provider_keys": get_provider_keys()}
