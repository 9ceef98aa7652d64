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
    from .discogs import DiscogsProvider
    from .flickr import FlickrProvider
    from .github import GitHubProvider
    from .google import GoogleProvider
    from .oauth1 import OAuth1Provider
    from .oauth2 import OAuth2Provider
    from .oidc import OIDCProvider
    from .trello import TrelloProvider
    from .tumblr import TumblrProvider

_HOMES = {
    "AppleProvider": "oidc_login.providers.apple",
    "DiscogsProvider": "oidc_login.providers.discogs",
    "FlickrProvider": "oidc_login.providers.flickr",
    "GitHubProvider": "oidc_login.providers.github",
    "GoogleProvider": "oidc_login.providers.google",
    "OAuth1Provider": "oidc_login.providers.oauth1",
    "OAuth2Provider": "oidc_login.providers.oauth2",
    "OAuthProvider": "oidc_login.providers.base",
    "OAuthToken": "oidc_login.providers.base",
    "OAuthUser": "oidc_login.providers.base",
    "OIDCProvider": "oidc_login.providers.oidc",
    "TrelloProvider": "oidc_login.providers.trello",
    "TumblrProvider": "oidc_login.providers.tumblr",
    "get_provider": "oidc_login.registry",
    "get_provider_keys": "oidc_login.registry",
}

__all__ = [
    "AppleProvider",
    "DiscogsProvider",
    "FlickrProvider",
    "GitHubProvider",
    "GoogleProvider",
    "OAuth1Provider",
    "OAuth2Provider",
    "OAuthProvider",
    "OAuthToken",
    "OAuthUser",
    "OIDCProvider",
    "TrelloProvider",
    "TumblrProvider",
    "get_provider",
    "get_provider_keys",
]


def __getattr__(name: str) -> Any:
    """Import a provider at its first use, so that forty cost no more than one (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
