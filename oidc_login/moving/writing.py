"""Writes the planned connections: in pages, encrypted, each with a record of its run."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import settings
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import stored_moment
from oidc_login.models import ImportedConnection, ImportRun, LinkReason, OAuthConnection, Status
from oidc_login.moving.accounts import OldAccount
from oidc_login.moving.plan import Decided
from oidc_login.moving.targets import Target
from oidc_login.signin.claims import clean_email, storable, text
from oidc_login.tokens.database import bounded_locks

logger = logging.getLogger(__name__)


def write(planned: Sequence[Decided], *, run: ImportRun, alias: str) -> set[int]:
    """Write connections in one transaction, or one by one if that fails; return the positions of those not written."""
    try:
        with transaction.atomic(using=alias), bounded_locks(alias):
            insert(planned, run=run, alias=alias)
    except (*STORE_FAULTS, IntegrityError) as error:
        logger.info("importing a page failed, continuing account by account: error=%s", type(error).__name__)
    else:
        return set()
    return {position for position, one in enumerate(planned) if not write_one(one, run=run, alias=alias)}


def write_one(one: Decided, *, run: ImportRun, alias: str) -> bool:
    """Write one connection; return `False` if another request created it first or holds a lock for too long."""
    try:
        with transaction.atomic(using=alias), bounded_locks(alias):
            insert([one], run=run, alias=alias)
    except (*STORE_FAULTS, IntegrityError):
        return False
    return True


@sensitive_variables()
def insert(planned: Sequence[Decided], *, run: ImportRun, alias: str) -> None:
    """Insert connections and their records, without changing existing rows."""
    connections = [made_connection(one) for one in planned]
    OAuthConnection._base_manager.using(alias).bulk_create(connections)
    keys = [connection.pk for connection in connections]
    if None in keys:  # a database that does not return the keys from a bulk insert
        keys = keys_of(connections, alias=alias)
    ImportedConnection._base_manager.using(alias).bulk_create(
        ImportedConnection(run=run, connection=key, written_at=connection.updated_at)
        for key, connection in zip(keys, connections, strict=True)
    )


def keys_of(connections: Sequence[OAuthConnection], *, alias: str) -> list[int]:
    """Return the primary keys of connections that have just been written."""
    rows = OAuthConnection._base_manager.using(alias)
    found: dict[tuple[str, str, str], int] = {}
    for provider_key in {connection.provider_key for connection in connections}:
        subjects = [one.provider_user_id for one in connections if one.provider_key == provider_key]
        here = rows.filter(provider_key=provider_key, provider_user_id__in=subjects)
        for key, issuer, subject in here.values_list("pk", "issuer", "provider_user_id"):
            found[provider_key, issuer or "", subject] = key
    return [found[one.provider_key, one.issuer, one.provider_user_id] for one in connections]


@sensitive_variables()
def made_connection(one: Decided) -> OAuthConnection:
    """Return the unsaved connection of an account; saving it encrypts its tokens."""
    account, target = one.account, one.target
    if target is None:
        raise ValueError(one.outcome)
    email = clean_email(account.claims.get("email"))
    connection = OAuthConnection(
        user_id=account.user_key,
        provider_key=target.key,
        issuer=one.issuer,
        provider_user_id=one.subject,
        alternate_id=account.alternate_id,
        email=email,
        email_verified=bool(email) and is_stated_verified(account, target),
        claims=storable(account.claims, wanted=[*settings.CLAIMS, *target.provider.kept_claims]),
        link_reason=LinkReason.IMPORTED,
        status=Status.OK,
        last_login_at=stored_moment(account.last_login_at),
    )
    if takes_tokens(account, target) and (tokens := account.tokens) is not None:
        connection.access_token = tokens.access_token
        connection.refresh_token = tokens.refresh_token
        connection.access_token_expires_at = stored_moment(tokens.access_token_expires_at)
        connection.refresh_token_expires_at = stored_moment(tokens.refresh_token_expires_at)
        connection.scope = text({"scope": tokens.scope}, "scope")
    return connection


def is_stated_verified(account: OldAccount, target: Target) -> bool:
    """Whether the claims that the other package stored say that the address is verified."""
    return account.claims.get("email_verified") is True and target.provider.can_verify_email()


def takes_tokens(account: OldAccount, target: Target) -> bool:
    """Whether the tokens of an account can be used here: the same client, and a format that our provider supports."""
    if account.tokens is None or not account.tokens.access_token:
        return False
    if not target.provider.store_tokens or not target.counterpart.takes_tokens:
        return False
    return account.client_id in ("", target.provider.get_client_id())
