"""Exchanges through an egress proxy: everything that holds without it holds in the tunnel."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable
from oidc_login.protocol.http.bounds import CircuitBreaker
from oidc_login.protocol.http.client import Request, Transport
from oidc_login.protocol.http.proxy import Proxy
from tests.protocol.proxies import OPENED, tunnelling
from tests.protocol.test_api_sessions import session
from tests.support.servers import Authority, Behaviour, Peer, Server, answer, answering, make_authority, serve

SHORT = 0.3
BOUNDED = 2.0
PUBLIC = "93.184.216.34"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls") / "one")


@pytest.fixture
def op(authority: Authority) -> Iterator[Server]:
    """A provider that no name leads to from here."""
    with serve(answering(answer(b'{"a": 1}')), tls=authority.server_context("op.example")) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Server]:
    with serve(tunnelling()) as server:
        yield server


def unknown(host: str) -> list[str]:
    raise AssertionError(f"{host} was looked up")


def through(proxy: Server, authority: Authority, credentials: str = "", **options: Any) -> Transport:
    url = f"http://{credentials}127.0.0.1:{proxy.port}"
    defaults = {"timeout": 5.0, "breaker": CircuitBreaker(), "ca_bundle": authority.bundle, "resolver": unknown}
    return Transport(**{**defaults, "proxy": url, **options})


def get(url: str) -> Request:
    return Request(method="GET", url=url)


# What goes where


def test_an_exchange_goes_through_the_tunnel(op: Server, proxy: Server, authority: Authority) -> None:
    """The proxy looks the name up: this machine may know no names of others."""
    transport = through(proxy, authority)

    for _ in range(2):
        assert transport.send(get(op.url(host="op.example"))).json() == {"a": 1}

    assert [(asked.method, asked.target) for asked in proxy.requests] == [("CONNECT", f"op.example:{op.port}")]
    assert len(op.requests) == 2


def test_credentials_are_for_the_proxy_alone(op: Server, proxy: Server, authority: Authority) -> None:
    through(proxy, authority, "us%40er:p%3Ass@").send(get(op.url(host="op.example")))

    expected = "Basic " + base64.b64encode(b"us@er:p:ss").decode()
    assert proxy.requests[0].headers["proxy-authorization"] == expected
    assert "proxy-authorization" not in op.requests[0].headers


def test_connections_of_two_proxies_are_kept_apart(op: Server, proxy: Server, authority: Authority) -> None:
    with serve(tunnelling()) as other:
        for one in (proxy, other):
            through(one, authority).send(get(op.url(host="op.example")))
        assert (proxy.connections, other.connections) == (1, 1)


def test_a_call_of_an_api_goes_through_the_tunnel(op: Server, proxy: Server, authority: Authority) -> None:
    calls = session(proxy=f"http://127.0.0.1:{proxy.port}", ca_bundle=authority.bundle, resolver=unknown)

    assert calls.get(op.url(host="op.example")).json() == {"a": 1}
    assert [asked.target for asked in proxy.requests] == [f"op.example:{op.port}"]
    assert op.requests[0].headers["authorization"] == "Bearer the token"


def test_a_proxy_of_one_call_is_refused(op: Server, proxy: Server) -> None:
    """It would be spoken to without the checks of the provider's own."""
    with pytest.raises(requests.exceptions.InvalidURL, match="argument proxy"):
        session().get(op.url(host="op.example"), proxies={"https": f"http://127.0.0.1:{proxy.port}"})

    assert proxy.connections == 0


# TLS


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_the_certificate_is_verified_inside_the_tunnel(
    op: Server, proxy: Server, authority: Authority, host: str
) -> None:
    with pytest.raises(ProviderUnavailable, match="tls"):
        through(proxy, authority).send(get(op.url(host=host)))

    assert len(proxy.requests) == 1
    assert op.requests == []


def test_an_unknown_authority_does_not_vouch_inside_the_tunnel(op: Server, proxy: Server, authority: Authority) -> None:
    with pytest.raises(ProviderUnavailable, match="tls"):
        through(proxy, authority, ca_bundle=None).send(get(op.url(host="op.example")))

    assert op.requests == []


def test_plain_http_for_this_machine_does_not_leave_it(authority: Authority) -> None:
    asked = []

    def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    transport = Transport(proxy="http://proxy.example:3128", resolver=resolver, breaker=CircuitBreaker())
    with pytest.raises(MetadataInvalid, match="url"):
        transport.send(get("http://localhost/token"))

    assert asked == []


# Addresses


@pytest.mark.parametrize("host", ["op.example", "127.0.0.1", "169.254.169.254"])
def test_a_private_address_is_refused_before_the_proxy_is_asked(proxy: Server, authority: Authority, host: str) -> None:
    transport = through(proxy, authority, refuse_private_addresses=True, resolver=lambda _host: [PUBLIC, "10.0.0.1"])
    with pytest.raises(MetadataInvalid, match="private_address"):
        transport.send(get(f"https://{host}/"))

    assert proxy.connections == 0


