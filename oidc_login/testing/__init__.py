"""A small OpenID provider, a GitHub-style OAuth 2.0 provider and an OAuth 1.0a provider with real keys, for tests.

    op = OpenIDProvider(users=[User("alice", email="alice@example.org", email_verified=True)])
    with serve(op) as issuer:
        ...  # a site's provider with `"issuer": issuer`, `"client_id": "client"`, `"client_secret": "secret"`
        response = sign_in(client, op, "op", user="alice")

Nothing here is part of a site in service: nobody proves with a password who they are.
"""

from .application import Answer, ProviderRequest
from .authorize_page import AuthorizationAnswer, AuthorizationRefused
from .github import GitHubStyleProvider
from .oauth1 import OAuth1StyleProvider
from .openid import OpenIDProvider
from .server import serve
from .sign_in import follow_back, sign_in
from .signing import SigningKey, UnsignedToken, generate_key
from .users import GitHubEmail, User

__all__ = [
    "Answer",
    "AuthorizationAnswer",
    "AuthorizationRefused",
    "GitHubEmail",
    "GitHubStyleProvider",
    "OAuth1StyleProvider",
    "OpenIDProvider",
    "ProviderRequest",
    "SigningKey",
    "UnsignedToken",
    "User",
    "follow_back",
    "generate_key",
    "serve",
    "sign_in",
]
