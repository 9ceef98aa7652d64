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
    from .cognito import CognitoProvider
    from .github import GitHubProvider
    from .google import GoogleProvider
    from .keycloak import KeycloakProvider
    from .linkedin import LinkedInProvider
    from .microsoft import MicrosoftProvider
    from .oauth2 import OAuth2Provider
    from .oidc import OIDCProvider
    from .paypal import PayPalProvider
    from .slack import SlackProvider
    from .twitch import TwitchProvider
    from .zitadel import ZitadelProvider

_HOMES = {
    "AppleProvider": "oidc_login.providers.apple",
    "CognitoProvider": "oidc_login.providers.cognito",
    "GitHubProvider": "oidc_login.providers.github",
    "GoogleProvider": "oidc_login.providers.google",
    "KeycloakProvider": "oidc_login.providers.keycloak",
    "LinkedInProvider": "oidc_login.providers.linkedin",
    "MicrosoftProvider": "oidc_login.providers.microsoft",
    "OAuth2Provider": "oidc_login.providers.oauth2",
    "OAuthProvider": "oidc_login.providers.base",
    "OAuthToken": "oidc_login.providers.base",
    "OAuthUser": "oidc_login.providers.base",
    "OIDCProvider": "oidc_login.providers.oidc",
    "PayPalProvider": "oidc_login.providers.paypal",
    "SlackProvider": "oidc_login.providers.slack",
    "TwitchProvider": "oidc_login.providers.twitch",
    "ZitadelProvider": "oidc_login.providers.zitadel",
    "get_provider": "oidc_login.registry",
    "get_provider_keys": "oidc_login.registry",
}

__all__ = [
    "AppleProvider",
    "CognitoProvider",
    "GitHubProvider",
    "GoogleProvider",
    "KeycloakProvider",
    "LinkedInProvider",
    "MicrosoftProvider",
    "OAuth2Provider",
    "OAuthProvider",
    "OAuthToken",
    "OAuthUser",
    "OIDCProvider",
    "PayPalProvider",
    "SlackProvider",
    "TwitchProvider",
    "ZitadelProvider",
    "get_provider",
    "get_provider_keys",
]


def __getattr__(name: str) -> Any:
    """Import a provider at its first use, so that forty cost no more than one (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
