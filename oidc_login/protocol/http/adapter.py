"""One exchange over a kept connection: what is sent, and what is read of the answer."""

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
        # The adapter alone: what a session adds to it are cookies, redirects and hooks.
        answer = adapter.send(prepared, timeout=seconds)
        # Closes the connection too, unless all of the answer was read.
        with answer:
            return _read(answer, request.max_bytes)
    except (HTTPError, OSError):
        # Not chained: these hold the request. Time-outs and failed connects were reported by the sockets.
        raise ProviderUnavailable("connection_closed") from None


def _prepare(request: Request) -> requests.PreparedRequest:
    headers = {"User-Agent": USER_AGENT}
    headers.update((name.title(), value) for name, value in request.headers.items())  # one spelling, so once each
    headers["Accept-Encoding"] = "identity"
    if request.body is not None:
        headers["Content-Length"] = str(len(request.body))
    # Checked here because the checks below this floor quote the value in their messages.
    if not all(map(HEADER_VALUE.fullmatch, headers.values())):
        raise ResponseInvalid("request_header")
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = headers  # type: ignore[assignment]  # read by the adapter alone
    prepared.body = request.body
    return prepared


def _read(answer: requests.Response, max_bytes: int) -> Response:
    """Judge the headers, then read the body up to its limit."""
    headers = answer.raw.headers
    # Never decompressed, however small it claims to be: it was asked for as it is.
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
            break  # where the length is known, the end needs no read of its own
    return b"".join(chunks)


class Adapter(BaseAdapter):
    """Connection pools that trust one CA bundle and keep our deadline; no cookie, proxy, redirect or retry."""

    def __init__(self, ca_bundle: str, policy: ConnectionPolicy) -> None:
        super().__init__()
        self._context = tls_context(ca_bundle)
        self._policy = policy
        self._lock = threading.Lock()
        self._pools: dict[Origin, HTTPConnectionPool] = {}

    def send(  # type: ignore[override]  # TLS and proxies are decided once for all requests
        self, request: requests.PreparedRequest, *, timeout: float
    ) -> requests.Response:
        """Send a request once, and return its answer before the body is read."""
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
        """Close the connections that are kept."""
        for pool in self._pools.values():
            pool.close()

    def _add_pool(self, origin: Origin) -> HTTPConnectionPool:
        scheme, host, port = origin
        with self._lock:
            if len(self._pools) >= MAX_ORIGINS and origin not in self._pools:
                # Its connections are closed once the exchanges that use it are over.
                self._pools.pop(next(iter(self._pools)))
            return self._pools.setdefault(origin, self._new_pool(scheme, host, port))

    def _new_pool(self, scheme: str, host: str, port: int) -> HTTPConnectionPool:
        if scheme == "http":
            return PlainPool(host, port, maxsize=KEPT_CONNECTIONS, policy=self._policy)
        return TLSPool(host, port, maxsize=KEPT_CONNECTIONS, policy=self._policy, ssl_context=self._context)
