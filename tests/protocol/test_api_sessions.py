"""How a session for an API connects: the provider's rules hold for it, whatever the API answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from oidc_login.protocol.http.api_session import BearerSession, TokenNotSent
from oidc_login.protocol.http.client import Transport
from tests.support.servers import Authority, Behaviour, Peer, Server, answer, answering, make_authority, serve

PUBLIC = "93.184.216.34"
SHORT = 0.3
# What a bounded call may take at most on a busy machine; an unbounded one takes for ever.
BOUNDED = 2.0


class Source:
    """One token, which is never replaced."""

    def get(self) -> str:
        return "the token"

    def replace(self, refused: str) -> str | None:
        return None

    def give_up(self, refused: str) -> None: ...


def session(**options: Any) -> BearerSession:
    return BearerSession(Source(), transport=Transport(**{"timeout": 5.0, **options}))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls") / "one")


@pytest.fixture
def internal() -> Iterator[Server]:
    """What must not be reached from outside."""
    with serve(answering(answer(b'"secret"'))) as server:
        yield server


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public address leads to this machine."""
    connect = socket.socket.connect

    def rerouted(self: socket.socket, address: Any) -> None:
        connect(self, ("127.0.0.1", address[1]) if address[0] == PUBLIC else address)

    monkeypatch.setattr(socket.socket, "connect", rerouted)


# Where it leads


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_connects_to_no_private_address_where_that_is_refused(internal: Server, host: str) -> None:
    with pytest.raises(TokenNotSent, match="private"):
        session(refuse_private_addresses=True).get(internal.url(host=host))

    assert internal.connections == 0


@pytest.mark.usefixtures("public")
def test_a_redirect_to_a_private_address_is_not_followed(internal: Server, authority: Authority) -> None:
    moved = answer(b"", f"Location: {internal.url()}", status="302 Found")
    with serve(answering(moved), tls=authority.server_context("api.example")) as api:
        calls = session(refuse_private_addresses=True, ca_bundle=authority.bundle, resolver=lambda host: resolved(host))
        with pytest.raises(TokenNotSent, match="private"):
            calls.get(api.url(host="api.example"))

    assert len(api.requests) == 1
    assert internal.connections == 0


def resolved(host: str) -> list[str]:
    return [PUBLIC] if host == "api.example" else ["127.0.0.1"]


def test_the_name_is_looked_up_once(internal: Server) -> None:
    """Whoever answers for the name cannot answer otherwise after the check (DNS rebinding)."""
    asked = []

    def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    session(resolver=resolver).get(internal.url())

    assert asked == ["localhost"]


# Certificates


def test_certificates_are_verified(authority: Authority) -> None:
    with serve(answering(answer()), tls=authority.server_context("localhost")) as api:
        with pytest.raises(requests.exceptions.SSLError):
            session().get(api.url())
        assert api.requests == []
        assert session(ca_bundle=authority.bundle).get(api.url()).status_code == 200
        assert session().get(api.url(), verify=authority.bundle).status_code == 200


def test_verification_cannot_be_switched_off(authority: Authority) -> None:
    with serve(answering(answer()), tls=authority.server_context("localhost")) as api:
        with pytest.raises(TokenNotSent, match="verified"):
            session().get(api.url(), verify=False)
        assert api.connections == 0


def test_a_bundle_for_one_call_vouches_in_no_other(authority: Authority, tmp_path: Path) -> None:
    with serve(answering(answer()), tls=authority.server_context("localhost")) as api:
        calls = session()
        assert calls.get(api.url(), verify=authority.bundle).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            calls.get(api.url())


# Time


def silent(peer: Peer) -> None:
    peer.receive()
    peer.hang()


def dripping_headers(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 1000)


def dripping_body(peer: Peer) -> None:
    peer.receive()
    peer.send(answer(b"x" * 10_000)[:-10_000])
    peer.drip(b"x" * 10_000)


def moving(peer: Peer) -> None:
    while peer.receive():
        time.sleep(SHORT / 4)
        peer.send(answer(b"", "Location: /again", status="302 Found"))


@pytest.mark.parametrize("behaviour", [silent, dripping_headers, dripping_body, moving], ids=lambda b: b.__name__)
@pytest.mark.parametrize("given", [None, SHORT, (SHORT / 2, SHORT / 2)], ids=["the provider's", "one", "two"])
def test_one_deadline_covers_the_whole_call(behaviour: Behaviour, given: Any) -> None:
    with serve(behaviour) as api:
        calls = session(timeout=SHORT if given is None else 60)
        began = time.monotonic()
        with pytest.raises(requests.exceptions.Timeout):
            calls.get(api.url(), timeout=given)
        assert time.monotonic() - began < BOUNDED


def test_a_stream_may_take_longer_than_its_time_out() -> None:
    """Its caller reads on when it likes; each part comes in time."""

    def slowly(peer: Peer) -> None:
        peer.receive()
        peer.send(answer(b"x" * 8)[:-8])
        for _ in range(8):
            time.sleep(SHORT / 4)
            peer.send(b"x")

    with serve(slowly) as api:
        response = session(timeout=SHORT).get(api.url(), stream=True)
        assert b"".join(response.iter_content(1)) == b"x" * 8


def test_a_stream_that_stops_is_given_up() -> None:
    def stop(peer: Peer) -> None:
        peer.receive()
        peer.send(answer(b"xx")[:-1])
        peer.hang()

    with serve(stop) as api:
        response = session(timeout=SHORT).get(api.url(), stream=True)
        began = time.monotonic()
        with pytest.raises(requests.exceptions.ConnectionError):
            list(response.iter_content(1))
        assert time.monotonic() - began < BOUNDED


def test_a_connection_is_kept_for_the_next_call(internal: Server) -> None:
    calls = session()
    for _ in range(3):
        assert calls.post(internal.url(), data=b"a").json() == "secret"

    assert internal.connections == 1
