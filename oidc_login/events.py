"""Decisions about connections: each is logged, then its signal is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import router, transaction
from django.dispatch import Signal
from django.http import HttpRequest

if TYPE_CHECKING:
    from oidc_login.models import OAuthConnection

logger = logging.getLogger("oidc_login")


def log_decision(
    signal: Signal, connection: OAuthConnection, *, request: HttpRequest | None, reason: str, **kwargs: Any
) -> None:
    """Log a decision about a connection, and send its signal."""
    extra = {"provider": connection.provider_key, "connection": connection.pk, "reason": reason}
    logger.info("%s: connection=%s provider=%s", reason, connection.pk, connection.provider_key, extra=extra)
    send(signal, connection, request=request, reason=reason, **kwargs)


def send(signal: Signal, connection: OAuthConnection, *, request: HttpRequest | None, **kwargs: Any) -> None:
    """Send a signal about a connection."""
    signal.send(type(connection), request=request, provider=connection.provider_key, connection=connection, **kwargs)


def after_commit(announce: Callable[[], None], *, connection: OAuthConnection, robust: bool) -> None:
    """Send the signal of a decision after the commit. With `robust`, errors of receivers are only logged."""

    def announce_now() -> None:  # Django logs the name of the function, which a `partial` does not have
        announce()

    transaction.on_commit(announce_now, using=router.db_for_write(type(connection)), robust=robust)
