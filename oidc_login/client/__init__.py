"""Clients for a site's own views: register a provider, send people there, call its API.

    oauth = OAuth()
    oauth.register("company", server_metadata_url="https://login.example.com/.well-known/openid-configuration")

The names are those of Authlib's Django client. What binds an answer to its browser and what proves a token cannot
be left out; nobody is signed in by it, and nothing is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .apps import DjangoOAuth2App
from .errors import OAuthError
from .registry import OAuth
from .tokens import OAuth2Token, token_update
from .userinfo import UserInfo

if TYPE_CHECKING:
    from .oauth1 import DjangoOAuth1App

__all__ = ["DjangoOAuth1App", "DjangoOAuth2App", "OAuth", "OAuth2Token", "OAuthError", "UserInfo", "token_update"]


def __getattr__(name: str) -> Any:
    """Import the client of OAuth 1.0 at its first use: it needs an extra (PEP 562)."""
    if name != "DjangoOAuth1App":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .oauth1 import DjangoOAuth1App

    return DjangoOAuth1App
