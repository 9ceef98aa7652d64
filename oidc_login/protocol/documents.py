"""Discovery documents and key sets, fetched when due and kept while the provider is down (Discovery 4, Core 10.1.1)."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable
from copy import copy as copy_of
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from oidc_login.protocol.errors import Evidence, MetadataInvalid, ProtocolError, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.client import Request, Response, Transport, retry_after, strict_json
from oidc_login.protocol.keys import COOL_DOWN

logger = logging.getLogger(__name__)

MAX_DOCUMENT = 512 * 1024
MIN_AGE, DEFAULT_AGE, MAX_AGE = 5 * 60, 60 * 60, 24 * 60 * 60  # seconds
KEPT = 7 * 24 * 60 * 60  # seconds that a copy remains usable while the provider is down
RETRY_INTERVAL = 60  # seconds between attempts to renew an expired document
SLOW = 2.0  # seconds; a slower failure is remembered for twice as long as it took
MAX_WAIT = 15  # seconds that a thread waits for another thread's fetch
NEWER_WAIT = 2  # seconds that a thread waits for newer keys; anybody can send a token with an unknown key ID

_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,9})")

T = TypeVar("T")


class Store(Protocol):
    """A store that processes share, such as Django's cache API."""

    def get(self, key: str) -> Any: ...
    def set(self, key: str, value: Any, timeout: int) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Generic[T]):
    """A fetched and parsed document, with its times in seconds since the epoch."""

    value: T
    body: str
    fetched_at: float
    due_at: float


