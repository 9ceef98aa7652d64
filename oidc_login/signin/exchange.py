"""The steps of a sign-in that need the provider: exchange the code, verify the ID token, identify the person."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import settings
from oidc_login.exceptions import StepUpFailed, UserInfoInvalid
from oidc_login.flow.pending import Flow
from oidc_login.models import OAuthConnection
from oidc_login.protocol.authorization import AuthorizationResponse
from oidc_login.protocol.errors import ProviderUnavailable
from oidc_login.protocol.id_token import is_subject
from oidc_login.providers.answers import http_answers
from oidc_login.providers.base import OAuthProvider
from oidc_login.signin.claims import Identity, clean_email
from oidc_login.signin.groups_claim import without_answer
from oidc_login.signin.transaction import read_with_retry
from oidc_login.signin.values import Backend, Person, Verified

logger = logging.getLogger(__name__)

CLAIMS_HOOKS = (
    "verify_claims",
    "filter_users_by_claims",
    "create_user",
    "update_user",
    "get_username",
    "describe_user_by_claims",
)
UNSIGNED_CLAIMS = ("name", "given_name", "family_name")


@sensitive_variables()
def exchange_and_verify(
    backend: Backend, request: HttpRequest, *, flow: Flow, response: AuthorizationResponse
) -> Verified:
    """Exchange and verify the response, through the hooks `get_token` and `verify_token`."""
    provider = backend.provider
    token = backend.exchange(response.code)
    token.scope = provider.narrowed_scope(token.scope, response.further)
    backend.oauth_token = token
    id_claims = backend.verify()
    check_authentication_context(flow, provider, id_claims)
    return Verified(
        request=request,
        flow=flow,
        provider=provider,
        token=token,
        id_claims=id_claims,
        unsigned_names=read_unsigned_names(provider, response),
    )


def check_authentication_context(flow: Flow, provider: OAuthProvider, id_claims: Mapping[str, Any]) -> None:
    """The sign-in must be as strong as this flow, or else the provider's settings, requested (Core 5.5.1.1)."""
    requested = str(flow.parameters.get("acr_values", "")).split()
    wanted = requested or provider.get_essential_acr_values()
    if wanted and id_claims.get("acr") not in wanted:
        raise StepUpFailed("acr")


def read_unsigned_names(provider: OAuthProvider, response: AuthorizationResponse) -> dict[str, Any]:
    """Return the names that came through the browser. Nothing else is used from there, because nobody signed it."""
    sent = provider.claims_from_response(response.further)
    return {name: value for name, value in sent.items() if name in UNSIGNED_CLAIMS}


# Who it is.


@sensitive_variables()
def identify(verified: Verified, claims: Mapping[str, Any], id_claims: Mapping[str, Any]) -> Identity:
    """Return the identity: that of the ID token if there is one, also if a hook changed the claims."""
    provider = verified.provider
    subject = id_claims["sub"] if id_claims else claims.get("sub")
    if not is_subject(subject):
        raise UserInfoInvalid("sub")
    email = clean_email(claims.get("email"))
    return Identity(
        provider_key=provider.key,
        issuer=provider.get_identity_issuer(id_claims),
        subject=str(subject),
        alternate_id=alternate_id_of(provider, id_claims),
        email=email,
        email_verified=bool(email) and provider.is_email_verified(claims),
        claims={**verified.unsigned_names, **claims},
    )


@sensitive_variables()
def identify_person(backend: Backend, verified: Verified, id_claims: dict[str, Any]) -> Person:
    """Return the person of the sign-in; userinfo is requested if the ID token does not say enough."""
    connection = None
    if id_claims:
        backend.identity = identify(verified, id_claims, id_claims)
        connection = find_connection(backend.identity)
    is_complete = bool(id_claims and backend.identity.email)
    if verified.can_ask_userinfo and needs_userinfo(backend, id_claims, is_known=connection is not None):
        try:
            request_all_claims(backend, verified, id_claims)
            is_complete = True
        except ProviderUnavailable as error:
            if connection is None or needs_userinfo(backend, id_claims, is_known=True, wanted=settings.CLAIMS):
                raise
            continue_without_userinfo(backend, error)
    if not id_claims:
        connection = find_connection(backend.identity)
    return Person(identity=backend.identity, is_complete=is_complete, connection=connection)


@sensitive_variables()
def find_connection(identity: Identity) -> OAuthConnection | None:
    """Return the connection of an identity: the first read after the requests to the provider."""
    return read_with_retry(lambda: OAuthConnection.objects.find(identity))


def continue_without_userinfo(backend: Backend, error: ProviderUnavailable) -> None:
    """Let a known person sign in without the claims that only groups and profile need."""
    identity, provider = backend.identity, backend.provider
    logger.warning("userinfo unavailable: reason=%s provider=%s", error.reason, provider.key)
    backend.identity = replace(identity, claims=without_answer(identity.claims, provider))


def needs_userinfo(
    backend: Backend, id_claims: Mapping[str, Any], *, is_known: bool, wanted: Sequence[str] | None = None
) -> bool:
    """Whether a rule, a setting or a hook needs more than the ID token says."""
    provider = backend.provider
    if backend.overrides(*CLAIMS_HOOKS) and provider.has_userinfo():
        return True
    if backend.overrides("get_userinfo") and getattr(provider, "userinfo", "") != "never":
        return True
    if wanted is None:
        wanted = [*settings.CLAIMS, *provider.wanted_claims()]
    return provider.needs_userinfo(id_claims, is_known=is_known, wanted=wanted)


@sensitive_variables()
def request_all_claims(backend: Backend, verified: Verified, id_claims: dict[str, Any]) -> None:
    """Request all claims about the person, and set the identity from them."""
    with http_answers():
        claims = backend.get_userinfo(verified.token.access_token, verified.token.id_token, id_claims)
    backend.identity = identify(verified, claims, id_claims)


def alternate_id_of(provider: OAuthProvider, claims: Mapping[str, Any]) -> str:
    """Return the second identifier that verified claims hold, "" where the provider has none.

    It means something under the issuer of the identity, which names the tenant.
    """
    name = alternate_claim_of(provider)
    value = claims.get(name) if name else None
    return str(value) if is_subject(value) else ""


def alternate_claim_of(provider: OAuthProvider) -> str:
    """Return the claim that the site's APIs know people by, or else the one of the provider's class."""
    named = settings.BEARER_PROVIDERS
    entry = named.get(provider.key) if isinstance(named, Mapping) else None
    subject = entry.get("subject") if isinstance(entry, Mapping) else None
    return str(subject) if subject and subject != "sub" else provider.alternate_claim
