"""Taking tokens back: at the provider (RFC 7009), then here."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.views.decorators.debug import sensitive_variables

from oidc_login.exceptions import ConnectionRemoved, OAuthError, ProviderUnavailable, from_protocol
from oidc_login.models import ENCRYPTED_FIELDS, TOKEN_FIELDS, OAuthConnection, Status
from oidc_login.models.fields import TokenKeyError
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider, OAuthToken
from oidc_login.signin.admission import is_active
from oidc_login.tokens.common import alias_of, provider_of

logger = logging.getLogger(__name__)


@sensitive_variables()
def revoke(connection: OAuthConnection) -> None:
    """Take the tokens back at the provider (RFC 7009) and forget them; the identity stays connected."""
    provider = provider_of(connection)
    for _ in range(3):
        try:
            connection.refresh_from_db(using=alias_of(connection), fields=ENCRYPTED_FIELDS)
        except OAuthConnection.DoesNotExist as error:
            raise ConnectionRemoved from error
        try:
            end_token(provider, connection.oauth_token)
        except protocol.ProtocolError as error:
            raise from_protocol(error) from error
        if forget(connection):
            return
    raise ProviderUnavailable("refresh_overtaken")


@sensitive_variables()
def forget(connection: OAuthConnection) -> bool:
    """Keep the identity alone, unless there are newer tokens, which were not revoked yet."""
    alias = alias_of(connection)
    same = Q(**{name: connection.__dict__[name] for name in ENCRYPTED_FIELDS})
    gone = copy.copy(connection)
    gone.forget_tokens()
    gone.status = Status.REVOKED
    names = [*TOKEN_FIELDS, "status", "updated_at"]
    rows = OAuthConnection._base_manager.using(alias).filter(pk=connection.pk)
    if not gone.update_row(names, same, using=alias) and rows.exists():
        return False
    connection.__dict__.update({name: gone.__dict__[name] for name in names})
    return True


@sensitive_variables()
def end_token(provider: OAuthProvider, token: OAuthToken) -> None:
    """Ask the provider to end the tokens, if there are any."""
    if token.access_token or token.refresh_token:
        with time_budget(MAX_TIMEOUT), answers_of(provider):
            provider.revoke_oauth_token(oauth_token=token)


@sensitive_variables()
def try_to_end_token(provider: OAuthProvider, token: OAuthToken) -> None:
    """Do the same where nothing depends on it."""
    try:
        end_token(provider, token)
    except (protocol.ProtocolError, OAuthError) as error:
        logger.warning("a token was not revoked at %s: %s", provider.key, type(error).__name__)


@sensitive_variables()
def revoke_all(found: QuerySet[OAuthConnection]) -> list[OAuthConnection]:
    """Revoke each; return those where that did not work."""
    failed = []
    for connection in found.iterator():
        try:
            connection.revoke()
        except (OAuthError, TokenKeyError) as error:
            logger.warning("a token was not revoked at %s: %s", connection.provider_key, type(error).__name__)
            failed.append(connection)
    return failed


def revoke_when_deactivated(
    sender: object,
    *,
    instance: Any,
    created: bool,
    raw: bool,
    using: str,
    update_fields: Iterable[str] | None,
    **kwargs: Any,
) -> None:
    """Take back the tokens of a user who was saved as not active (`post_save` of the user model)."""
    if created or raw or is_active(instance) or (update_fields is not None and "is_active" not in update_fields):
        return
    transaction.on_commit(lambda: OAuthConnection.objects.revoke_for(instance), using=using)
