"""The signals that a site hears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oidc_login import signals

Heard = list[tuple[str, dict[str, Any]]]
ABOUT_CONNECTIONS = ("user_signed_up", "connection_created", "connection_updated", "connection_removed", "login_failed")
ABOUT_TOKENS = ("token_refreshed", "connection_needs_reauth")


@contextmanager
def hearing(*names: str) -> Iterator[Heard]:
    """Keep the signals of these names, in the order in which they are sent."""
    heard: Heard = []
    receivers = []
    for name in names:

        def receive(name: str = name, **kwargs: Any) -> None:
            heard.append((name, kwargs))

        receivers.append((name, receive))
        getattr(signals, name).connect(receive)
    try:
        yield heard
    finally:
        for name, receiver in receivers:
            getattr(signals, name).disconnect(receiver)
