"""Clients for a site's own views: register a provider, send people there, call its API.

    oauth = OAuth()
    oauth.register("company", server_metadata_url="https://login.example.com/.well-known/openid-configuration")

The names are those of Authlib's Django client. What binds an answer to its browser and what proves a token cannot
be left out; nobody is signed in by it, and nothing is stored.
"""

from .apps import DjangoOAuth2App
from .errors import OAuthError
from .registry import OAuth
from .tokens import OAuth2Token, token_update
from .userinfo import UserInfo

__all__ = ["DjangoOAuth2App", "OAuth", "OAuth2Token", "OAuthError", "UserInfo", "token_update"]
