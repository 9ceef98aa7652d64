"""What refreshing, calling and revoking all need: the provider, the database, and whom to tell."""

from __future__ import annotations

import logging

from django.db import router, transaction
from django.dispatch import Signal

from oidc_login.exceptions import Inactive, ProviderGone, ProviderUnknown
from oidc_login.models import OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider
from oidc_login.signin.admission import is_active

logger = logging.getLogger(__name__)


def alias_of(connection: OAuthConnection) -> str:
    """Return the database that connections are written to: a replica may not know the newest tokens yet."""
    return router.db_for_write(OAuthConnection, instance=connection)


def provider_of(connection: OAuthConnection) -> OAuthProvider:
    """Return the provider, or raise `ProviderGone` when the settings do not name it any more.

    Another provider under the same key is sent no tokens of this one. A row from before identities were bound to
    their server names none; its tokens go on working until `oidc_login_move_issuer` has named it.
    """
    try:
        provider = get_provider(connection.provider_key)
    except ProviderUnknown as error:
        raise ProviderGone(connection.provider_key) from error
    if connection.issuer and not provider.is_possible_issuer(connection.issuer):
        raise ProviderGone(f"{connection.provider_key} has another issuer now")
    return provider


def check_active(connection: OAuthConnection) -> None:
    """Nothing is done any more in the name of a user who was deactivated."""
    if not is_active(connection.user):
        raise Inactive("the account of this connection is not active")


def tell(signal: Signal, connection: OAuthConnection, reason: str, *, alias: str | None) -> None:
    """Tell the log and the site, once the transaction of this database is over, if one is named."""

    def send() -> None:
        about = {"provider": connection.provider_key, "connection": connection.pk, "reason": reason}
        what = f"needs its person ({reason})" if reason else "has new tokens"
        logger.info("connection %s at %s %s", connection.pk, connection.provider_key, what, extra=about)
        more = {"reason": reason} if reason else {}
        signal.send(OAuthConnection, request=None, provider=connection.provider_key, connection=connection, **more)

    if alias is None:
        send()
    else:
        transaction.on_commit(send, using=alias)
