"""Clients for a site's own views: register a provider, send people to it, call its API.

    oauth = OAuth()
    oauth.register("company", server_metadata_url="https://login.example.com/.well-known/openid-configuration")

The names are those of Authlib's Django client. The checks that bind a response to its browser and verify tokens
cannot be turned off. The client signs nobody in and stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.client.errors import OAuthError
from oidc_login.client.integration import DjangoIntegration
from oidc_login.client.registry import OAuth
from oidc_login.client.tokens import OAuth2Token, token_update
from oidc_login.client.userinfo import UserInfo

if TYPE_CHECKING:
    from oidc_login.client.oauth1 import DjangoOAuth1App

__all__ = [
    "DjangoIntegration",
    "DjangoOAuth1App",
    "DjangoOAuth2App",
    "OAuth",
    "OAuth2Token",
    "OAuthError",
    "UserInfo",
    "token_update",
]


def __getattr__(name: str) -> Any:
    """Import the OAuth 1.0 client at its first use, because it needs an extra (PEP 562)."""
    if name != "DjangoOAuth1App":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from oidc_login.client.oauth1 import DjangoOAuth1App

    return DjangoOAuth1App
