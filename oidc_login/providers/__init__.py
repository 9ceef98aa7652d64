"""The providers: one small file each, loaded when first used.

A site's own provider class derives from one of the classes named here; `get_provider` returns the configured
instance for a key.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..registry import get_provider, get_provider_keys
    from .apple import AppleProvider
    from .base import OAuthProvider, OAuthToken, OAuthUser
    from .github import GitHubProvider
    from .google import GoogleProvider
    from .oauth2 import OAuth2Provider
    from .oidc import OIDCProvider

_HOMES = {
    "AppleProvider": "oidc_login.providers.apple",
    "GitHubProvider": "oidc_login.providers.github",
    "GoogleProvider": "oidc_login.providers.google",
    "OAuth2Provider": "oidc_login.providers.oauth2",
    "OAuthProvider": "oidc_login.providers.base",
    "OAuthToken": "oidc_login.providers.base",
    "OAuthUser": "oidc_login.providers.base",
    "OIDCProvider": "oidc_login.providers.oidc",
    "get_provider": "oidc_login.registry",
    "get_provider_keys": "oidc_login.registry",
}

__all__ = [
    "AppleProvider",
    "GitHubProvider",
    "GoogleProvider",
    "OAuth2Provider",
    "OAuthProvider",
    "OAuthToken",
    "OAuthUser",
    "OIDCProvider",
    "get_provider",
    "get_provider_keys",
]


def __getattr__(name: str) -> Any:
    """Import a provider at its first use, so that forty cost no more than one (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
