"""Finds the account for an access token: a known person's, or the one that the site has assigned to a client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import router
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.entries import BearerEntry
from oidc_login.access_tokens.one_at_a_time import one_at_a_time
from oidc_login.access_tokens.values import AccessToken
from oidc_login.conf import settings
from oidc_login.exceptions import AccessTokenInvalid, RefusedBySite, UserInfoInvalid, translated
from oidc_login.models import OAuthConnection
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.protocol.id_token import is_subject
from oidc_login.protocol.token_profiles import first_text
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.registry import get_provider
from oidc_login.signin.admission import admit_client, admit_known
from oidc_login.signin.by_token import sign_up_by_token
from oidc_login.signin.claims import Identity
from oidc_login.signin.values import Backend
from oidc_login.tokens.refused import refused_by


@sensitive_variables()
def account_of(
    token: AccessToken, entry: BearerEntry, *, raw: str, request: HttpRequest, backend: Backend
) -> tuple[AbstractBaseUser, AccessToken]:
    """Return the user of a token after applying all admission rules, or raise 401 or 403."""
    known = known_account_of(token, entry, backend=backend)
    return _new_account(token, entry, raw=raw, request=request, backend=backend) if known is None else known


@sensitive_variables()
def known_account_of(
    token: AccessToken, entry: BearerEntry, *, backend: Backend
) -> tuple[AbstractBaseUser, AccessToken] | None:
    """Do the same for whom the site knows already; `None` for a person who comes for the first time."""
    if token.is_application:
        return _user_of_client(token, entry, backend=backend), token
    connection = find_connection(token, entry)
    if connection is None:
        return None
    user = admit_known(connection, token.claims, provider=entry.provider, backend=backend)
    return user, replace(token, connection=connection)


# People.


@sensitive_variables()
def find_connection(token: AccessToken, entry: BearerEntry) -> OAuthConnection | None:
    """Return the person's connection, found by the claim in the setting, or else by those of the profile."""
    if uses_alternate_id(entry):
        return OAuthConnection.objects.find_whole(identity_of(token, subject="", alternate_id=token.subject))
    others = () if entry.subject else entry.profile.subject_claims[1:]
    for subject in (token.subject, *(first_text(token.claims, [name]) for name in others)):
        connection = OAuthConnection.objects.find_whole(identity_of(token, subject=subject)) if subject else None
        if connection is not None:
            return connection
    return None


def uses_alternate_id(entry: BearerEntry) -> bool:
    """Whether people are identified by a claim other than `sub`, which Entra generates per application."""
    return entry.subject not in ("", "sub")


def identity_of(token: AccessToken, *, subject: str, alternate_id: str = "") -> Identity:
    """Return the identity of a person, including what the claims say about the address."""
    return Identity(
        provider_key=token.provider_key,
        issuer=token.issuer,
        subject=subject,
        alternate_id=alternate_id,
        email="",
        email_verified=False,
        claims={},
    )


@sensitive_variables()
def _new_account(
    token: AccessToken, entry: BearerEntry, *, raw: str, request: HttpRequest, backend: Backend
) -> tuple[AbstractBaseUser, AccessToken]:
    """Return a new person's account, if the entry allows sign-up by token.

    A program may send many requests at the same time. One of them creates the account, and the others find it.
    """
    if not entry.signup:
        raise AccessTokenInvalid("no_connection")
    with one_at_a_time(f"oidc_login.signup.{token.provider_key}.{token.issuer}.{token.subject}"):
        known = known_account_of(token, entry, backend=backend)
        if known is not None:
            return known
        signed_in = sign_up_by_token(
            backend,
            request,
            provider=entry.provider,
            claims=claims_of_identity(token, entry),
            access_token=raw,
            may_ask_userinfo=is_for_userinfo(token, entry),
        )
    return signed_in.user, replace(token, connection=signed_in.connection)


def claims_of_identity(token: AccessToken, entry: BearerEntry) -> dict[str, Any]:
    """Return the claims as in a sign-in, with the stored form of issuer and subject."""
    subject = token.claims.get("sub") if uses_alternate_id(entry) else token.subject
    claims = {**token.claims, "iss": token.issuer, "sub": subject}
    if entry.profile.email_owner and not is_true(claims.get(entry.profile.email_owner)):
        claims.pop("email_verified", None)
    return claims


def is_true(value: object) -> bool:
    return value is True or value in ("1", "true")


def is_for_userinfo(token: AccessToken, entry: BearerEntry) -> bool:
    """Whether the userinfo endpoint is an audience of the token; sending other tokens to it would be misuse."""
    audience = token.claims.get("aud")
    if audience is None:
        return "openid" in token.scopes
    named = audience if isinstance(audience, list) else [audience]
    return entry.provider.userinfo_endpoint in named or token.issuer in named


# Clients that act for themselves.


@sensitive_variables()
def _user_of_client(token: AccessToken, entry: BearerEntry, *, backend: Backend) -> AbstractBaseUser:
    """Return the user that the site has assigned to this client."""
    username = entry.clients.get(token.client_id)
    if not token.client_id or not username:
        raise AccessTokenInvalid("client")
    model: Any = get_user_model()
    manager = model._default_manager.db_manager(router.db_for_write(model))
    try:
        user = manager.get_by_natural_key(username)
    except model.DoesNotExist as error:
        raise AccessTokenInvalid("client_user") from error
    if user.get_username() != username:  # some collations match more than that
        raise AccessTokenInvalid("client_user")
    return admit_client(user, token.claims, provider=entry.provider, backend=backend)


# For the API class of mozilla-django-oidc.


@sensitive_variables()
def user_of_userinfo(backend: Backend, access_token: str) -> AbstractBaseUser:
    """Return the owner of an access token from userinfo, because upstream's API class only passes the token.

    The request goes to the first provider in `OIDC_LOGIN_BEARER_PROVIDERS`. It creates and links no accounts.
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
    identity = Identity(
        provider_key=key, issuer=issuer, subject=str(subject), email="", email_verified=False, claims={}
    )
    connection = OAuthConnection.objects.find_whole(identity)
    if connection is None:
        raise AccessTokenInvalid("no_connection")
    return admit_known(connection, claims, provider=provider, backend=backend)


@sensitive_variables()
def _userinfo(provider: OAuthProvider, access_token: str, *, backend: Backend) -> Mapping[str, Any]:
    """Request userinfo, but not repeatedly for tokens that the provider does not know."""
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
