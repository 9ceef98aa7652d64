"""Validation of options that several commands share."""

from __future__ import annotations

from django.core.management.base import CommandError

from oidc_login.registry import get_provider_keys
from oidc_login.validation import nearest


def check_provider(key: str) -> None:
    """Raise an error if the provider is not configured."""
    known = get_provider_keys()
    if key in known:
        return
    near = nearest(key, known)
    hint = f" Did you mean {near!r}?" if near else ""
    raise CommandError(f"There is no provider {key!r} in OIDC_LOGIN_PROVIDERS.{hint}")
