"""A bound on simultaneous exchanges: a slow provider holds some threads of a site, and never all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import count
from typing import Any

import pytest

from oidc_login.protocol.documents import CachedDocument
from oidc_login.protocol.errors import ProviderUnavailable
from oidc_login.protocol.http.bounds import Bounds, CircuitBreaker
from oidc_login.protocol.http.client import Request, Transport, time_budget, without_bounds
from tests.support.servers import Peer, Server, answer, serve

# No answer of a site that is given at once takes longer, on a busy machine.
AT_ONCE = 0.2
names = (f"provider {number}" for number in count())


class Slow:
    """A provider that answers once it is let go."""

    def __init__(self, server: Server, released: threading.Event) -> None:
        self.server = server
        self.released = released

    def wait_for(self, number: int) -> None:
        until = time.monotonic() + 5
        while len(self.server.requests) < number:
            assert time.monotonic() < until
            time.sleep(0.01)


@contextmanager
def slow_provider() -> Iterator[Slow]:
    released = threading.Event()

    def behave(peer: Peer) -> None:
        while peer.receive():
            released.wait(10)
            peer.send(answer(b"{}"))

    with serve(behave) as server:
        try:
            yield Slow(server, released)
        finally:
            released.set()


@pytest.fixture
def slow() -> Iterator[Slow]:
    with slow_provider() as provider:
        yield provider


@pytest.fixture
def pool(slow: Slow) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads
        slow.released.set()


def bounded(name: str, *, each: int = 2, total: int = 100) -> Transport:
    transport = Transport(timeout=10, breaker=CircuitBreaker())
    transport.bounds = Bounds(name=name, each=each, total=total)
    return transport


def send(transport: Transport, slow: Slow) -> int:
    return transport.send(Request(method="GET", url=slow.server.url())).status


def send_each(pool: ThreadPoolExecutor, transport: Transport, slow: Slow, number: int) -> list[Future[int]]:
    """Begin so many exchanges and wait until all are under way."""
    seen = len(slow.server.requests)
    running = [pool.submit(send, transport, slow) for _ in range(number)]
    slow.wait_for(seen + number)
    return running


def assert_refused_at_once(call: Callable[[], Any]) -> None:
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable) as caught:
        call()
    assert time.monotonic() - began < AT_ONCE
    assert (caught.value.reason, caught.value.retry_after) == ("too_many_exchanges", 5)


def test_one_exchange_too_many_is_refused_at_once(slow: Slow, pool: ThreadPoolExecutor) -> None:
    transport = bounded(next(names))
    running = send_each(pool, transport, slow, 2)

    for _ in range(10):
        assert_refused_at_once(lambda: send(transport, slow))
    slow.released.set()

    assert [future.result() for future in running] == [200, 200]
    assert len(slow.server.requests) == 2
    # What was refused is no missing answer: the circuit is closed.
    assert send(transport, slow) == 200


def test_the_bound_is_for_a_provider_whoever_asks_it(slow: Slow, pool: ThreadPoolExecutor) -> None:
    """Its object is made again when its settings change."""
    name = next(names)
    send_each(pool, bounded(name), slow, 2)

    assert_refused_at_once(lambda: send(bounded(name), slow))


def test_another_provider_has_places_of_its_own(slow: Slow, pool: ThreadPoolExecutor) -> None:
    send_each(pool, bounded(next(names)), slow, 2)

    with slow_provider() as other:
        other.released.set()
        assert send(bounded(next(names)), other) == 200


def test_all_providers_together_have_a_bound(slow: Slow, pool: ThreadPoolExecutor) -> None:
    for _ in range(2):
        send_each(pool, bounded(next(names), total=4), slow, 2)

    with slow_provider() as other:
        other.released.set()
        assert_refused_at_once(lambda: send(bounded(next(names), total=4), other))
        assert send(bounded(next(names), total=5), other) == 200


def test_who_has_begun_to_talk_to_a_provider_is_not_cut_off(slow: Slow, pool: ThreadPoolExecutor) -> None:
    """A code that was exchanged is lost where userinfo cannot be asked."""
    transport = bounded(next(names), each=2)
    slow.released.set()
    with time_budget(20):
        assert send(transport, slow) == 200
        slow.released.clear()
        send_each(pool, transport, slow, 1)
        assert_refused_at_once(lambda: copy_context().run(pool.submit(send, transport, slow).result))
        slow.released.set()
        assert send(transport, slow) == 200
        with time_budget(20):
            assert send(transport, slow) == 200


def test_a_place_is_free_again_after_a_failure() -> None:
    transport = bounded(next(names), each=1)
    for _ in range(2):
        with time_budget(20), pytest.raises(ProviderUnavailable, match="connect"):
            transport.send(Request(method="GET", url="http://127.0.0.1:1/"))
        with pytest.raises(ProviderUnavailable, match="connect"):
            transport.send(Request(method="GET", url="http://127.0.0.1:1/"))


def test_a_command_has_as_many_as_its_operator_says(slow: Slow, pool: ThreadPoolExecutor) -> None:
    transport = bounded(next(names))

    def unbounded() -> int:
        with without_bounds():
            return send(transport, slow)

    running = [pool.submit(unbounded) for _ in range(6)]
    slow.wait_for(6)
    slow.released.set()
    assert [future.result() for future in running] == [200] * 6


def test_those_who_wait_for_a_document_are_counted(slow: Slow, pool: ThreadPoolExecutor) -> None:
    """One asks, one waits for the answer, and the others wait no longer than a moment."""
    document = CachedDocument(slow.server.url(), parse=lambda found: found, transport=bounded(next(names)))
    outcomes: list[Any] = []

    def read() -> None:
        try:
            outcomes.append(document.get(now=0))
        except ProviderUnavailable as error:
            outcomes.append(error.reason)

    running = [pool.submit(read) for _ in range(8)]
    until = time.monotonic() + 5
    while len(outcomes) < 6 and time.monotonic() < until:
        time.sleep(0.01)
    assert outcomes == ["too_many_exchanges"] * 6
    slow.released.set()
    for future in running:
        future.result()

    assert outcomes[6:] == [{}, {}]
    assert len(slow.server.requests) == 1
