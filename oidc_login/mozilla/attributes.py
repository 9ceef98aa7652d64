"""The attributes that the constructor of mozilla-django-oidc's backend sets, computed on access.

A site's hooks read them. An assignment in the site's own constructor takes precedence, then an overridden
`get_settings`, then the provider. The package itself only uses the provider.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from oidc_login.mozilla import entry
from oidc_login.mozilla.outside import standing_provider
from oidc_login.providers.base import OAuthProvider


def attribute(name: str, read: Callable[[Any], Any]) -> Any:
    """Return a lazy attribute, whose default `read` gets from a provider."""

    def find(backend: UpstreamAttributes) -> Any:
        if type(backend).get_settings is not OIDCAuthenticationBackend.get_settings:
            stated = backend.get_settings(name, None)
            if stated is not None:
                return stated
        return read(backend.provider_of_attributes(name))

    return cached_property(find)


def endpoint(name: str) -> Callable[[Any], Any]:
    """Return what reads an endpoint: from the settings if they state it, which takes no request, or else discovered."""

    def read(provider: Any) -> Any:
        stated = provider.metadata_overrides.get(name)
        if stated:
            return stated
        return provider.get_jwks_uri() if name == "jwks_uri" else getattr(provider, name, "")

    return read


def sign_algo(provider: OAuthProvider) -> str | None:
    stated = getattr(provider, "id_token_signing_algs", None)
    return next(iter(stated or provider.get_signing_algorithms()), None)


def sign_key(provider: OAuthProvider) -> Any:
    return entry.get("OIDC_RP_IDP_SIGN_KEY") if provider.key == entry.provider_key() else None


class UpstreamAttributes:
    """The attributes of a backend; a base class that precedes upstream's."""

    if TYPE_CHECKING:
        provider: OAuthProvider
        get_settings: Callable[..., Any]

    OIDC_OP_TOKEN_ENDPOINT = attribute("OIDC_OP_TOKEN_ENDPOINT", endpoint("token_endpoint"))
    OIDC_OP_USER_ENDPOINT = attribute("OIDC_OP_USER_ENDPOINT", endpoint("userinfo_endpoint"))
    OIDC_OP_JWKS_ENDPOINT = attribute("OIDC_OP_JWKS_ENDPOINT", endpoint("jwks_uri"))
    OIDC_RP_CLIENT_ID = attribute("OIDC_RP_CLIENT_ID", lambda op: op.get_client_id())
    OIDC_RP_CLIENT_SECRET = attribute("OIDC_RP_CLIENT_SECRET", lambda op: op.get_client_secret())
    OIDC_RP_SIGN_ALGO = attribute("OIDC_RP_SIGN_ALGO", sign_algo)
    OIDC_RP_IDP_SIGN_KEY = attribute("OIDC_RP_IDP_SIGN_KEY", sign_key)

    def provider_of_attributes(self, name: str) -> OAuthProvider:
        """Return the provider of the sign-in, or the one from upstream's settings, or the only one."""
        own: OAuthProvider | None = vars(self).get("provider")
        return own or standing_provider(name)
