"""Serves a WSGI application from a thread on loopback, with keep-alive connections (HTTP/1.1)."""

from __future__ import annotations

import errno
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from oidc_login.testing.application import CONNECTION, ProviderApplication

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# The paths of a certificate chain and its key, or a context that has loaded them.
TLS = ssl.SSLContext | tuple[str | PathLike[str], str | PathLike[str]]

_ATTEMPTS = 20


class _Handler(WSGIRequestHandler):
    # Otherwise every response waits for the client's delayed acknowledgement, 40 ms on Linux.
    disable_nagle_algorithm = True
    # Send headers and body together.
    wbufsize = 65_536

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), CONNECTION: self.connection}

    def handle_one_request(self) -> None:
        super().handle_one_request()
        # Responses without a body, such as to HEAD, are not flushed by writing the body.
        if not self.wfile.closed:
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: request lines contain codes, and tests search the logs for them."""


class _Server(ThreadedWSGIServer):
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], application: Any, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler, ipv6=":" in address[0])
        self.set_app(application)

    def server_bind(self) -> None:
        # HTTPServer's own method would ask DNS for the full host name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()
        if self._tls is not None:
            self.base_environ["HTTPS"] = "on"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake happens at the first read, in the connection's own thread, so a silent client blocks nobody.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        application = self.get_app()
        if isinstance(application, ProviderApplication):
            application.count_connection()
        return connection, address

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def _close_connections(self) -> None:
        """Do nothing: a provider has no database, and closing database connections would need settings."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that hang up or reject the certificate are expected here.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Wake the threads that wait on idle connections, so that they end."""
        for connection in list(self._open):
            try:
                # SSLSocket's own shutdown would remove the TLS state while another thread reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue


@contextmanager
def serve(
    application: WSGIApplication | ProviderApplication,
    *,
    host: str = "localhost",
    port: int = 0,
    tls: TLS | None = None,
) -> Iterator[str]:
    """Serve the application inside a `with` block and yield its base URL.

    A test provider gets the URL as `base_url` and `issuer`. "localhost" listens on 127.0.0.1 and, if available, on ::1
    with the same port, because a browser may try either first. Port 0 selects a free port. `tls` is the paths of a
    certificate and its key, or a context that has loaded them.
    """
    context = _tls_context(tls)
    with ExitStack() as stack:
        servers = _bind(application, host, port, context)
        for server in servers:
            stack.callback(server.server_close)
        base_url = f"{'https' if context else 'http'}://{f'[{host}]' if ':' in host else host}:{servers[0].server_port}"
        if isinstance(application, ProviderApplication):
            application.base_url = base_url
        for server in servers:
            stack.enter_context(_running(server))
        yield base_url


@contextmanager
def _running(server: _Server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()


def _tls_context(tls: TLS | None) -> ssl.SSLContext | None:
    if tls is None or isinstance(tls, ssl.SSLContext):
        return tls
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*tls)
    return context


def _bind(application: Any, host: str, port: int, tls: ssl.SSLContext | None) -> list[_Server]:
    if host != "localhost":
        return [_Server((host, port), application, tls)]
    for _ in range(_ATTEMPTS):
        first = _Server(("127.0.0.1", port), application, tls)
        try:
            return [first, _Server(("::1", first.server_port), application, tls)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                # this machine has no IPv6
                return [first]
            first.server_close()
            if port:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free on both 127.0.0.1 and ::1")
