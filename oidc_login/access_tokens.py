"""Access tokens that programs send to the site's own API: who issued them, for whom, and what they allow.

A token signs nobody up and links nothing: it stands for a person who has signed in here before.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from oidc_login.cache import SharedValues
from oidc_login.conf import settings
from oidc_login.exceptions import AccessTokenInvalid, ProviderUnknown, RefusedBySite, UserInfoInvalid, translated
from oidc_login.models import OAuthConnection
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.access_token import check_introspected, scopes_of, unverified_issuer
from oidc_login.protocol.errors import InvalidAccessToken
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.protocol.id_token import is_subject
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.registry import get_provider
from oidc_login.signin.admission import admit_known
from oidc_login.signin.claims import Identity
from oidc_login.signin.values import Backend
from oidc_login.tokens.refused import refused_by

LONGEST_MEMORY = 300  # seconds for which an introspected token is not asked about again (RFC 7662 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that its provider vouches for: whose it is and what it allows."""

    provider_key: str
    issuer: str
    subject: str = field(repr=False)
    scopes: frozenset[str]
    claims: Mapping[str, Any] = field(repr=False)


def bearer_providers() -> Mapping[str, tuple[str, ...]]:
    """Return the keys of `OIDC_LOGIN_BEARER_PROVIDERS`, each with the audiences that count here.

    A list of keys stands for the client id of each.
    """
    named = settings.BEARER_PROVIDERS
    if not isinstance(named, Mapping):
        return {key: (get_provider(key).client_id,) for key in named}
    return {key: (audience,) if isinstance(audience, str) else tuple(audience) for key, audience in named.items()}


@sensitive_variables()
def judge(raw: str) -> AccessToken:
    """Return what a token stands for, or raise `AccessTokenInvalid` (`ProviderUnavailable`: nobody can tell now)."""
    try:
        with translated(), time_budget(MAX_TIMEOUT):
            issuer = unverified_issuer(raw)
            return _introspected(raw) if issuer is None else _verified(raw, issuer)
    except ProviderUnknown as error:
        raise AccessTokenInvalid("provider") from error


@sensitive_variables()
def user_of(token: AccessToken, *, backend: Backend) -> AbstractBaseUser:
    """Return the user whom the token's person has connected to, by every rule for who may come in, or raise 401/403."""
    return _user_of_identity(
        get_provider(token.provider_key), token.issuer, token.subject, token.claims, backend=backend
    )


@sensitive_variables()
def user_of_userinfo(backend: Backend, access_token: str) -> AbstractBaseUser:
    """Return whose access token it is by userinfo, as upstream's class for APIs asks: it shows a token alone.

    The first provider of `OIDC_LOGIN_BEARER_PROVIDERS` is asked; a token signs nobody up and links nothing.
    """
    key = next(iter(settings.BEARER_PROVIDERS), None)
    if key is None:
        raise RefusedBySite("no_flow")
    provider = backend.provider = get_provider(key)
    backend.oauth_token = OAuthToken(access_token)
    with translated(), time_budget(MAX_TIMEOUT):
        claims = _userinfo(provider, access_token, backend=backend)
        issuer = provider.get_identity_issuer({})
    subject = claims.get("sub")
    if not is_subject(subject):
        raise UserInfoInvalid("sub")
    return _user_of_identity(provider, issuer, str(subject), claims, backend=backend)


@sensitive_variables()
def _userinfo(provider: OAuthProvider, access_token: str, *, backend: Backend) -> Mapping[str, Any]:
    """Ask for user info, but not again and again with tokens that the provider does not know."""
    refused = refused_by(provider)
    if refused.includes(access_token):
        raise UserInfoInvalid("access_token")
    refused.check()
    try:
        claims: Mapping[str, Any] = backend.get_userinfo(access_token, "", {})
    except (protocol.UserInfoInvalid, UserInfoInvalid):
        refused.add(access_token)
        raise
    return claims


@sensitive_variables()
def _user_of_identity(
    provider: OAuthProvider, issuer: str, subject: str, claims: Mapping[str, Any], *, backend: Backend
) -> AbstractBaseUser:
    identity = Identity(
        provider_key=provider.key, issuer=issuer, subject=subject, email="", email_verified=False, claims={}
    )
    connection = OAuthConnection.objects.find(identity)
    if connection is None:
        raise AccessTokenInvalid("no_connection")
    return admit_known(connection, claims, provider=provider, backend=backend)


@sensitive_variables()
def _verified(raw: str, issuer: str) -> AccessToken:
    """Verify a JWT with the keys of the provider that it names, if it may issue tokens here (RFC 9068 4)."""
    for key, audiences in bearer_providers().items():
        provider = _openid_provider(key)
        if issuer in provider.get_possible_issuers():
            return _token(provider, provider.verify_access_token(raw, audiences=audiences))
    raise AccessTokenInvalid("iss")


@sensitive_variables()
def _introspected(raw: str) -> AccessToken:
    """Ask the first of the providers: an opaque token does not say whose it is, and goes to nobody else."""
    key, audiences = next(iter(bearer_providers().items()), ("", ()))
    provider = _openid_provider(key)
    claims = _introspection(provider, raw)
    check_introspected(
        claims,
        issuer=provider.get_issuer(),
        client_id=provider.client_id,
        audiences=audiences,
        now=time.time(),
        leeway=provider.leeway,
    )
    return _token(provider, claims)


@sensitive_variables()
def _introspection(provider: OIDCProvider, raw: str) -> dict[str, Any]:
    """Return the provider's answer, remembered for as long as an active token may live."""
    cache, name = SharedValues(), f"oidc_login.introspected.{provider.key}.{_hash(provider.client_id, raw)}"
    known = cache.get(name)
    if isinstance(known, dict):
        return known
    answer = _asked(provider, raw)
    expires_at = answer.get("exp")
    if answer.get("active") is True and isinstance(expires_at, int):
        lifetime = min(LONGEST_MEMORY, expires_at - int(time.time()))
        if lifetime > 0:
            cache.set(name, answer, timeout=lifetime)
    return answer


@sensitive_variables()
def _asked(provider: OIDCProvider, raw: str) -> dict[str, Any]:
    """Ask the provider, but not again and again about tokens that it does not know."""
    refused = refused_by(provider)
    if refused.includes(raw):
        return {"active": False}
    refused.check()
    try:
        answer = provider.introspect_token(raw)
    except InvalidAccessToken:
        refused.add(raw)
        raise
    if answer.get("active") is not True:
        refused.add(raw)
    return answer


def _hash(client_id: str, raw: str) -> str:
    return hashlib.sha256(f"{client_id}\n{raw}".encode("utf-8", "surrogatepass")).hexdigest()


def _openid_provider(key: str) -> OIDCProvider:
    provider = get_provider(key)
    if not isinstance(provider, OIDCProvider):
        raise AccessTokenInvalid("provider")
    return provider


@sensitive_variables()
def _token(provider: OIDCProvider, claims: Mapping[str, Any]) -> AccessToken:
    return AccessToken(
        provider_key=provider.key,
        issuer=provider.get_identity_issuer(claims),
        subject=claims["sub"],
        scopes=provider.granted_scopes(scopes_of(claims)),
        claims=claims,
    )
