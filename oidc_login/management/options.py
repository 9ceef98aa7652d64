"""What options of several commands must be."""

from __future__ import annotations

from difflib import get_close_matches

from django.core.management.base import CommandError

from oidc_login.registry import get_provider_keys


def check_provider(key: str) -> None:
    """The provider is configured."""
    known = get_provider_keys()
    if key in known:
        return
    near = get_close_matches(key, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise CommandError(f"There is no provider {key!r} in OIDC_LOGIN_PROVIDERS.{hint}")
