"""The HTTP client for providers: exchanges over kept-alive connections, limited in time and number.

Only this module and `adapter` import `requests`. Their callers decide what to send and what a response means.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.adapter import HEADER_VALUE as HEADER_VALUE
from oidc_login.protocol.http.adapter import USER_AGENT as USER_AGENT
from oidc_login.protocol.http.adapter import Adapter, exchange
from oidc_login.protocol.http.bounds import Attendance, Bounds, CircuitBreaker
from oidc_login.protocol.http.connections import (
    MAX_IDLE,
    ConnectionPolicy,
    Resolver,
    system_resolver,
)
from oidc_login.protocol.http.messages import Request as Request
from oidc_login.protocol.http.messages import Response as Response
from oidc_login.protocol.http.messages import retry_after as retry_after
from oidc_login.protocol.http.messages import strict_json as strict_json
from oidc_login.protocol.http.proxy import Proxy
from oidc_login.protocol.http.sockets import time_limit
from oidc_login.protocol.http.urls import Origin, destination
from oidc_login.protocol.http.urls import check_url as check_url

# Errors that provider classes with their own use of requests may raise.
HTTPClientError = requests.RequestException

MAX_TIMEOUT = 20  # seconds, for one exchange and for all exchanges that one request of a browser causes
# A timeout counts against the provider only if it had its full time, or at least this many seconds.
FAIR_CHANCE = 5.0
A_MOMENT = 0.25  # seconds


class Transport:
    """Sends requests to providers; cheap to create, because the process shares the connections."""

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
        # How many requests may talk to this provider at the same time; `None` for any number.
        self.bounds: Bounds | None = None

    @property
    def ca_bundle(self) -> str | None:
        """The certificate authorities to trust instead of the default ones."""
        return self._ca_bundle

    @property
    def policy(self) -> ConnectionPolicy:
        """Where connections may lead, including those of a site's own calls."""
        return self._policy

    def send(self, request: Request) -> Response:
        """Make one exchange without retries or redirects; return the response, whatever its status."""
        origin, _ = destination(request.url)
        with self.attending():
            return self._exchange(request, origin)

    def attending(self) -> AbstractContextManager[None]:
        """Hold a slot for this provider; raise `ProviderUnavailable` beyond the limits."""
        return _attendance.attending(self.bounds if _is_bounded.get() else None)

    def acquire(self, lock: threading.Lock, *, timeout: float) -> bool:
        """Wait for a thread that is talking to this provider: briefly, or longer while holding a slot."""
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
                response = exchange(adapter, request, seconds)
        except ProviderUnavailable as error:
            if error.reason != "timeout" or seconds >= min(self.timeout, FAIR_CHANCE):
                self._breaker.failed(circuit)
            raise
        except MetadataInvalid:
            raise  # the address was refused before anything was sent
        except ResponseInvalid:
            self._breaker.answered(circuit)
            raise
        self._breaker.answered(circuit)
        return response

    def _circuit(self, origin: Origin) -> Hashable:
        """Name the circuit; it includes settings such as the timeout, whose failures are not the server's fault."""
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
    """Limit all exchanges inside to these seconds in total; of nested budgets, the one that ends first applies."""
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
    """Lift the limits for exchanges inside: a command has as many threads as its operator asked for."""
    token = _is_bounded.set(False)
    try:
        yield
    finally:
        _is_bounded.reset(token)


_is_bounded: ContextVar[bool] = ContextVar("oidc_login_is_bounded", default=True)


def time_left() -> float:
    """Return how many seconds of the time budget are left; without a budget, there is no limit."""
    budget = _budget.get()
    return math.inf if budget is None else budget - time.monotonic()


_budget: ContextVar[float | None] = ContextVar("oidc_login_time_budget", default=None)


def _adapter(ca_bundle: str | None, policy: ConnectionPolicy) -> Adapter:
    """Return this process's adapter for this CA bundle."""
    # The process is part of the key, because some servers fork without Python's knowledge.
    key = (os.getpid(), ca_bundle, policy)
    adapter = _adapters.get(key)
    if adapter is not None:
        return adapter
    with _adapters_lock:
        return _adapters.get(key) or _adapters.setdefault(key, Adapter(ca_bundle or DEFAULT_CA_BUNDLE_PATH, policy))


def _forget_process_state() -> None:
    """Do not share connections, or locks that were held during the fork, with another process."""
    global _adapters, _adapters_lock
    _adapters = {}
    _adapters_lock = threading.Lock()
    _breaker.forget()
    _attendance.forget()


_adapters: dict[tuple[int, str | None, ConnectionPolicy], Adapter] = {}
_adapters_lock = threading.Lock()
_breaker = CircuitBreaker()
_attendance = Attendance()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_process_state)
