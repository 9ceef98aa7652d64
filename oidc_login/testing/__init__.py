"""Small providers for tests, with real keys: OpenID Connect, GitHub, and any form of OAuth 2.0 or 1.0a.

    op = OpenIDProvider(users=[User("alice", email="alice@example.org", email_verified=True)])
    with serve(op) as issuer:
        ...  # a site's provider with `"issuer": issuer`, `"client_id": "client"`, `"client_secret": "secret"`
        response = sign_in(client, op, "op", user="alice")

Do not use this in production: nobody has to enter a password.
"""

from oidc_login.testing.application import Answer, ProviderRequest
from oidc_login.testing.authorize_page import AuthorizationAnswer, AuthorizationRefused
from oidc_login.testing.github import GitHubStyleProvider
from oidc_login.testing.oauth1 import OAuth1StyleProvider
from oidc_login.testing.oauth2 import OAuth2StyleProvider
from oidc_login.testing.openid import OpenIDProvider
from oidc_login.testing.server import serve
from oidc_login.testing.shapes import Resource, Shape
from oidc_login.testing.sign_in import follow_back, sign_in, sign_out_at_provider
from oidc_login.testing.signing import SigningKey, UnsignedToken, generate_key
from oidc_login.testing.site import OIDCTestMixin
from oidc_login.testing.users import GitHubEmail, User

__all__ = [
    "Answer",
    "AuthorizationAnswer",
    "AuthorizationRefused",
    "GitHubEmail",
    "GitHubStyleProvider",
    "OAuth1StyleProvider",
    "OIDCTestMixin",
    "OAuth2StyleProvider",
    "OpenIDProvider",
    "ProviderRequest",
    "Resource",
    "Shape",
    "SigningKey",
    "UnsignedToken",
    "User",
    "follow_back",
    "generate_key",
    "serve",
    "sign_in",
    "sign_out_at_provider",
]
