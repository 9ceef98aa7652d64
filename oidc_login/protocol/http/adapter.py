"""One exchange over a kept-alive connection: sends the request and reads the response."""

from __future__ import annotations

import re
import threading

import requests
from requests.adapters import BaseAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from oidc_login import __version__
from oidc_login.protocol.errors import ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.connections import KEPT_CONNECTIONS, ConnectionPolicy, PlainPool, TLSPool
from oidc_login.protocol.http.messages import Request, Response
from oidc_login.protocol.http.sockets import tls_context
from oidc_login.protocol.http.urls import Origin, destination

USER_AGENT = f"django-oidc-login/{__version__}"
READ_SIZE = 65_536
MAX_ORIGINS = 64

HEADER_VALUE = re.compile(r"[\t -~]*")
NO_RETRY = Retry(False)


def exchange(adapter: Adapter, request: Request, seconds: float) -> Response:
    prepared = _prepare(request)
    try:
        # Use only the adapter: a session would add cookies, redirects and hooks.
        answer = adapter.send(prepared, timeout=seconds)
        # Also closes the connection, unless the whole response was read.
        with answer:
            return _read(answer, request.max_bytes)
    except (HTTPError, OSError):
        # Not chained, because these errors contain the request. The sockets already report timeouts and failed
        # connects.
        raise ProviderUnavailable("connection_closed") from None


def _prepare(request: Request) -> requests.PreparedRequest:
    headers = {"User-Agent": USER_AGENT}
    headers.update((name.title(), value) for name, value in request.headers.items())  # so that each occurs once
    headers["Accept-Encoding"] = "identity"
    if request.body is not None:
        headers["Content-Length"] = str(len(request.body))
    # Checked here, because later checks quote the value in their messages.
    if not all(map(HEADER_VALUE.fullmatch, headers.values())):
        raise ResponseInvalid("request_header")
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = headers  # type: ignore[assignment]  # read by the adapter alone
    prepared.body = request.body
    return prepared


def _read(answer: requests.Response, max_bytes: int) -> Response:
    """Check the headers, then read the body up to its limit."""
    headers = answer.raw.headers
    # Never decompress a body, whatever size it claims: the request asked for an uncompressed one.
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise ResponseInvalid("content_encoding")
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 18 or int(length) > max_bytes):
        raise ResponseInvalid("too_large")
    return Response(
        status=answer.status_code,
        content_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
        headers=headers,
        body=_read_body(answer, max_bytes),
    )


def _read_body(answer: requests.Response, max_bytes: int) -> bytes:
    chunks = []
    rest = max_bytes
    while chunk := answer.raw.read(READ_SIZE, decode_content=False):
        rest -= len(chunk)
        if rest < 0:
            raise ResponseInvalid("too_large")
        chunks.append(chunk)
        if answer.raw.length_remaining == 0:
            break  # a body of known length needs no extra read to find its end
    return b"".join(chunks)


class Adapter(BaseAdapter):
    """Connection pools that trust one CA bundle and enforce the deadline, without cookies, redirects or retries."""

    def __init__(self, ca_bundle: str, policy: ConnectionPolicy) -> None:
        super().__init__()
        self._context = tls_context(ca_bundle)
        self._policy = policy
        self._lock = threading.Lock()
        self._pools: dict[Origin, HTTPConnectionPool] = {}

    def send(  # type: ignore[override]  # TLS and proxies are decided once for all requests
        self, request: requests.PreparedRequest, *, timeout: float
    ) -> requests.Response:
        """Send a request once, and return the response before its body is read."""
        origin, target = destination(str(request.url))
        pool = self._pools.get(origin) or self._add_pool(origin)
        response = requests.Response()
        response.raw = pool.urlopen(
            str(request.method),
            target,
            body=request.body,
            headers=request.headers,
            timeout=timeout,
            retries=NO_RETRY,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        response.status_code = response.raw.status
        return response

    def close(self) -> None:
        """Close the kept-alive connections."""
        for pool in self._pools.values():
            pool.close()

    def _add_pool(self, origin: Origin) -> HTTPConnectionPool:
        scheme, host, port = origin
        with self._lock:
            if len(self._pools) >= MAX_ORIGINS and origin not in self._pools:
                # Its connections are closed after the exchanges that use it.
                self._pools.pop(next(iter(self._pools)))
            return self._pools.setdefault(origin, self._new_pool(scheme, host, port))

    def _new_pool(self, scheme: str, host: str, port: int) -> HTTPConnectionPool:
        if scheme == "http":
            return PlainPool(host, port, maxsize=KEPT_CONNECTIONS, policy=self._policy)
        return TLSPool(host, port, maxsize=KEPT_CONNECTIONS, policy=self._policy, ssl_context=self._context)
