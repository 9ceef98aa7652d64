"""Connections with one deadline over name, TCP, TLS, request and answer; what they carry is not decided here."""

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

from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.addresses import is_ip_address
from oidc_login.protocol.http.addresses import is_public_address as is_public_address
from oidc_login.protocol.http.proxy import Proxy
from oidc_login.protocol.http.sockets import DeadlineSocket, remaining
from oidc_login.protocol.http.sockets import deadline as deadline
from oidc_login.protocol.http.urls import is_loopback

MAX_IDLE = 20.0
MAX_ADDRESSES = 8
KEPT_CONNECTIONS = 32

# From a host name to its addresses, best first.
Resolver = Callable[[str], Sequence[str]]


class WithoutQueries(logging.Filter):
    """Keeps queries out of what urllib3 logs of our exchanges: some provider wants a secret in one."""

    def filter(self, record: logging.LogRecord) -> bool:
        if deadline.get(None) is not None and isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


logging.getLogger(HTTPConnectionPool.__module__).addFilter(WithoutQueries())


def system_resolver(host: str) -> list[str]:
    """Ask the operating system, which has no time-out of its own to set."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPolicy:
    """Where connections may lead, and how long they are kept."""

    resolver: Resolver = system_resolver
    refuse_private_addresses: bool = False
    max_idle: float = MAX_IDLE
    proxy: Proxy | None = None

    def dial(self, host: str, port: int) -> DeadlineSocket:
        """Open a TCP connection, to the very address that was checked (no DNS rebinding)."""
        if self.proxy is None:
            return _connect(self._addresses(host), port)
        # The name is the proxy's to look up, unless an address has to be checked: then that one is asked for.
        target = self._addresses(host)[0] if self.refuse_private_addresses else host
        sock = self._connect_to_proxy(self.proxy)
        try:
            self.proxy.open_tunnel(sock, target, port)
        except BaseException:
            sock.close()
            raise
        return sock

    def dial_in_clear(self, host: str, port: int) -> DeadlineSocket:
        """The same for plain http: what is meant for this machine does not leave it by a proxy elsewhere."""
        if self.proxy is not None and is_loopback(host) and not is_loopback(self.proxy.host):
            raise MetadataInvalid("url")
        return self.dial(host, port)

    def _connect_to_proxy(self, proxy: Proxy) -> DeadlineSocket:
        """The proxy is the site's own choice, and most of them have a private address."""
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
    """Try one address after the other."""
    reason = "connect"
    for index, address in enumerate(addresses):
        try:
            # An equal share each, so that one silent address leaves time for the next.
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
    """Wait for the resolver as long as the exchange lasts; a thread that hangs longer is left behind."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(host))
        except (OSError, UnicodeError):  # unknown, or no name at all (a label over 63 bytes)
            answers.put(())

    threading.Thread(target=ask, name="oidc_login-resolver", daemon=True).start()
    try:
        return answers.get(timeout=remaining())
    except queue.Empty:
        raise ProviderUnavailable("timeout") from None


class DialledConnection(HTTPConnection):
    """A connection to where the policy allows, for one exchange after another."""

    def __init__(self, host: str, port: int | None = None, *, policy: ConnectionPolicy, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._policy = policy
        self._answered_at = 0.0

    @property
    def is_connected(self) -> bool:
        """What the pool asks before a request; a stale one is replaced then, since nothing is sent twice."""
        return time.monotonic() - self._answered_at < self._policy.max_idle and super().is_connected

    def connect(self) -> None:
        self.sock = self._policy.dial_in_clear(self.host, self.port)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, which is not http.client's
        response = super().getresponse()
        self._answered_at = time.monotonic()
        return response


class DialledTLSConnection(DialledConnection, HTTPSConnection):
    """The same over TLS; certificate and host name are verified by the context, in the handshake."""

    @property
    def is_connected(self) -> bool:
        # Bytes that nobody asked for may also wait inside the TLS layer.
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
            raise ProviderUnavailable("tls") from error
        finally:
            # The wrapped socket has taken the file descriptor over, if it came to that.
            sock.close()
        self.is_verified = True


class PlainConnection(DialledConnection):
    """A connection for exchanges with a provider, left alone as soon as there is any doubt about it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._outgoing: list[bytes] = []

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send headers and body as one: half the packets, TLS records and system calls."""
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
        # An interim answer would be taken for the final one, and the final one for that of the next request.
        if response.status < 200:
            raise ResponseInvalid("status")
        return response


class TLSConnection(PlainConnection, DialledTLSConnection):
    """The same over TLS."""


class PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class TLSPool(HTTPSConnectionPool):
    ConnectionCls = TLSConnection


def unavailable(error: OSError) -> ProviderUnavailable:
    """What a failed read or write means."""
    closed = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    if isinstance(error, ssl.SSLError) and not closed:
        return ProviderUnavailable("tls")
    return ProviderUnavailable("connection_closed")
