"""Lets a site's tests, commands and scripts call the hooks of a backend outside of a sign-in.

Such calls sign nobody in, and write no connections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.flow.pending import Flow, attach_flow
from oidc_login.mozilla import entry
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.registry import get_provider, get_provider_keys
from oidc_login.signin.claims import Identity, clean_email, text


class StandIn:
    """The value of an attribute until a sign-in assigns one."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __get__(self, backend: object, owner: type | None = None) -> Any:
        return self if backend is None else self.make()


def stand_in(make: Callable[[], Any]) -> Any:
    return StandIn(make)


def standing_provider(name: str = "provider") -> OAuthProvider:
    """Return the provider in mozilla-django-oidc's settings, or the only one."""
    keys = get_provider_keys()
    key = entry.provider_key() or (keys[0] if len(keys) == 1 else None)
    if key is None:
        raise ImproperlyConfigured(
            f"{name} differs between providers: read it during a sign-in, or write "
            "backend.provider = oidc_login.providers.get_provider(key) first"
        )
    return get_provider(key)


@sensitive_variables()
def described_identity(provider: OAuthProvider, claims: Mapping[str, Any]) -> Identity:
    """Return the identity that claims describe. It is not proved, so only use it for the values of hooks."""
    email = clean_email(claims.get("email"))
    return Identity(
        provider_key=provider.key,
        issuer="",
        subject=text(claims, "sub"),
        email=email,
        email_verified=bool(email) and provider.is_email_verified(claims),
        claims=claims,
    )


@sensitive_variables()
def request_of_grant(provider: OAuthProvider, payload: Mapping[str, Any]) -> HttpRequest:
    """Return a request whose flow has the values of a token request."""
    request = HttpRequest()
    flow = Flow(
        provider_key=provider.key,
        purpose="client",
        issuer="",
        redirect_uri=str(payload.get("redirect_uri", "")),
        code_verifier=str(payload.get("code_verifier", "")),
    )
    attach_flow(request, flow)
    return request


@sensitive_variables()
def ask_for_token(provider: OAuthProvider, payload: Mapping[str, Any]) -> OAuthToken:
    """Return the tokens for a code or a refresh token (RFC 6749 4.1.3, 6)."""
    grant = payload.get("grant_type", "authorization_code")
    if grant == "authorization_code":
        return provider.get_oauth_token(code=payload["code"], request=request_of_grant(provider, payload))
    if grant == "refresh_token":
        return provider.refresh_oauth_token(
            oauth_token=OAuthToken(access_token="", refresh_token=payload["refresh_token"])
        )
    raise ImproperlyConfigured('get_token() takes the grant_type "authorization_code" or "refresh_token".')


@sensitive_variables()
def verified_claims(provider: OAuthProvider, id_token: str, *, nonce: str | None) -> dict[str, Any]:
    """Return the claims of an ID token after every check of Core 3.1.3.7; the nonce is compared if it is given."""
    if not provider.has_id_token:
        return {}
    token = OAuthToken(access_token="", id_token=id_token)
    return dict(provider.check_id_token(token, nonce=nonce, max_age=None, comes_alone=True).claims)
