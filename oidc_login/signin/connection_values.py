"""What a connection keeps of a sign-in: email address, claims, groups and tokens. Saving it is in `write`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import router
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import settings
from oidc_login.fields import REFRESH_TOKEN_FIELDS
from oidc_login.models import OAuthConnection
from oidc_login.protocol.id_token import auth_time_of
from oidc_login.signin.claims import storable
from oidc_login.signin.groups_claim import kept, with_groups_of, without_answer
from oidc_login.signin.values import Person, Verified


class ConnectionChanged(Exception):
    """Another request made or removed the connection, or removed its user, since they were read."""


@sensitive_variables()
def fill_connection(connection: OAuthConnection, verified: Verified, person: Person) -> None:
    """Set what the provider said in this sign-in."""
    provider, identity = verified.provider, person.identity
    if person.is_complete or connection.pk is None:
        connection.email, connection.email_verified = identity.email, identity.email_verified
        connection.claims = claims_to_keep(connection, verified, person)
    elif provider.groups_paths:
        named = claims_naming_groups(connection, verified, person)
        connection.claims = with_groups_of(named, provider, stored=stored_claims(connection, verified))
    connection.last_login_at = timezone.now()
    if identity.alternate_id:
        connection.alternate_id = identity.alternate_id
    if connection.provider_user_id != identity.subject:  # found by the other identifier
        connection.forget_tokens()  # they are encrypted for the identity that they came with
        connection.provider_user_id = identity.subject
    if provider.store_tokens and verified.flow.purpose != "token":
        keep_token(connection, verified)
    else:
        connection.forget_tokens()


@sensitive_variables()
def claims_to_keep(connection: OAuthConnection, verified: Verified, person: Person) -> dict[str, Any]:
    """Return the claims to store, with those from before that the provider sends only once."""
    provider, stored = verified.provider, stored_claims(connection, verified)
    sent_once = {name: stored.get(name) for name in provider.claims_told_once}
    judged = kept(claims_naming_groups(connection, verified, person), provider, previous=stored)
    return storable({**sent_once, **person.identity.claims}, wanted=names_of_kept_claims(verified), judged=judged)


@sensitive_variables()
def keep_token(connection: OAuthConnection, verified: Verified) -> None:
    """Set the tokens, with what a refreshed ID token is compared with later (Core 12.2), if there was one."""
    claims = verified.id_claims if verified.token.id_token else {}
    connection.set_token(
        verified.token,
        nonce=verified.flow.nonce,
        auth_time=auth_time_of(claims),
        had_azp="azp" in claims if claims else None,
    )


def reads_stored_claims(verified: Verified) -> bool:
    """Whether the provider's settings need the claims of the sign-in before."""
    return bool(verified.provider.groups_paths or verified.provider.claims_told_once)


def stored_claims(connection: OAuthConnection, verified: Verified) -> Mapping[str, Any]:
    """Return the claims that the connection has stored, read only if the provider's settings need them."""
    if connection._state.adding or not reads_stored_claims(verified):
        return {}
    if "claims" in connection.get_deferred_fields():
        try:
            connection.refresh_from_db(using=router.db_for_write(OAuthConnection), fields=["claims"])
        except OAuthConnection.DoesNotExist:
            raise ConnectionChanged from None
    stored: Mapping[str, Any] = connection.claims
    return stored


def claims_naming_groups(connection: OAuthConnection, verified: Verified, person: Person) -> Mapping[str, Any]:
    """Return the claims whose groups are kept. A connect grants no rights, so it keeps the groups that did."""
    is_repeated = verified.flow.purpose == "connect" and connection.pk is not None
    return without_answer({}, verified.provider) if is_repeated else person.identity.claims


def written_fields(verified: Verified, person: Person) -> list[str]:
    """Return the fields that a repeat sign-in writes; without a new refresh token the stored one is kept."""
    written = ["last_login_at", "updated_at"]
    if person.is_complete:
        written += ["email", "email_verified", "claims"]
    elif verified.provider.groups_paths:
        written.append("claims")
    written += ["access_token", "access_token_expires_at", "scope", "status"]
    if person.identity.alternate_id:
        written.append("alternate_id")
    if verified.token.refresh_token or not verified.provider.store_tokens:
        written += REFRESH_TOKEN_FIELDS
    return written


def names_of_kept_claims(verified: Verified) -> list[str]:
    """Return the claims that are kept in addition to the standard ones."""
    return [*settings.CLAIMS, *verified.provider.kept_claims]
