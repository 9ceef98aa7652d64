"""Sockets with one deadline for all their operations.

The deadline is a context variable, because a kept-alive connection serves several exchanges. Sockets enforce it, so
that a silent handshake, or headers that arrive one byte at a time, cannot block the layers above.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar

from oidc_login.protocol.errors import ProviderUnavailable

# The time.monotonic() at which the current exchange ends.
deadline: ContextVar[float] = ContextVar("oidc_login_exchange_deadline")

T = TypeVar("T")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Set the deadline of one exchange for all its operations; of nested limits, the one that ends first applies."""
    end = time.monotonic() + seconds
    token = deadline.set(min(end, deadline.get(end)))
    try:
        yield
    finally:
        deadline.reset(token)


def remaining() -> float:
    """Return the seconds left for the current exchange; raise a timeout if there are none."""
    seconds = deadline.get() - time.monotonic()
    if seconds <= 0:
        raise ProviderUnavailable("timeout")
    return seconds


class DeadlineSocket(socket.socket):
    """A socket whose operations end with the current exchange, or at their own timeout."""

    __slots__ = ()

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        return self._in_time(super().recv_into, *args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        return self._in_time(super().send, *args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._in_time(super().sendall, *args, **kwargs)

    def _in_time(self, operation: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if deadline.get(None) is None:
            return operation(*args, **kwargs)
        self.settimeout(remaining())
        try:
            return operation(*args, **kwargs)
        except TimeoutError:
            raise ProviderUnavailable("timeout") from None


class DeadlineTLSSocket(DeadlineSocket, ssl.SSLSocket):
    """A TLS socket; an operation is a whole record or the whole handshake."""


@lru_cache(maxsize=64)
def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Read the CA bundle, a file or a directory, once for all connections that trust it."""
    is_directory = os.path.isdir(ca_bundle)
    try:
        context = ssl.create_default_context(
            cafile=None if is_directory else ca_bundle, capath=ca_bundle if is_directory else None
        )
    except OSError as error:
        raise ProviderUnavailable("ca_bundle") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = DeadlineTLSSocket
    return context
