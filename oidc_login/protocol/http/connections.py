"""Connections with one deadline for DNS, TCP, TLS, request and response; the callers decide what they carry."""

from __future__ import annotations

import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from oidc_login.protocol.errors import Evidence, MetadataInvalid, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.addresses import is_ip_address
from oidc_login.protocol.http.addresses import is_public_address as is_public_address
from oidc_login.protocol.http.proxy import Proxy
from oidc_login.protocol.http.sockets import DeadlineSocket, remaining
from oidc_login.protocol.http.sockets import deadline as deadline
from oidc_login.protocol.http.urls import is_loopback

MAX_IDLE = 20.0
MAX_ADDRESSES = 8
KEPT_CONNECTIONS = 32

# Maps a host name to its addresses, best first.
Resolver = Callable[[str], Sequence[str]]


class WithoutQueries(logging.Filter):
    """Removes queries from urllib3's log lines about our exchanges, because one provider wants a secret in a query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if deadline.get(None) is not None and isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


logging.getLogger(HTTPConnectionPool.__module__).addFilter(WithoutQueries())


def system_resolver(host: str) -> list[str]:
    """Ask the operating system, whose resolver has no timeout option."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPolicy:
    """Where connections may lead, and how long they are kept alive."""

    resolver: Resolver = system_resolver
    refuse_private_addresses: bool = False
    max_idle: float = MAX_IDLE
    proxy: Proxy | None = None

    def dial(self, host: str, port: int) -> DeadlineSocket:
        """Open a TCP connection to exactly the address that was checked (no DNS rebinding)."""
        if self.proxy is None:
            return _connect(self._addresses(host), port)
        # Let the proxy resolve the name, unless the address has to be checked; then ask the proxy for the checked
        # address.
        target = self._addresses(host)[0] if self.refuse_private_addresses else host
        sock = self._connect_to_proxy(self.proxy)
        try:
            self.proxy.open_tunnel(sock, target, port)
        except BaseException:
            sock.close()
            raise
        return sock

    def dial_in_clear(self, host: str, port: int) -> DeadlineSocket:
        """Open a connection for plain HTTP, without the proxy: loopback requests must not leave this machine."""
        if self.proxy is not None and is_loopback(host) and not is_loopback(self.proxy.host):
            raise MetadataInvalid("url")
        return self.dial(host, port)

    def _connect_to_proxy(self, proxy: Proxy) -> DeadlineSocket:
        """Connect to the proxy without checking its address: it is the site's own choice and usually private."""
        try:
            return _connect(self._resolved(proxy.host), proxy.port)
        except ProviderUnavailable as error:
            raise ProviderUnavailable("timeout" if error.reason == "timeout" else "proxy") from None

    def _addresses(self, host: str) -> Sequence[str]:
        addresses = self._resolved(host)
        if self.refuse_private_addresses and not all(map(is_public_address, addresses)):
            raise MetadataInvalid("private_address")
        return addresses

    def _resolved(self, host: str) -> Sequence[str]:
        addresses = [host] if is_ip_address(host) else _resolve_in_time(self.resolver, host)[:MAX_ADDRESSES]
        if not addresses:
            raise ProviderUnavailable("dns")
        return addresses


def _connect(addresses: Sequence[str], port: int) -> DeadlineSocket:
    """Try the addresses one after the other."""
    reason = "connect"
    for index, address in enumerate(addresses):
        try:
            # Each gets an equal share, so that a silent address leaves time for the next one.
            return _open(address, port, remaining() / (len(addresses) - index))
        except TimeoutError:
            reason = "timeout"
        except OSError:
            reason = "connect"
    raise ProviderUnavailable(reason)


def _open(address: str, port: int, seconds: float) -> DeadlineSocket:
    sock = DeadlineSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect((address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve_in_time(resolver: Resolver, host: str) -> Sequence[str]:
    """Wait for the resolver until the deadline; a thread that takes longer is left behind."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(host))
        except (OSError, UnicodeError):  # unknown, or not a valid name (a label over 63 bytes)
            answers.put(())

    threading.Thread(target=ask, name="oidc_login-resolver", daemon=True).start()
    try:
        return answers.get(timeout=remaining())
    except queue.Empty:
        raise ProviderUnavailable("timeout") from None


class DialledConnection(HTTPConnection):
    """A connection to a host that the policy allows, for consecutive exchanges."""

    def __init__(self, host: str, port: int | None = None, *, policy: ConnectionPolicy, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._policy = policy
        self._answered_at = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether the pool can reuse the connection; a stale one is replaced, because a request is sent once."""
        return time.monotonic() - self._answered_at < self._policy.max_idle and super().is_connected

    def connect(self) -> None:
        self.sock = self._policy.dial_in_clear(self.host, self.port)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, which is not http.client's
        response = super().getresponse()
        self._answered_at = time.monotonic()
        return response


class DialledTLSConnection(DialledConnection, HTTPSConnection):
    """A TLS connection; its context verifies certificate and host name in the handshake."""

    @property
    def is_connected(self) -> bool:
        # Unexpected bytes may also wait inside the TLS layer.
        return super().is_connected and isinstance(self.sock, ssl.SSLSocket) and not self.sock.pending()

    def connect(self) -> None:
        assert self.ssl_context is not None  # noqa: S101 - the pool was given one; without it nothing is verified
        sock = self._policy.dial(self.host, self.port)
        try:
            sock.settimeout(remaining())
            self.sock = self.ssl_context.wrap_socket(sock, server_hostname=self.host)
        except TimeoutError:
            raise ProviderUnavailable("timeout") from None
        except (OSError, ValueError) as error:
            raise ProviderUnavailable("tls", evidence=of_handshake(error, self.host)) from error
        finally:
            # If the TLS socket was created, it owns the file descriptor.
            sock.close()
        self.is_verified = True


class PlainConnection(DialledConnection):
    """A connection for exchanges with a provider, which is dropped as soon as there is any doubt about it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._outgoing: list[bytes] = []

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send headers and body together, which halves the packets, TLS records and system calls."""
        self._outgoing = []
        super().request(*args, **kwargs)
        super().send(b"".join(self._outgoing))
        self._outgoing = []

    def send(self, data: Any) -> None:
        self._outgoing.append(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as above
        try:
            response = super().getresponse()
        except OSError as error:
            raise unavailable(error) from error
        except (HTTPException, HTTPError):
            raise ResponseInvalid("headers") from None
        # Without this, an interim response would be taken for the final one, and the final one for the next response.
        if response.status < 200:
            raise ResponseInvalid("status")
        return response


class TLSConnection(PlainConnection, DialledTLSConnection):
    """A TLS connection for exchanges with a provider."""


class PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class TLSPool(HTTPSConnectionPool):
    ConnectionCls = TLSConnection


def of_handshake(error: Exception, host: str) -> Evidence:
    """Return what is wrong with a server's certificate, or that it gave none."""
    seen = getattr(error, "verify_message", "") or "no TLS handshake"
    return Evidence.of(expected=f"a trusted certificate for {host}", seen=seen)


def unavailable(error: OSError) -> ProviderUnavailable:
    """Return the error for a failed read or write."""
    closed = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    if isinstance(error, ssl.SSLError) and not closed:
        return ProviderUnavailable("tls")
    return ProviderUnavailable("connection_closed")
