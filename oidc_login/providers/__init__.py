"""The provider classes: one small file each, loaded at first use.

A site's own provider class derives from one of the classes named here; `get_provider` returns the configured
instance for a key. A shipped class is found by its name: `AcmeProvider` lives in `acme.py`. `__all__` and `dir()` are
derived from the files. They import every class, so `__all__` omits classes whose extra is not installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oidc_login.providers.amazon import AmazonProvider as AmazonProvider
    from oidc_login.providers.apple import AppleProvider as AppleProvider
    from oidc_login.providers.base import OAuthProvider as OAuthProvider
    from oidc_login.providers.bitbucket import BitbucketProvider as BitbucketProvider
    from oidc_login.providers.cognito import CognitoProvider as CognitoProvider
    from oidc_login.providers.discogs import DiscogsProvider as DiscogsProvider
    from oidc_login.providers.discord import DiscordProvider as DiscordProvider
    from oidc_login.providers.dropbox import DropboxProvider as DropboxProvider
    from oidc_login.providers.facebook import FacebookProvider as FacebookProvider
    from oidc_login.providers.flickr import FlickrProvider as FlickrProvider
    from oidc_login.providers.github import GitHubProvider as GitHubProvider
    from oidc_login.providers.gitlab import GitLabRESTProvider as GitLabRESTProvider
    from oidc_login.providers.google import GoogleProvider as GoogleProvider
    from oidc_login.providers.instagram import InstagramProvider as InstagramProvider
    from oidc_login.providers.kakao import KakaoProvider as KakaoProvider
    from oidc_login.providers.keycloak import KeycloakProvider as KeycloakProvider
    from oidc_login.providers.linkedin import LinkedInProvider as LinkedInProvider
    from oidc_login.providers.linkedin_posting import LinkedInPostingProvider as LinkedInPostingProvider
    from oidc_login.providers.mastodon import MastodonProvider as MastodonProvider
    from oidc_login.providers.microsoft import MicrosoftProvider as MicrosoftProvider
    from oidc_login.providers.notion import NotionProvider as NotionProvider
    from oidc_login.providers.oauth1 import OAuth1Provider as OAuth1Provider
    from oidc_login.providers.oauth2 import OAuth2Provider as OAuth2Provider
    from oidc_login.providers.oidc import OIDCProvider as OIDCProvider
    from oidc_login.providers.paypal import PayPalProvider as PayPalProvider
    from oidc_login.providers.pinterest import PinterestProvider as PinterestProvider
    from oidc_login.providers.reddit import RedditProvider as RedditProvider
    from oidc_login.providers.slack import SlackProvider as SlackProvider
    from oidc_login.providers.spotify import SpotifyProvider as SpotifyProvider
    from oidc_login.providers.strava import StravaProvider as StravaProvider
    from oidc_login.providers.tiktok import TikTokProvider as TikTokProvider
    from oidc_login.providers.trello import TrelloProvider as TrelloProvider
    from oidc_login.providers.tumblr import TumblrProvider as TumblrProvider
    from oidc_login.providers.twitch import TwitchProvider as TwitchProvider
    from oidc_login.providers.values import OAuthToken as OAuthToken
    from oidc_login.providers.values import OAuthUser as OAuthUser
    from oidc_login.providers.x import XProvider as XProvider
    from oidc_login.providers.youtube import YouTubeProvider as YouTubeProvider
    from oidc_login.providers.zitadel import ZitadelProvider as ZitadelProvider
    from oidc_login.registry import get_provider as get_provider
    from oidc_login.registry import get_provider_keys as get_provider_keys

# Public names that are not shipped providers.
_OTHERS = {
    "OAuth1Provider": "oidc_login.providers.oauth1",
    "OAuth2Provider": "oidc_login.providers.oauth2",
    "OAuthProvider": "oidc_login.providers.base",
    "OAuthToken": "oidc_login.providers.values",
    "OAuthUser": "oidc_login.providers.values",
    "OIDCProvider": "oidc_login.providers.oidc",
    "get_provider": "oidc_login.registry",
    "get_provider_keys": "oidc_login.registry",
}
# Shipped classes whose module does not follow from their name.
_ELSEWHERE = {
    "GitLabRESTProvider": "oidc_login.providers.gitlab",
    "LinkedInPostingProvider": "oidc_login.providers.linkedin_posting",
}


def __getattr__(name: str) -> Any:
    """Import a provider at its first use, so that forty providers cost no more than one (PEP 562)."""
    if name == "__all__":
        return _public_names()
    home = _OTHERS.get(name) or _ELSEWHERE.get(name) or _home_of(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), "__all__", *_public_names()})


def _public_names() -> list[str]:
    """Return every public name: the base classes, and each shipped provider class."""
    from oidc_login.providers.shipped import shipped_classes

    missing = set() if find_spec("oauthlib") else {"OAuth1Provider"}
    return sorted({*_OTHERS, *shipped_classes()} - missing)


def _home_of(class_name: str) -> str | None:
    """Return the module of a shipped class: its name in lower case, without `Provider`."""
    stem, is_provider, rest = class_name.partition("Provider")
    module = f"{__name__}.{stem.lower()}"
    return module if stem and is_provider and not rest and find_spec(module) else None
