"""Verifies an access token: its issuer, its audience, and that it is not another kind of token."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.entries import BearerEntry, bearer_entries, entry_of_jwt, entry_of_opaque, own_clients
from oidc_login.access_tokens.introspection import introspect
from oidc_login.access_tokens.values import AccessToken
from oidc_login.exceptions import AccessTokenInvalid, translated
from oidc_login.protocol.access_token import UnverifiedAccessToken, check_introspected
from oidc_login.protocol.errors import InvalidAccessToken
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.protocol.id_token import is_subject
from oidc_login.protocol.token_profiles import first_text, roles_of, scopes_of


@sensitive_variables()
def judge(raw: str, *, providers: Collection[str] = ()) -> tuple[AccessToken, BearerEntry]:
    """Return a verified token, or raise `AccessTokenInvalid` or, if it could not be verified, `ProviderUnavailable`.

    `providers` are the keys that a view accepts; if empty, all providers in the setting.
    """
    with translated(), time_budget(MAX_TIMEOUT):
        entry, claims, issuer = _claims_of(raw, list(bearer_entries(providers)))
        return _token(entry, claims, issuer), entry


@sensitive_variables()
def _claims_of(raw: str, entries: Collection[BearerEntry]) -> tuple[BearerEntry, Mapping[str, Any], str]:
    """Return the entry of the token's provider, the claims, and the issuer as stored with identities."""
    unverified = UnverifiedAccessToken.parse(raw)
    if unverified is None:
        entry = entry_of_opaque(entries)
        return entry, _introspected(raw, entry), ""
    entry = entry_of_jwt(unverified, entries)
    if entry.introspects(unverified.token_type):
        return entry, _introspected(raw, entry), ""
    if unverified.token_type not in entry.profile.types:
        raise AccessTokenInvalid("typ")
    clients = own_clients() if entry.profile.excludes_clients else ()
    verified = entry.provider.verify_access_token(
        raw, audiences=entry.audiences, profile=entry.profile, own_clients=clients
    )
    return entry, verified.claims, verified.issuer


@sensitive_variables()
def _introspected(raw: str, entry: BearerEntry) -> Mapping[str, Any]:
    """Return the claims from the introspection response for a token (RFC 7662 4)."""
    provider = entry.provider
    claims = answer_about(raw, entry)
    check_introspected(
        claims,
        issuer=provider.get_issuer(),
        client_id=provider.client_id,
        audiences=entry.audiences,
        profile=entry.profile,
        now=time.time(),
        leeway=provider.leeway,
    )
    return claims


@sensitive_variables()
def answer_about(raw: str, entry: BearerEntry) -> Mapping[str, Any]:
    """Return what the provider says of a token, not judged yet."""
    provider = entry.provider
    ask = provider.request_tokeninfo if entry.profile.way == "tokeninfo" else provider.introspect_token
    return introspect(provider, raw, ask)


@sensitive_variables()
def _token(entry: BearerEntry, claims: Mapping[str, Any], issuer: str) -> AccessToken:
    provider, profile = entry.provider, entry.profile
    client_id = first_text(claims, profile.client_claims)
    if entry.authorized_parties and client_id not in entry.authorized_parties:
        raise AccessTokenInvalid("client")
    is_application = profile.is_application(claims)
    return AccessToken(
        provider_key=provider.key,
        issuer=provider.get_identity_issuer({**claims, "iss": issuer} if issuer else claims),
        subject=subject_of(claims, entry),
        scopes=provider.granted_scopes(scopes_of(claims, profile.scope_claims)),
        roles=roles_of(claims, profile, entry.audiences),
        client_id=client_id,
        is_application=is_application,
        claims=claims,
    )


def subject_of(claims: Mapping[str, Any], entry: BearerEntry) -> str:
    """Return the person's identifier from the claim in the setting, or from that of the profile."""
    names = (entry.subject,) if entry.subject else entry.profile.subject_claims
    subject = first_text(claims, names)
    if not is_subject(subject) or not is_subject(claims.get("sub")):
        raise InvalidAccessToken("sub")
    if entry.subject == "oid" and not is_subject(claims.get("tid")):
        raise InvalidAccessToken("tid")
    return subject
