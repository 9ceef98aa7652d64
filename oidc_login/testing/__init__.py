"""A small OpenID provider and a GitHub-style OAuth 2.0 provider with real keys, for tests.

    op = OpenIDProvider(users=[User("alice", email="alice@example.org", email_verified=True)])
    with serve(op) as issuer:
        ...  # a site's provider with `"issuer": issuer`, `"client_id": "client"`, `"client_secret": "secret"`
        response = sign_in(client, op, "op", user="alice")

Nothing here is part of a site in service: nobody proves with a password who they are.
"""

from oidc_login.testing.application import Answer, ProviderRequest
from oidc_login.testing.authorize_page import AuthorizationAnswer, AuthorizationRefused
from oidc_login.testing.github import GitHubStyleProvider
from oidc_login.testing.openid import OpenIDProvider
from oidc_login.testing.server import serve
from oidc_login.testing.sign_in import sign_in
from oidc_login.testing.signing import SigningKey, UnsignedToken, generate_key
from oidc_login.testing.users import GitHubEmail, User

__all__ = [
    "Answer",
    "AuthorizationAnswer",
    "AuthorizationRefused",
    "GitHubEmail",
    "GitHubStyleProvider",
    "OpenIDProvider",
    "ProviderRequest",
    "SigningKey",
    "UnsignedToken",
    "User",
    "generate_key",
    "serve",
    "sign_in",
]
