"""What refreshing, calling an API and revoking share: the connection's provider, its row, and how its events are sent.

The functions work on the connection they are given; this package does not import the models.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import router, transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from oidc_login.exceptions import Inactive, ProviderGone, ProviderUnknown
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider
from oidc_login.user_model import is_active

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger(__name__)


def model_of(connection: OAuthConnection) -> type[OAuthConnection]:
    """Return the model of a connection, also for an instance of a site's proxy model."""
    return connection._meta.concrete_model  # type: ignore[return-value]  # None only for a model without a table


def alias_of(connection: OAuthConnection) -> str:
    """Return the database that connections are written to; a replica may not have the newest tokens yet."""
    return router.db_for_write(model_of(connection), instance=connection)


def row_of(connection: OAuthConnection) -> QuerySet[OAuthConnection]:
    """Return the queryset of a connection's own row, in the database that it is written to."""
    return model_of(connection)._base_manager.using(alias_of(connection)).filter(pk=connection.pk)


def provider_of(connection: OAuthConnection) -> OAuthProvider:
    """Return the provider, or raise `ProviderGone` if the settings no longer name it.

    The tokens are never sent to a different provider that has the same key now. A row from before identities were
    bound to their server has no issuer; its tokens keep working until `oidc_login_move_issuer` has set one.
    """
    try:
        provider = get_provider(connection.provider_key)
    except ProviderUnknown as error:
        raise ProviderGone(connection.provider_key) from error
    if connection.issuer and not provider.is_possible_issuer(connection.issuer):
        raise ProviderGone(f"{connection.provider_key} has another issuer now")
    return provider


def check_active(connection: OAuthConnection) -> None:
    """Refuse to use the tokens of a user who was deactivated."""
    if not is_active(connection.user):
        raise Inactive("the account of this connection is not active")


def send_event(signal: Signal, connection: OAuthConnection, reason: str, *, alias: str | None) -> None:
    """Log an event of the tokens and send its signal, once the open transaction of database `alias` is committed.

    Without an alias that happens now.
    """

    def send() -> None:
        about = {"provider": connection.provider_key, "connection": connection.pk, "reason": reason}
        event = "sign-in needed to renew the tokens" if reason else "tokens refreshed"
        logger.info(
            "%s: connection=%s provider=%s %s", event, connection.pk, connection.provider_key, reason, extra=about
        )
        more = {"reason": reason} if reason else {}
        sender = model_of(connection)
        signal.send(sender, request=None, provider=connection.provider_key, connection=connection, **more)

    if alias is None:
        send()
    else:
        transaction.on_commit(send, using=alias)
