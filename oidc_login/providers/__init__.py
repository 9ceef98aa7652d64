"""The providers: one small file each, loaded when first used.

A site's own provider class derives from one of the classes named here; `get_provider` returns the configured
instance for a key.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..registry import get_provider, get_provider_keys
    from .amazon import AmazonProvider
    from .apple import AppleProvider
    from .base import OAuthProvider, OAuthToken, OAuthUser
    from .bitbucket import BitbucketProvider
    from .discord import DiscordProvider
    from .dropbox import DropboxProvider
    from .facebook import FacebookProvider
    from .github import GitHubProvider
    from .gitlab import GitLabRESTProvider
    from .google import GoogleProvider
    from .instagram import InstagramProvider
    from .kakao import KakaoProvider
    from .linkedin_posting import LinkedInPostingProvider
    from .mastodon import MastodonProvider
    from .notion import NotionProvider
    from .oauth2 import OAuth2Provider
    from .oidc import OIDCProvider
    from .pinterest import PinterestProvider
    from .reddit import RedditProvider
    from .spotify import SpotifyProvider
    from .strava import StravaProvider
    from .tiktok import TikTokProvider
    from .x import XProvider
    from .youtube import YouTubeProvider

_HOMES = {
    "AmazonProvider": "oidc_login.providers.amazon",
    "AppleProvider": "oidc_login.providers.apple",
    "BitbucketProvider": "oidc_login.providers.bitbucket",
    "DiscordProvider": "oidc_login.providers.discord",
    "DropboxProvider": "oidc_login.providers.dropbox",
    "FacebookProvider": "oidc_login.providers.facebook",
    "GitHubProvider": "oidc_login.providers.github",
    "GitLabRESTProvider": "oidc_login.providers.gitlab",
    "GoogleProvider": "oidc_login.providers.google",
    "InstagramProvider": "oidc_login.providers.instagram",
    "KakaoProvider": "oidc_login.providers.kakao",
    "LinkedInPostingProvider": "oidc_login.providers.linkedin_posting",
    "MastodonProvider": "oidc_login.providers.mastodon",
    "NotionProvider": "oidc_login.providers.notion",
    "OAuth2Provider": "oidc_login.providers.oauth2",
    "OAuthProvider": "oidc_login.providers.base",
    "OAuthToken": "oidc_login.providers.base",
    "OAuthUser": "oidc_login.providers.base",
    "OIDCProvider": "oidc_login.providers.oidc",
    "PinterestProvider": "oidc_login.providers.pinterest",
    "RedditProvider": "oidc_login.providers.reddit",
    "SpotifyProvider": "oidc_login.providers.spotify",
    "StravaProvider": "oidc_login.providers.strava",
    "TikTokProvider": "oidc_login.providers.tiktok",
    "XProvider": "oidc_login.providers.x",
    "YouTubeProvider": "oidc_login.providers.youtube",
    "get_provider": "oidc_login.registry",
    "get_provider_keys": "oidc_login.registry",
}

__all__ = [
    "AmazonProvider",
    "AppleProvider",
    "BitbucketProvider",
    "DiscordProvider",
    "DropboxProvider",
    "FacebookProvider",
    "GitHubProvider",
    "GitLabRESTProvider",
    "GoogleProvider",
    "InstagramProvider",
    "KakaoProvider",
    "LinkedInPostingProvider",
    "MastodonProvider",
    "NotionProvider",
    "OAuth2Provider",
    "OAuthProvider",
    "OAuthToken",
    "OAuthUser",
    "OIDCProvider",
    "PinterestProvider",
    "RedditProvider",
    "SpotifyProvider",
    "StravaProvider",
    "TikTokProvider",
    "XProvider",
    "YouTubeProvider",
    "get_provider",
    "get_provider_keys",
]


def __getattr__(name: str) -> Any:
    """Import a provider at its first use, so that forty cost no more than one (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
