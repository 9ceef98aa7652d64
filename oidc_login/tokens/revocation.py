"""Revoking tokens at the provider (RFC 7009), then forgetting them here."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.views.decorators.debug import sensitive_variables

from oidc_login.choices import Status
from oidc_login.exceptions import ConnectionRemoved, OAuthError, ProviderUnavailable, translated
from oidc_login.fields import ENCRYPTED_FIELDS, TOKEN_FIELDS, TokenKeyError
from oidc_login.protocol import errors as protocol
from oidc_login.protocol.http.client import MAX_TIMEOUT, time_budget
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.tokens.rows import alias_of, model_of, provider_of, row_of

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)


@sensitive_variables()
def revoke(connection: OAuthConnection) -> None:
    """Revoke the tokens at the provider (RFC 7009) and forget them; the identity stays connected."""
    provider = provider_of(connection)
    for _ in range(3):
        try:
            connection.refresh_from_db(using=alias_of(connection), fields=ENCRYPTED_FIELDS)
        except model_of(connection).DoesNotExist as error:
            raise ConnectionRemoved from error
        with translated():
            revoke_token(provider, connection.oauth_token)
        if forget(connection):
            return
    raise ProviderUnavailable("refresh_overtaken")


@sensitive_variables()
def forget(connection: OAuthConnection) -> bool:
    """Remove the tokens from the row; `False` if newer ones have been stored, which are not revoked yet."""
    unchanged = Q(**{name: connection.__dict__[name] for name in ENCRYPTED_FIELDS})
    emptied = copy.copy(connection)
    emptied.forget_tokens()
    emptied.status = Status.REVOKED
    names = [*TOKEN_FIELDS, "status", "updated_at"]
    if not emptied.update_row(names, unchanged, using=alias_of(connection)) and row_of(connection).exists():
        return False
    connection.__dict__.update({name: emptied.__dict__[name] for name in names})
    return True


@sensitive_variables()
def revoke_token(provider: OAuthProvider, token: OAuthToken) -> None:
    """Ask the provider to revoke the tokens, if there are any."""
    if token.access_token or token.refresh_token:
        with time_budget(MAX_TIMEOUT), answers_of(provider):
            provider.revoke_oauth_token(oauth_token=token)


@sensitive_variables()
def try_to_revoke(provider: OAuthProvider, token: OAuthToken) -> None:
    """Do the same; a failure is only logged."""
    try:
        revoke_token(provider, token)
    except (protocol.ProtocolError, OAuthError) as error:
        logger.warning("revocation failed: %s provider=%s", type(error).__name__, provider.key)


@sensitive_variables()
def revoke_all(found: QuerySet[OAuthConnection]) -> list[OAuthConnection]:
    """Revoke the tokens of each; return the connections where that failed."""
    failed = []
    for connection in found.iterator():
        try:
            connection.revoke()
        except (OAuthError, TokenKeyError) as error:
            logger.warning("revocation failed: %s provider=%s", type(error).__name__, connection.provider_key)
            failed.append(connection)
    return failed
