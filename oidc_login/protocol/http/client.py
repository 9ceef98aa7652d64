"""HTTP with providers: one exchange over a kept connection, bounded in time and size, and strict JSON.

The only module that imports `requests`. What to ask and what an answer means is decided by its callers.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from oidc_login import __version__
from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.bounds import Attendance, Bounds
from oidc_login.protocol.http.breaker import CircuitBreaker
from oidc_login.protocol.http.connections import (
    KEPT_CONNECTIONS,
    MAX_IDLE,
    ConnectionPolicy,
    PlainPool,
    Resolver,
    TLSPool,
    system_resolver,
)
from oidc_login.protocol.http.proxy import Proxy
from oidc_login.protocol.http.sockets import time_limit, tls_context
from oidc_login.protocol.http.strict_json import strict_json as strict_json
from oidc_login.protocol.http.urls import Origin, destination
from oidc_login.protocol.http.urls import check_url as check_url

# What a provider class that uses requests by itself may raise.
HTTPClientError = requests.RequestException

USER_AGENT = f"django-oidc-login/{__version__}"
DEFAULT_MAX_BYTES = 1_048_576
READ_SIZE = 65_536
MAX_ORIGINS = 64
MAX_TIMEOUT = 20  # seconds, for one exchange and for all that one request of a browser causes
# A time-out counts against the provider only when it had its whole time-out, or this many seconds of it.
FAIR_CHANCE = 5.0
A_MOMENT = 0.25  # seconds

HEADER_VALUE = re.compile(r"[\t -~]*")
NO_RETRY = Retry(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be sent, once."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What was answered, whatever the status; header names are found in lower case."""

    status: int
    content_type: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return strict_json(self.body)


class Transport:
    """Sends requests to providers; cheap to make, since connections are shared by the whole process."""

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        ca_bundle: str | None = None,
        refuse_private_addresses: bool = False,
        proxy: str | None = None,
        resolver: Resolver = system_resolver,
        max_idle: float = MAX_IDLE,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.timeout = timeout
        self._ca_bundle = ca_bundle
        self._policy = ConnectionPolicy(
            resolver=resolver,
            refuse_private_addresses=refuse_private_addresses,
            max_idle=max_idle,
            proxy=Proxy.from_url(proxy) if proxy else None,
        )
        self._breaker = breaker or _breaker
        # How many may talk to this provider at once; `None`: any number.
        self.bounds: Bounds | None = None

    @property
    def ca_bundle(self) -> str | None:
        """The certificate authorities to trust instead of the usual ones."""
        return self._ca_bundle

    @property
    def policy(self) -> ConnectionPolicy:
        """Where connections may lead, also those of a site's own calls."""
        return self._policy

    def send(self, request: Request) -> Response:
        """Make one exchange, never repeated and never redirected; return the answer, whatever its status."""
        origin, _ = destination(request.url)
        with self.attending():
            return self._exchange(request, origin)

    def attending(self) -> AbstractContextManager[None]:
        """Count as one who talks to this provider, or is about to; `ProviderUnavailable` beyond the bounds."""
        return _attendance.attending(self.bounds if _is_bounded.get() else None)

    def acquire(self, lock: threading.Lock, *, timeout: float) -> bool:
        """Wait for a thread that asks this provider: a moment with all others, longer only as one who is counted."""
        if lock.acquire(timeout=min(timeout, A_MOMENT)):
            return True
        with self.attending():
            return lock.acquire(timeout=timeout)

    def _exchange(self, request: Request, origin: Origin) -> Response:
        seconds = self._seconds()
        adapter = _adapter(self._ca_bundle, self._policy)
        circuit = self._circuit(origin)
        self._breaker.check(circuit)
        try:
            with time_limit(seconds):
                response = _exchange(adapter, request, seconds)
        except ProviderUnavailable as error:
            if error.reason != "timeout" or seconds >= min(self.timeout, FAIR_CHANCE):
                self._breaker.failed(circuit)
            raise
        except MetadataInvalid:
            raise  # a refused address: nobody was asked
        except ResponseInvalid:
            self._breaker.answered(circuit)
            raise
        self._breaker.answered(circuit)
        return response

    def _circuit(self, origin: Origin) -> Hashable:
        """Name the circuit: what a short time-out, a private CA or another way there does is no fault of the server."""
        return (origin, self._ca_bundle, self._policy, min(self.timeout, FAIR_CHANCE))

    def _seconds(self) -> float:
        budget = _budget.get()
        if budget is None:
            return self.timeout
        rest = budget - time.monotonic()
        if rest <= 0:
            raise ProviderUnavailable("timeout")
        return min(self.timeout, rest)


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """All exchanges inside share these seconds; of nested budgets the one that ends first holds."""
    end = time.monotonic() + seconds
    outer = _budget.get()
    token = _budget.set(end if outer is None else min(end, outer))
    try:
        with _attendance.conversation():
            yield
    finally:
        _budget.reset(token)


@contextmanager
def without_bounds() -> Iterator[None]:
    """Let exchanges inside be as many as there are threads: of a command, whose operator has said how many."""
    token = _is_bounded.set(False)
    try:
        yield
    finally:
        _is_bounded.reset(token)


_is_bounded: ContextVar[bool] = ContextVar("oidc_login_is_bounded", default=True)


def time_left() -> float:
    """Return how many seconds of the time budget are left; without one, there is no end."""
    budget = _budget.get()
    return math.inf if budget is None else budget - time.monotonic()


_budget: ContextVar[float | None] = ContextVar("oidc_login_time_budget", default=None)


def retry_after(response: Response, now: float) -> int | None:
    """Seconds to wait, as a 429 or 503 asked for, between a second and an hour (RFC 9110 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if response.status not in (429, 503) or not value:
        return None
    try:
        seconds = int(value) if value.isdecimal() else _http_date(value) - now
    except (ValueError, OverflowError):
        return None
    return math.ceil(max(1, min(seconds, 3600)))


def _http_date(value: str) -> float:
    date = parsedate_to_datetime(value)
    return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()


def _exchange(adapter: _Adapter, request: Request, seconds: float) -> Response:
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


class _Adapter(BaseAdapter):
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


def _adapter(ca_bundle: str | None, policy: ConnectionPolicy) -> _Adapter:
    """The one adapter of this process for this CA bundle."""
    # The process is named as well: some servers fork without Python's knowledge.
    key = (os.getpid(), ca_bundle, policy)
    adapter = _adapters.get(key)
    if adapter is not None:
        return adapter
    with _adapters_lock:
        return _adapters.get(key) or _adapters.setdefault(key, _Adapter(ca_bundle or DEFAULT_CA_BUNDLE_PATH, policy))


def _forget_process_state() -> None:
    """Share no connection with another process, nor a lock that somebody held when it forked."""
    global _adapters, _adapters_lock
    _adapters = {}
    _adapters_lock = threading.Lock()
    _breaker.forget()
    _attendance.forget()


_adapters: dict[tuple[int, str | None, ConnectionPolicy], _Adapter] = {}
_adapters_lock = threading.Lock()
_breaker = CircuitBreaker()
_attendance = Attendance()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_process_state)
