"""The providers: one small file each, loaded when first used.

A site's own provider class derives from one of the classes named here; `get_provider` returns the configured
instance for a key. A shipped class is found by its name alone: `AcmeProvider` lives in `acme.py`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..registry import get_provider, get_provider_keys
    from .amazon import AmazonProvider
    from .apple import AppleProvider as AppleProvider
    from .base import OAuthProvider, OAuthToken, OAuthUser
    from .bitbucket import BitbucketProvider
    from .cognito import CognitoProvider as CognitoProvider
    from .discogs import DiscogsProvider as DiscogsProvider
    from .discord import DiscordProvider
    from .dropbox import DropboxProvider
    from .facebook import FacebookProvider
    from .flickr import FlickrProvider as FlickrProvider
    from .github import GitHubProvider as GitHubProvider
    from .gitlab import GitLabRESTProvider
    from .google import GoogleProvider as GoogleProvider
    from .instagram import InstagramProvider
    from .kakao import KakaoProvider
    from .keycloak import KeycloakProvider as KeycloakProvider
    from .linkedin import LinkedInProvider as LinkedInProvider
    from .linkedin_posting import LinkedInPostingProvider
    from .mastodon import MastodonProvider
    from .microsoft import MicrosoftProvider as MicrosoftProvider
    from .notion import NotionProvider
    from .oauth1 import OAuth1Provider
    from .oauth2 import OAuth2Provider
    from .oidc import OIDCProvider
    from .paypal import PayPalProvider as PayPalProvider
    from .pinterest import PinterestProvider
    from .reddit import RedditProvider
    from .slack import SlackProvider as SlackProvider
    from .spotify import SpotifyProvider
    from .strava import StravaProvider
    from .tiktok import TikTokProvider
    from .trello import TrelloProvider as TrelloProvider
    from .tumblr import TumblrProvider as TumblrProvider
    from .twitch import TwitchProvider as TwitchProvider
    from .x import XProvider
    from .youtube import YouTubeProvider
    from .zitadel import ZitadelProvider as ZitadelProvider

# What does not follow from its name.
_HOMES = {
    "OAuth1Provider": "oidc_login.providers.oauth1",
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
    "OAuth1Provider",
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
    home = _HOMES.get(name) or _home_of(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def _home_of(class_name: str) -> str | None:
    """Return the module of a shipped class: its name in small letters, without `Provider`."""
    stem, is_provider, rest = class_name.partition("Provider")
    module = f"{__name__}.{stem.lower()}"
    return module if stem and is_provider and not rest and find_spec(module) else None