def test_the_proxy_is_asked_for_the_address_that_was_checked(op: Server, proxy: Server, authority: Authority) -> None:
    """Else the name could lead elsewhere when the proxy looks it up (DNS rebinding)."""
    transport = through(proxy, authority, refuse_private_addresses=True, resolver=lambda _host: [PUBLIC])

    assert transport.send(get(op.url(host="op.example"))).status == 200

    assert [asked.target for asked in proxy.requests] == [f"{PUBLIC}:{op.port}"]


def test_a_name_that_cannot_be_checked_is_not_asked_for(proxy: Server, authority: Authority) -> None:
    def nobody(_host: str) -> list[str]:
        raise OSError("no such name")

    transport = through(proxy, authority, refuse_private_addresses=True, resolver=nobody)
    with pytest.raises(ProviderUnavailable, match="dns"):
        transport.send(get("https://op.example/"))

    assert proxy.connections == 0


def test_an_ipv6_address_is_written_in_brackets(proxy: Server, authority: Authority) -> None:
    transport = through(proxy, authority, refuse_private_addresses=True, resolver=lambda _host: ["2606:2800:220:1::1"])
    with pytest.raises(ProviderUnavailable):
        transport.send(get("https://op.example:1/"))

    assert [asked.target for asked in proxy.requests] == ["[2606:2800:220:1::1]:1"]


# A proxy that fails


def refusing(status: str) -> Behaviour:
    return answering(answer(b"no", status=status))


def saying(data: bytes) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.receive()
        peer.send(data)

    return behave


def silent(peer: Peer) -> None:
    peer.receive()
    peer.hang()


def dripping(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 1000)


FAILURES: dict[str, tuple[Behaviour, str]] = {
    "asks for a password": (refusing("407 Proxy Authentication Required"), "proxy"),
    "forbids": (refusing("403 Forbidden"), "proxy"),
    "cannot reach it": (refusing("502 Bad Gateway"), "proxy"),
    "closes": (lambda peer: None, "proxy"),
    "resets": (lambda peer: peer.reset(), "proxy"),
    "says more": (saying(OPENED + b"HTTP/1.1 200 OK\r\n\r\n"), "proxy"),
    "says too much": (saying(OPENED[:-2] + b"X: y\r\n" * 9000), "proxy"),
    "speaks something else": (saying(b"SSH-2.0-x\r\n\r\n"), "proxy"),
    "is silent": (silent, "timeout"),
    "drips": (dripping, "timeout"),
}


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_proxy_that_fails_makes_the_provider_unavailable(
    behaviour: Behaviour, reason: str, authority: Authority
) -> None:
    with serve(behaviour) as server:
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable) as caught:
            through(server, authority, timeout=SHORT).send(get("https://op.example/"))
        assert caught.value.reason == reason
        assert time.monotonic() - began < BOUNDED


def test_a_proxy_that_is_not_there_makes_the_provider_unavailable(authority: Authority) -> None:
    transport = Transport(timeout=5, proxy="http://127.0.0.1:1", breaker=CircuitBreaker())
    with pytest.raises(ProviderUnavailable, match="proxy"):
        transport.send(get("https://op.example/"))


def test_a_proxy_that_fails_opens_no_circuit_of_another_way(op: Server, authority: Authority) -> None:
    breaker = CircuitBreaker()
    with serve(refusing("502 Bad Gateway")) as broken, serve(tunnelling()) as working:
        for _ in range(6):
            with pytest.raises(ProviderUnavailable):
                through(broken, authority, breaker=breaker).send(get(op.url(host="op.example")))
        response = through(working, authority, breaker=breaker).send(get(op.url(host="op.example")))

    assert response.status == 200


# Its URL


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example", "proxy.example", 80),
        ("http://proxy.example:3128/", "proxy.example", 3128),
        ("http://10.0.0.1:8080", "10.0.0.1", 8080),
        ("http://[::1]:3128", "::1", 3128),
    ],
)
def test_reads_the_url_of_a_proxy(url: str, host: str, port: int) -> None:
    assert Proxy.from_url(url) == Proxy(host=host, port=port)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy.example:3128",
        "https://proxy.example",
        "socks5://proxy.example",
        "http://",
        "http://proxy.example/path",
        "http://proxy.example?query",
        "http://proxy.example#fragment",
        "http://proxy.example:0",
        "http://proxy.example:port",
        "http://proxy.example:99999",
        "http://proxy example",
        "http://proxy.example\r\nX: y",
        "http://[::1",
        "http://[fe80::1%25eth0]:3128",
    ],
)
def test_refuses_what_is_no_url_of_a_proxy(url: str) -> None:
    with pytest.raises(ValueError):
        Proxy.from_url(url)


def test_a_password_is_not_shown() -> None:
    shown = repr(Proxy.from_url("http://user:canary@proxy.example"))
    with pytest.raises(ValueError) as caught:
        Proxy.from_url("https://user:canary@proxy.example")

    secret = base64.b64encode(b"user:canary").decode()
    assert "canary" not in shown + str(caught.value) and secret not in shown