class CachedDocument(Generic[T]):
    """One JSON document of a provider, parsed once per process.

    `parse` validates it; an invalid document never replaces a valid copy. One thread fetches, while the others use
    the old copy or wait for the first one.
    """

    def __init__(
        self,
        url: str,
        *,
        parse: Callable[[object], T],
        transport: Transport,
        store: Store | None = None,
        cool_down: Callable[[T], float] = lambda _: COOL_DOWN,
    ) -> None:
        self.url = url
        self._parse = parse
        self._transport = transport
        self._store = store
        self._store_key = "oidc_login.document." + hashlib.sha256(url.encode()).hexdigest()
        self._copy: Copy[T] | None = None
        self._failures = 0
        self._failure: ProtocolError | None = None
        self._slow_failure: ProtocolError | None = None
        self._spared_until = 0.0
        self._cool_down = cool_down
        self._cool_until = 0.0
        self._lock = threading.Lock()
        self._asked_at: float | None = None  # on the monotonic clock, during an exchange

    def get(self, *, now: float) -> T:
        """Return the document; raise `ProviderUnavailable` or `MetadataInvalid` if there has never been a valid one."""
        copy = self._copy
        if copy is not None and now < copy.due_at:
            return copy.value
        failures = self._failures
        if copy is not None and not self._lock.acquire(blocking=False):
            return copy.value
        if copy is None:
            self._wait_for_first()
        try:
            if self._copy is not None and now < self._copy.due_at:
                return self._copy.value
            if self._copy is None and self._failure is not None and self._failures != failures:
                raise self._failure
            return self._renew(now).value
        finally:
            self._lock.release()

    def _wait_for_first(self) -> None:
        """Take the lock; after a slow and useless response, do not wait for the thread that tries again."""
        if self._slow_failure is not None and (time.monotonic() < self._spared_until or self._lock.locked()):
            raise copy_of(self._slow_failure)
        if not self._transport.acquire(self._lock, timeout=MAX_WAIT):
            raise ProviderUnavailable("busy")

    @property
    def body(self) -> str:
        """The text of the current copy as fetched, or "" before `get`."""
        return "" if self._copy is None else self._copy.body

    def newer_than(self, value: T, *, now: float) -> T:
        """Return a newer copy than `value`, fetched at most once per cool-down, or `value` itself."""
        if not self._lock.acquire(blocking=False) and not self._wait_for_newer():
            return value
        try:
            if self._copy is not None and self._copy.value is not value:
                return self._copy.value
            shared = self._shared_copy(now)
            if shared is not None and self._copy is not None and shared.fetched_at > self._copy.fetched_at:
                self._copy = shared
                return shared.value
            if now < self._cool_until:
                return value
            self._cool_until = now + self._cool_down(value)
            newer = self._fetch(now).value
            self._cool_until = now + self._cool_down(newer)
            return newer
        except ProtocolError as error:
            logger.warning("provider document not refreshed: %s", error.reason)
            return value
        finally:
            self._lock.release()

    def _wait_for_newer(self) -> bool:
        """Take the lock once its thread is done; do not wait for a slow response."""
        asked_at = self._asked_at
        if asked_at is not None and time.monotonic() - asked_at > NEWER_WAIT:
            return False
        return self._lock.acquire(timeout=NEWER_WAIT)

    def _renew(self, now: float) -> Copy[T]:
        shared = self._shared_copy(now)
        if shared is not None and now < shared.due_at:
            self._copy = shared
            return shared
        began_at = time.monotonic()
        try:
            return self._fetch(now)
        except ProtocolError as error:
            self._failures += 1
            self._failure = error
            self._remember_if_slow(error, seconds=time.monotonic() - began_at)
            known = self._copy or shared
            if known is None:
                raise
            logger.warning("expired provider document still in use: %s", error.reason)
            self._copy = replace(known, due_at=now + RETRY_INTERVAL)
            return self._copy

    def _remember_if_slow(self, error: ProtocolError, *, seconds: float) -> None:
        """Remember slow failures: a server that fails just before each timeout would block thread after thread."""
        self._slow_failure = copy_of(error) if seconds > SLOW else None
        self._spared_until = time.monotonic() + 2 * seconds

    def _fetch(self, now: float) -> Copy[T]:
        request = Request(method="GET", url=self.url, headers={"Accept": "application/json"}, max_bytes=MAX_DOCUMENT)
        self._asked_at = time.monotonic()
        try:
            response = self._transport.send(request)
        except ResponseInvalid as error:
            raise MetadataInvalid(error.reason) from error
        finally:
            self._asked_at = None
        check_status(response, now=now)
        try:
            body = response.body.decode()
        except UnicodeDecodeError as error:
            raise MetadataInvalid("json") from error
        copy = Copy(value=self._parse(read_json(body)), body=body, fetched_at=now, due_at=now + age_of(response))
        self._copy, self._slow_failure = copy, None
        if self._store is not None:
            self._store.set(self._store_key, (copy.body, copy.fetched_at, copy.due_at), timeout=KEPT)
        return copy

    def _shared_copy(self, now: float) -> Copy[T] | None:
        """Return the copy that another process shares, validated again, or `None` if there is no valid one."""
        shared = self._store.get(self._store_key) if self._store is not None else None
        if shared is None:
            return None
        try:
            body, fetched_at, due_at = shared
            due_at = min(float(due_at), now + MAX_AGE)
            return Copy(value=self._parse(read_json(str(body))), body=body, fetched_at=float(fetched_at), due_at=due_at)
        except (ProtocolError, TypeError, ValueError, OverflowError):
            return None


def check_status(response: Response, *, now: float) -> None:
    """Only a response with status 200 contains a document (Discovery 4.2)."""
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable("document", retry_after=retry_after(response, now))
    if response.status != 200:
        raise MetadataInvalid("status", evidence=Evidence.of(expected="HTTP 200", seen=f"HTTP {response.status}"))


def read_json(body: str) -> object:
    """Return the JSON value of a document, or raise `MetadataInvalid`."""
    try:
        return strict_json(body)
    except ResponseInvalid as error:
        raise MetadataInvalid(error.reason) from error


def age_of(response: Response) -> int:
    """Return how long a document may be used, from its `Cache-Control`, within limits (RFC 9111 5.2.2)."""
    header = response.headers.get("cache-control", "").lower()
    if "no-store" in header or "no-cache" in header:
        return MIN_AGE
    stated = _MAX_AGE.search(header)
    return min(max(int(stated[1]), MIN_AGE), MAX_AGE) if stated else DEFAULT_AGE
