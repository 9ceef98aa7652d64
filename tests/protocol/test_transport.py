"""HTTP with hostile and broken providers: real sockets and real TLS on loopback."""

from __future__ import annotations

import gzip
import logging
import os
import secrets
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from oidc_login.protocol.errors import MetadataInvalid, ProviderUnavailable, ResponseInvalid
from oidc_login.protocol.http.addresses import is_public_address
from oidc_login.protocol.http.bounds import CircuitBreaker
from oidc_login.protocol.http.client import (
    Request,
    Response,
    Transport,
    check_url,
    retry_after,
    strict_json,
    time_budget,
)
from tests.support.servers import (
    Authority,
    Behaviour,
    Peer,
    Server,
    answer,
    answering,
    make_authority,
    self_signed_context,
    serve,
)

SHORT = 0.2
# Made up at run time: a traceback quotes the lines of this file.
CANARY = secrets.token_hex(16)
# What a bounded exchange may take at most on a busy machine; an unbounded one takes for ever.
BOUNDED = 2.0


def new_transport(**options: Any) -> Transport:
    """A transport that shares no breaker with other tests."""
    return Transport(**{"timeout": 5.0, "breaker": CircuitBreaker(), **options})


def get(url: str, **options: Any) -> Request:
    return Request(method="GET", url=url, **options)


def post(url: str, body: bytes = b"code=c", **options: Any) -> Request:
    return Request(method="POST", url=url, body=body, **options)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls") / "one")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls") / "other")


@pytest.fixture
def op() -> Iterator[Server]:
    with serve(answering(answer(b'{"a": 1}'))) as server:
        yield server


# One exchange


def test_sends_what_was_asked_and_returns_what_was_answered(op: Server) -> None:
    response = new_transport().send(post(op.url("/token?a=b"), b"code=c", headers={"Authorization": "Basic eA=="}))

    assert (response.status, response.content_type, response.json()) == (200, "application/json", {"a": 1})
    assert response.headers["content-length"] == "8"
    (received,) = op.requests
    assert (received.method, received.target, received.body) == ("POST", "/token?a=b", b"code=c")
    assert received.headers["authorization"] == "Basic eA=="


def test_asks_for_an_unencoded_answer_and_names_the_package(op: Server) -> None:
    new_transport().send(get(op.url(), headers={"accept-encoding": "gzip"}))

    headers = op.requests[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("django-oidc-login/")


def test_a_provider_that_demands_its_own_user_agent_gets_it(op: Server) -> None:
    new_transport().send(get(op.url(), headers={"user-agent": "site/1.0"}))

    assert op.requests[0].headers["user-agent"] == "site/1.0"


def test_log_of_the_layer_below_holds_no_query(op: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Some provider wants a secret there, and urllib3 logs what it asks for."""
    with caplog.at_level(logging.DEBUG):
        new_transport().send(get(op.url(f"/exchange?client_secret={CANARY}")))

    assert "/exchange" in caplog.text
    assert CANARY not in caplog.text


def test_requests_of_others_are_logged_as_ever(op: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        requests.get(op.url("/search?q=ada"), timeout=5)

    assert "/search?q=ada" in caplog.text


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        pytest.param("Application/JSON; charset=UTF-8", "application/json", id="parameters and case"),
        pytest.param(None, "", id="absent"),
    ],
)
def test_reduces_the_content_type_to_the_media_type(header: str | None, media_type: str) -> None:
    line = f"Content-Type: {header}\r\n".encode() if header else b""
    with serve(answering(b"HTTP/1.1 200 OK\r\n" + line + b"Content-Length: 0\r\n\r\n")) as server:
        assert new_transport().send(get(server.url())).content_type == media_type


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_does_not_follow_redirects(op: Server, status: str) -> None:
    redirect = answer(b"", f"Location: {op.url('/elsewhere')}", status=status)
    with serve(answering(redirect)) as server:
        response = new_transport().send(post(server.url()))

    assert response.status == int(status[:3])
    assert response.headers["location"] == op.url("/elsewhere")
    assert not op.requests


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "429 Slow", "500 Oops", "503 Busy"])
def test_returns_error_statuses_without_asking_again(status: str) -> None:
    with serve(answering(answer(b"{}", "Retry-After: 0", status=status))) as server:
        assert new_transport().send(get(server.url())).status == int(status[:3])

    assert len(server.requests) == 1


def test_keeps_no_cookies() -> None:
    with serve(answering(answer(b"{}", "Set-Cookie: session=1; Path=/"))) as server:
        transport = new_transport()
        transport.send(get(server.url()))
        transport.send(get(server.url()))

    assert not any("cookie" in received.headers for received in server.requests)


def test_ignores_netrc_and_proxies_of_the_environment(
    op: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login someone password hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")

    assert new_transport().send(get(op.url())).status == 200
    assert "authorization" not in op.requests[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://op.example/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://user@localhost/",
        "//localhost/",
    ],
)
def test_sends_nothing_to_an_unacceptable_url(url: str) -> None:
    with pytest.raises(MetadataInvalid):
        new_transport(resolver=unexpected_call).send(get(url))


def test_refuses_a_header_that_would_become_two(op: Server) -> None:
    with pytest.raises(ResponseInvalid, match="request_header") as caught:
        new_transport().send(get(op.url(), headers={"Authorization": f"Bearer {CANARY}\r\nX-Admin: 1"}))

    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert not op.requests


# Deadlines


def silent(peer: Peer) -> None:
    peer.receive()
    peer.hang()


def dripping_headers(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Header: value\r\n" * 1000)


def dripping_body(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    peer.drip(b"x" * 10_000)


def dripping_chunks(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"1\r\nx\r\n" * 2000)


def interim_answers_for_ever(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def body_never_read(peer: Peer) -> None:
    peer.hang()


SLOW = [silent, dripping_headers, dripping_body, dripping_chunks, interim_answers_for_ever]


@pytest.mark.parametrize("behaviour", SLOW, ids=lambda behaviour: behaviour.__name__)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_one_deadline_covers_the_whole_exchange(behaviour: Behaviour, scheme: str, authority: Authority) -> None:
    tls = authority.server_context("localhost") if scheme == "https" else None
    with serve(behaviour, tls=tls) as server:
        assert_times_out(new_transport(timeout=SHORT, ca_bundle=authority.bundle), post(server.url()))


def test_the_deadline_covers_sending() -> None:
    with serve(body_never_read) as server:
        assert_times_out(new_transport(timeout=SHORT), post(server.url(), b"x" * 30_000_000))


def test_the_deadline_covers_a_server_that_never_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}/"
        assert_times_out(new_transport(timeout=SHORT), get(url))


def test_the_deadline_covers_the_tls_handshake(authority: Authority) -> None:
    with serve(body_never_read) as server:
        url = server.url().replace("http:", "https:")
        assert_times_out(new_transport(timeout=SHORT, ca_bundle=authority.bundle), get(url))


def test_the_deadline_covers_a_dripped_tls_handshake(authority: Authority) -> None:
    # The header of a handshake record of 16 kB, and then its body.
    with serve(lambda peer: peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 16_384)) as server:
        url = server.url().replace("http:", "https:")
        assert_times_out(new_transport(timeout=SHORT, ca_bundle=authority.bundle), get(url))


def test_the_deadline_covers_the_name_lookup() -> None:
    woken = threading.Event()

    def hanging_resolver(_host: str) -> list[str]:
        woken.wait(30)
        return []

    assert_times_out(new_transport(timeout=SHORT, resolver=hanging_resolver), get("https://op.example/"))
    woken.set()


def test_a_kept_connection_gets_the_deadline_of_its_exchange() -> None:
    def answer_once(peer: Peer) -> None:
        peer.receive()
        peer.send(answer())
        dripping_headers(peer)

    with serve(answer_once) as server:
        new_transport(timeout=5).send(get(server.url()))
        assert_times_out(new_transport(timeout=SHORT), get(server.url()))

    assert server.connections == 1


def test_exchanges_inside_a_time_budget_share_it() -> None:
    with serve(silent) as server, time_budget(SHORT):
        transport = new_transport(timeout=10)
        assert_times_out(transport, get(server.url()))
        assert_times_out(transport, get(server.url()))

    assert len(server.requests) == 1


def test_a_nested_time_budget_never_extends_the_outer_one() -> None:
    with serve(silent) as server, time_budget(SHORT), time_budget(60):
        assert_times_out(new_transport(timeout=10), get(server.url()))


def test_a_nested_time_budget_ends_with_its_block(op: Server) -> None:
    with time_budget(60):
        with time_budget(0), pytest.raises(ProviderUnavailable, match="timeout"):
            new_transport().send(get(op.url()))
        assert new_transport().send(get(op.url())).status == 200


def assert_times_out(transport: Transport, request: Request) -> None:
    begun = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="timeout"):
        transport.send(request)
    assert time.monotonic() - begun < BOUNDED


# Sizes and malformed answers


def test_accepts_a_body_of_exactly_the_limit() -> None:
    with serve(answering(answer(b"x" * 1000))) as server:
        assert len(new_transport().send(get(server.url(), max_bytes=1000)).body) == 1000


def endless(head: bytes, piece: bytes) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.receive()
        peer.send(head)
        while not peer.server.stopped.is_set():
            peer.send(piece)

    return behave


HEAD = b"HTTP/1.1 200 OK\r\n"
INVALID: dict[str, tuple[str, Behaviour]] = {
    "body over the limit": ("too_large", answering(answer(b"x" * 1001))),
    "huge announced length": (
        "too_large",
        endless(HEAD + b"Content-Length: 9999999999\r\n\r\n", b"x" * 4096),
    ),
    "length beyond counting": (
        "too_large",
        endless(HEAD + b"Content-Length: 1" + b"0" * 6000 + b"\r\n\r\n", b"x"),
    ),
    "endless body": ("too_large", endless(HEAD + b"\r\n", b"x" * 4096)),
    "endless chunks": (
        "too_large",
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    ),
    "gzip": ("content_encoding", answering(answer(gzip.compress(b"{}"), "Content-Encoding: gzip"))),
    "encoded twice": ("content_encoding", answering(answer(b"{}", "Content-Encoding: identity, br"))),
    "encoded by the first of two": (
        "content_encoding",
        answering(answer(b"{}", "Content-Encoding: br", "Content-Encoding: identity")),
    ),
    "too many headers": ("headers", answering(answer(b"{}", *(f"X-{i}: 1" for i in range(200))))),
    "endless headers": ("headers", endless(HEAD, b"X-Header: value\r\n")),
    "a header too long": ("headers", answering(answer(b"{}", "X-Long: " + "x" * 70_000))),
    "no HTTP": ("headers", endless(b"SSH-2.0-OpenSSH_9.2\r\n", b"\r\n")),
    "lengths that differ": ("headers", answering(answer(b"{}", "Content-Length: 1"))),
    "early hints": ("status", answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer())),
}


@pytest.mark.parametrize(("reason", "behaviour"), INVALID.values(), ids=INVALID)
def test_refuses_an_answer_it_cannot_read_safely(reason: str, behaviour: Behaviour) -> None:
    with serve(behaviour) as server:
        with pytest.raises(ResponseInvalid) as caught:
            new_transport().send(get(server.url(), max_bytes=1000))
        assert caught.value.reason == reason


@pytest.mark.parametrize(("reason", "behaviour"), INVALID.values(), ids=INVALID)
def test_does_not_use_a_connection_after_an_unreadable_answer(reason: str, behaviour: Behaviour) -> None:
    with serve(behaviour) as server:
        transport = new_transport()
        for _ in range(2):
            with pytest.raises(ResponseInvalid, match=reason):
                transport.send(get(server.url(), max_bytes=1000))

        assert server.connections == 2


def test_closes_the_connection_of_an_unreadable_answer_at_once() -> None:
    with serve(endless(HEAD + b"\r\n", b"x" * 4096)) as server:
        # The error is held on to, as an error report would: it must not keep the connection open.
        with pytest.raises(ResponseInvalid) as caught:
            new_transport().send(get(server.url(), max_bytes=1000))
        assert server.closed.acquire(timeout=5)
        assert caught.value.__traceback__ is not None


def truncated(peer: Peer) -> None:
    peer.receive()
    peer.send(answer(b"{}")[:-1])


def reset_after_request(peer: Peer) -> None:
    peer.receive()
    peer.reset()


def closed_after_request(peer: Peer) -> None:
    peer.receive()


@pytest.mark.parametrize(
    "behaviour",
    [truncated, reset_after_request, closed_after_request],
    ids=lambda behaviour: behaviour.__name__,
)
def test_a_connection_that_breaks_is_no_answer(behaviour: Behaviour) -> None:
    with serve(behaviour) as server, pytest.raises(ProviderUnavailable, match="connection_closed"):
        new_transport().send(post(server.url()))


def test_a_connection_reset_at_once_is_no_answer() -> None:
    # The reset arrives while connecting or soon after.
    with serve(lambda peer: peer.reset()) as server, pytest.raises(ProviderUnavailable) as caught:
        new_transport().send(post(server.url()))
    assert caught.value.reason in ("connect", "connection_closed")


# Connections


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(answer(b"x" * 5000), id="body"),
        pytest.param(answer(b""), id="empty body"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="no content"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", id="chunked"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_keeps_a_connection_for_the_next_exchange(first: bytes, scheme: str, authority: Authority) -> None:
    tls = authority.server_context("localhost") if scheme == "https" else None
    with serve(answering(first, answer()), tls=tls) as server:
        for _ in range(4):
            # Transports come and go with each request of a site; the connections stay.
            new_transport(ca_bundle=authority.bundle).send(post(server.url()))

    assert (server.connections, len(server.requests)) == (1, 4)


def test_replaces_a_connection_that_the_server_closed_before_posting_again() -> None:
    def answer_once(peer: Peer) -> None:
        peer.receive()
        peer.send(answer())

    with serve(answer_once) as server:
        transport = new_transport()
        transport.send(get(server.url()))
        assert server.closed.acquire(timeout=5)
        assert transport.send(post(server.url())).status == 200

    assert server.connections == 2
    assert [received.method for received in server.requests] == ["GET", "POST"]


def test_replaces_a_connection_on_which_something_was_said_unasked() -> None:
    answered, said = threading.Event(), threading.Event()

    def say_more(peer: Peer) -> None:
        peer.receive()
        peer.send(answer(b'{"whose": "mine"}'))
        answered.wait(5)
        peer.send(answer(b'{"whose": "somebody else\'s"}'))
        said.set()
        peer.hang()

    with serve(say_more) as server:
        transport = new_transport()
        transport.send(get(server.url()))
        answered.set()
        assert said.wait(5)
        assert transport.send(get(server.url())).json() == {"whose": "mine"}

    assert server.connections == 2


def test_replaces_a_connection_that_was_idle_too_long(op: Server) -> None:
    transport = new_transport(max_idle=0)
    transport.send(get(op.url()))
    transport.send(post(op.url()))

    assert op.connections == 2


@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "kept connection"])
def test_posts_at_most_once_even_when_the_connection_breaks(warm: bool) -> None:
    def break_on_post(peer: Peer) -> None:
        while received := peer.receive():
            if received.method == "POST":
                return peer.reset()
            peer.send(answer())

    with serve(break_on_post) as server:
        transport = new_transport()
        if warm:
            transport.send(get(server.url()))
        with pytest.raises(ProviderUnavailable):
            transport.send(post(server.url()))

    assert [received.method for received in server.requests].count("POST") == 1


def test_threads_share_a_session_and_get_each_their_own_answer() -> None:
    def echo(peer: Peer) -> None:
        while received := peer.receive():
            peer.send(answer(received.body))

    bodies = [f"code={number}".encode() for number in range(200)]
    with serve(echo) as server, ThreadPoolExecutor(50) as threads:
        answers = threads.map(lambda body: new_transport().send(post(server.url(), body)).body, bodies)
        assert list(answers) == bodies

    assert len(server.requests) == len(bodies)
    assert server.connections <= 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_makes_connections_of_its_own(op: Server) -> None:
    transport = new_transport()
    transport.send(get(op.url()))
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if transport.send(get(op.url("/child"))).status == 200 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    transport.send(get(op.url()))

    assert op.connections == 2
    assert [received.target for received in op.requests] == ["/token", "/child", "/token"]


def test_tries_the_next_address_of_a_host(op: Server) -> None:
    transport = new_transport(resolver=lambda _host: ["127.0.0.2", "127.0.0.1"])

    assert transport.send(get(op.url())).status == 200


def test_an_unknown_name_is_a_dns_failure() -> None:
    def unknown(_host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(ProviderUnavailable, match="dns"):
        new_transport(resolver=unknown).send(get("https://op.example/"))


def test_a_refused_connection_is_a_connect_failure() -> None:
    with pytest.raises(ProviderUnavailable, match="connect"):
        new_transport().send(get(f"http://127.0.0.1:{unused_port()}/"))


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def unexpected_call(*_arguments: object) -> Any:
    raise AssertionError("must not be called")


# TLS


def test_verifies_the_certificate_for_the_host_that_was_asked(authority: Authority) -> None:
    asked = []

    def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with serve(answering(answer()), tls=authority.server_context("op.example")) as server:
        transport = new_transport(ca_bundle=authority.bundle, resolver=resolver)
        assert transport.send(get(server.url(host="op.example"))).status == 200

    assert asked == ["op.example"]
    assert server.requests[0].headers["host"] == f"op.example:{server.port}"


def test_verifies_the_certificate_for_an_address(authority: Authority) -> None:
    with serve(answering(answer()), tls=authority.server_context("127.0.0.1")) as server:
        assert new_transport(ca_bundle=authority.bundle).send(get(server.url(host="127.0.0.1"))).status == 200


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(lambda one, _other: one.server_context("other.example"), id="wrong host"),
        pytest.param(lambda one, _other: one.server_context("localhost", expired=True), id="expired"),
        pytest.param(lambda one, _other: self_signed_context(one.folder, "localhost"), id="self-signed"),
        pytest.param(lambda _one, other: other.server_context("localhost"), id="another authority"),
    ],
)
def test_refuses_a_certificate_that_does_not_vouch(
    context: Callable[[Authority, Authority], Any], authority: Authority, other_authority: Authority
) -> None:
    transport = new_transport(ca_bundle=authority.bundle)
    tls = context(authority, other_authority)
    with serve(answering(answer()), tls=tls) as server, pytest.raises(ProviderUnavailable, match="tls"):
        transport.send(post(server.url()))

    assert not server.requests


def test_a_private_authority_is_not_trusted_by_default(authority: Authority) -> None:
    tls = authority.server_context("localhost")
    with serve(answering(answer()), tls=tls) as server, pytest.raises(ProviderUnavailable, match="tls"):
        new_transport().send(get(server.url()))


def test_one_ca_bundle_never_vouches_for_the_hosts_of_another(authority: Authority, other_authority: Authority) -> None:
    with serve(answering(answer()), tls=authority.server_context("localhost")) as server:
        new_transport(ca_bundle=authority.bundle).send(get(server.url()))
        # A verified connection to this very host is kept at this moment.
        with pytest.raises(ProviderUnavailable, match="tls"):
            new_transport(ca_bundle=other_authority.bundle).send(get(server.url()))

    assert len(server.requests) == 1


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated:DeprecationWarning")
def test_refuses_a_server_without_modern_tls(authority: Authority) -> None:
    old = authority.server_context("localhost")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with serve(answering(answer()), tls=old) as server, pytest.raises(ProviderUnavailable):
        new_transport(ca_bundle=authority.bundle).send(get(server.url()))

    assert not server.requests


def test_reads_a_ca_bundle_once_for_all_connections(authority: Authority, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(Path(authority.bundle).read_bytes())
    closing = answering(answer(b"{}", "Connection: close"))
    with serve(closing, tls=authority.server_context("localhost")) as server:
        new_transport(ca_bundle=str(bundle)).send(get(server.url()))
        bundle.unlink()
        new_transport(ca_bundle=str(bundle)).send(get(server.url()))

    assert server.connections == 2


def test_a_missing_ca_bundle_makes_the_provider_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ProviderUnavailable, match="ca_bundle"):
        new_transport(ca_bundle=str(tmp_path / "missing.pem")).send(get("https://localhost/"))


# Addresses that a name given by strangers must not lead to


ADDRESSES = {
    "93.184.216.34": True,
    "2606:2800:220:1:248:1893:25c8:1946": True,
    "::ffff:93.184.216.34": True,
    "0.0.0.0": False,
    "10.0.0.1": False,
    "100.64.0.1": False,
    "127.0.0.1": False,
    "169.254.169.254": False,
    "168.63.129.15": True,
    "168.63.129.16": False,
    "172.15.255.255": True,
    "172.16.0.1": False,
    "172.32.0.1": True,
    "192.0.0.8": False,
    "192.0.0.192": False,
    "192.0.1.1": True,
    "192.0.2.1": False,
    "192.88.99.1": False,
    "192.168.1.1": False,
    "198.18.0.1": False,
    "198.19.255.255": False,
    "198.51.100.1": False,
    "203.0.113.1": False,
    "223.255.255.255": True,
    "224.0.0.1": False,
    "239.255.255.250": False,
    "240.0.0.1": False,
    "255.255.255.255": False,
    "::": False,
    "::1": False,
    "::ffff:127.0.0.1": False,
    "::ffff:a9fe:a9fe": False,
    "64:ff9b::7f00:1": False,
    "64:ff9b:1::a9fe:a9fe": False,
    "100::1": False,
    "2001:0:7f00:1::": False,
    "2001:2::1": False,
    "2001:20::1": False,
    "2001:1ff:ffff::1": False,
    "2001:200::1": True,
    "2001:db8::1": False,
    "2002:7f00:1::": False,
    "3fff::1": False,
    "4000::1": False,
    "5f00::1": False,
    "fc00::1": False,
    "fe80::1": False,
    "fe80::1%lo": False,
    "fec0::1": False,
    "ff02::1": False,
}


@pytest.mark.parametrize(("address", "public"), ADDRESSES.items(), ids=ADDRESSES)
def test_knows_public_addresses(address: str, public: bool) -> None:
    assert is_public_address(address) is public


@pytest.mark.parametrize("host", ["op.example", "localhost", "127.0.0.1"])
def test_connects_to_no_private_address_where_that_is_refused(op: Server, host: str) -> None:
    transport = new_transport(refuse_private_addresses=True, resolver=lambda _host: ["127.0.0.1"])
    scheme = "https" if host == "op.example" else "http"

    with pytest.raises(MetadataInvalid, match="private_address"):
        transport.send(get(f"{scheme}://{host}:{op.port}/"))
    assert op.connections == 0


def test_one_private_address_among_public_ones_is_refused_too() -> None:
    transport = new_transport(
        refuse_private_addresses=True, resolver=lambda _host: ["93.184.216.34", "169.254.169.254"]
    )
    with pytest.raises(MetadataInvalid, match="private_address"):
        transport.send(get("https://op.example/"))


# The circuit breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_circuit_opens_after_five_exchanges_without_an_answer() -> None:
    url = f"http://127.0.0.1:{unused_port()}/"
    transport = new_transport(breaker=CircuitBreaker(clock=Clock()))
    for _ in range(5):
        assert_unavailable(transport, url, "connect")

    error = assert_unavailable(transport, url, "circuit_open")
    assert error.retry_after == 5


@pytest.mark.parametrize(
    "behaviour", [silent, reset_after_request, dripping_body], ids=lambda behaviour: behaviour.__name__
)
def test_every_kind_of_silence_opens_the_circuit(behaviour: Behaviour) -> None:
    with serve(behaviour) as server:
        transport = new_transport(timeout=0.1)
        for _ in range(5):
            with pytest.raises(ProviderUnavailable):
                transport.send(get(server.url()))
        assert_unavailable(transport, server.url(), "circuit_open")

    assert len(server.requests) == 5


def test_an_open_circuit_lets_one_probe_through_every_five_seconds() -> None:
    url = f"http://127.0.0.1:{unused_port()}/"
    clock = Clock()
    transport = new_transport(breaker=CircuitBreaker(clock=clock))
    for _ in range(5):
        assert_unavailable(transport, url, "connect")
    for _ in range(3):
        clock.now += 5
        assert_unavailable(transport, url, "connect")
        assert_unavailable(transport, url, "circuit_open")


@pytest.mark.parametrize(
    "reply",
    [answer(), answer(status="500 Oops"), answer(b"x" * 5000)],
    ids=["success", "error", "unacceptable"],
)
def test_any_answer_closes_the_circuit(reply: bytes) -> None:
    clock = Clock()
    with serve(failing(5, then=reply)) as server:
        transport = new_transport(breaker=CircuitBreaker(clock=clock))
        for _ in range(5):
            assert_unavailable(transport, server.url(), "connection_closed")
        clock.now += 5
        for _ in range(3):
            try:
                transport.send(get(server.url(), max_bytes=100))
            except ResponseInvalid as error:
                assert error.reason == "too_large"


def test_answers_in_between_keep_the_circuit_closed() -> None:
    with serve(failing(4, then=answer(b"{}", "Connection: close"), again=True)) as server:
        transport = new_transport()
        for _ in range(4):
            for _ in range(4):
                assert_unavailable(transport, server.url(), "connection_closed")
            assert transport.send(get(server.url())).status == 200


def failing(times: int, *, then: bytes, again: bool = False) -> Behaviour:
    """Close so many connections without an answer before one is answered."""

    def behave(peer: Peer) -> None:
        number = peer.server.connections
        while peer.receive():
            if number <= times or (again and number % (times + 1)):
                return
            peer.send(then)
            if again:
                return

    return behave


def test_the_circuit_of_one_origin_leaves_others_alone(op: Server) -> None:
    transport = new_transport(breaker=CircuitBreaker(clock=Clock()))
    for _ in range(5):
        assert_unavailable(transport, f"http://localhost:{unused_port()}/", "connect")

    assert transport.send(get(op.url())).status == 200


def test_an_impatient_provider_opens_no_circuit_of_another_at_the_same_origin() -> None:
    """Anybody may begin sign-ins; an entry whose time-out is too short fails at each."""

    def slow(peer: Peer) -> None:
        while peer.receive():
            time.sleep(0.1)
            peer.send(answer())

    with serve(slow) as server:
        breaker = CircuitBreaker(clock=Clock())
        impatient = new_transport(timeout=0.02, breaker=breaker)
        for _ in range(5):
            assert_unavailable(impatient, server.url(), "timeout")
        assert_unavailable(impatient, server.url(), "circuit_open")

        assert new_transport(timeout=10, breaker=breaker).send(get(server.url())).status == 200


def test_a_wrong_ca_bundle_opens_no_circuit_of_another_at_the_same_origin(
    authority: Authority, other_authority: Authority
) -> None:
    with serve(answering(answer()), tls=authority.server_context("localhost")) as server:
        breaker = CircuitBreaker(clock=Clock())
        wrong = new_transport(ca_bundle=other_authority.bundle, breaker=breaker)
        for _ in range(5):
            assert_unavailable(wrong, server.url(), "tls")

        right = new_transport(ca_bundle=authority.bundle, breaker=breaker)
        assert right.send(get(server.url())).status == 200


def test_failures_already_under_way_do_not_put_the_probe_off() -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock=clock)
    origin = ("https", "op.example", 443)
    for _ in range(5):
        breaker.failed(origin)
    clock.now += 4
    breaker.failed(origin)
    clock.now += 1

    breaker.check(origin)


def test_time_spent_elsewhere_is_not_held_against_a_provider() -> None:
    with serve(silent) as server:
        transport = new_transport(timeout=10)
        for budget in [0.0] * 5 + [0.05] * 5:
            with time_budget(budget):
                assert_unavailable(transport, server.url(), "timeout")
        with time_budget(0.05):
            assert_unavailable(transport, server.url(), "timeout")


def assert_unavailable(transport: Transport, url: str, reason: str) -> ProviderUnavailable:
    with pytest.raises(ProviderUnavailable) as caught:
        transport.send(get(url))
    assert caught.value.reason == reason
    return caught.value


# What errors may say


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        reset_after_request,
        closed_after_request,
        truncated,
        dripping_body,
        INVALID["too many headers"][1],
    ],
)
def test_an_error_tells_nothing_of_the_request(behaviour: Behaviour) -> None:
    with serve(behaviour) as server:
        request = post(
            server.url(f"/token?key={CANARY}"), CANARY.encode(), headers={"Authorization": f"Bearer {CANARY}"}
        )
        with pytest.raises((ProviderUnavailable, ResponseInvalid)) as caught:
            new_transport(timeout=SHORT).send(request)

    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error!r} {error}"
        assert CANARY not in str(vars(error))
        error = error.__cause__


def test_requests_and_responses_do_not_show_what_they_carry() -> None:
    request = post("https://op.example/token", CANARY.encode(), headers={"Authorization": CANARY})
    response = Response(status=200, content_type="", headers={"set-cookie": CANARY}, body=CANARY.encode())

    assert CANARY not in f"{request} {response}"


# URLs


GOOD_URLS = [
    "https://op.example",
    "https://op.example/a/b?c=d&e=%20",
    "https://OP.example:8443/",
    "https://xn--bcher-kva.example/",
    "https://op_1.internal/",
    "https://[2001:db8::1]/",
    "https://10.0.0.1/",
    "http://localhost:8000/",
    "http://127.0.0.1/",
    "http://127.9.9.9:1234/x",
    "http://[::1]:8000/",
]
BAD_URLS = {
    "empty": "",
    "relative": "/path",
    "no scheme": "op.example/path",
    "no host": "https:///path",
    "port alone": "https://:443/",
    "http": "http://op.example/",
    "http to a private address": "http://10.0.0.1/",
    "http to a name that looks local": "http://localhost.op.example/",
    "http to a short loopback address": "http://127.1/",
    "http to a decimal loopback address": "http://2130706433/",
    "http to a mapped loopback address": "http://[::ffff:127.0.0.1]/",
    "ftp": "ftp://op.example/",
    "file": "file:///etc/passwd",
    "javascript": "javascript:alert(1)",
    "user": "https://user@op.example/",
    "user and password": "https://user:secret@op.example/",
    "empty user": "https://@op.example/",
    "fragment": "https://op.example/#top",
    "empty fragment": "https://op.example/#",
    "space": "https://op.example/a b",
    "leading space": " https://op.example/",
    "newline": "https://op.example/\nHost: evil",
    "trailing newline": "https://op.example/\n",
    "tab": "https://op.exa\tmple/",
    "NUL": "https://op.example/\x00",
    "backslash": "https://op.example\\@evil.example/",
    "not ASCII": "https://büchner.example/",
    "full-width dot": "https://op\uff0eexample/",
    "percent in host": "https://127%2e0.0.1/",
    "bad port": "https://op.example:port/",
    "huge port": "https://op.example:65536/",
    "port zero": "https://op.example:0/",
    "empty port": "https://op.example:/",
    "another service": "https://op.example:22/",
    "open bracket": "https://[::1/",
    "not an address": "https://[nope]/",
    "IPv4 in brackets": "https://[127.0.0.1]/",
    "zone": "https://[fe80::1%25eth0]/",
    "very long": "https://op.example/" + "a" * 3000,
}


@pytest.mark.parametrize("url", GOOD_URLS)
def test_accepts_urls_of_providers(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_refuses_urls_that_lead_elsewhere(url: str) -> None:
    with pytest.raises(MetadataInvalid) as caught:
        check_url(url)
    assert caught.value.reason == "url"


def test_plain_http_elsewhere_must_be_asked_for_by_its_name() -> None:
    assert check_url("http://op.example/", insecure_allow_http=True) == "http://op.example/"


# Retry-After


NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
RETRY_AFTER = [
    (503, "120", 120),
    (429, " 7 ", 7),
    (429, "0", 1),
    (503, "86400", 3600),
    (503, "9" * 5000, None),
    (503, "-5", None),
    (503, "soon", None),
    (503, "1.5", None),
    (503, "", None),
    (503, "Tue, 14 Nov 2023 22:14:20 GMT", 60),
    (503, "Tue, 14 Nov 2023 22:14:20 -0000", 60),
    (503, "Tue, 14 Nov 2023 21:00:00 GMT", 1),
    (503, "Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    (503, "Tue, 99 Nov 2023 22:14:20 GMT", None),
    (500, "120", None),
    (200, "120", None),
]


@pytest.mark.parametrize(("status", "value", "seconds"), RETRY_AFTER)
def test_reads_retry_after_within_bounds(status: int, value: str, seconds: int | None) -> None:
    response = Response(status=status, content_type="", headers={"retry-after": value}, body=b"")

    assert retry_after(response, NOW) == seconds


def test_there_may_be_no_retry_after() -> None:
    assert retry_after(Response(status=503, content_type="", headers={}, body=b""), NOW) is None


# JSON


GOOD_JSON: dict[str, tuple[bytes | str, Any]] = {
    "object": (b'{"a": [1, -2.5, true, null, "x"]}', {"a": [1, -2.5, True, None, "x"]}),
    "string": ("[]", []),
    "whitespace": (b' \r\n\t{"a":1} \n', {"a": 1}),
    "UTF-8": ('"\u00fc\U0001f600"'.encode(), "\u00fc\U0001f600"),
    "lone surrogate": (rb'"\ud800"', "\ud800"),
    "same name on two levels": (b'{"a": {"a": 1}}', {"a": {"a": 1}}),
    "40 digits": (b"9" * 40, int("9" * 40)),
    "depth of 32": (b"[" * 32 + b"]" * 32, None),
    "many brackets, little depth": (b"[" + b",".join([b'{"kid":"k"}'] * 50) + b"]", [{"kid": "k"}] * 50),
    "brackets in strings": (b'["' + b"[{" * 100 + b'"]', ["[{" * 100]),
}
BAD_JSON: dict[str, bytes | str] = {
    "empty": b"",
    "HTML": b"<!doctype html>",
    "two documents": b"{}{}",
    "repeated name": b'{"sub": "a", "sub": "b"}',
    "repeated name, escaped": rb'{"sub": "a", "s\u0075b": "b"}',
    "repeated name below": b'{"a": [{"b": 1, "b": 1}]}',
    "NaN": b'{"exp": NaN}',
    "Infinity": b"[Infinity]",
    "negative Infinity": b"[-Infinity]",
    "float overflow": b"[1e400]",
    "negative float overflow": b"[-1e400]",
    "41 digits": b"9" * 41,
    "5000 digits": b"[" + b"9" * 5000 + b"]",
    "depth of 33": b"[" * 33 + b"]" * 33,
    "depth of 33, mixed": b'{"a":[' * 17 + b"]}" * 17,
    "depth of 100,000": b"[" * 100_000 + b"]" * 100_000,
    "depth of 100,000, objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 open": b"[" * 100_000,
    "invalid UTF-8": b'"\xff"',
    "UTF-8 surrogate": b'"\xed\xa0\x80"',
    "overlong UTF-8": b'"\xc0\xae"',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "control character in a string": b'"a\nb"',
    "single quotes": b"{'a': 1}",
    "trailing comma": b"[1,]",
}


@pytest.mark.parametrize(("raw", "value"), GOOD_JSON.values(), ids=GOOD_JSON)
def test_parses_json(raw: bytes | str, value: Any) -> None:
    parsed = strict_json(raw)

    assert value is None or parsed == value


@pytest.mark.parametrize("raw", BAD_JSON.values(), ids=BAD_JSON)
def test_refuses_json_that_parsers_read_differently(raw: bytes | str) -> None:
    with pytest.raises(ResponseInvalid) as caught:
        strict_json(raw)
    assert caught.value.reason == "json"


def test_a_json_error_does_not_carry_the_document() -> None:
    with pytest.raises(ResponseInvalid) as caught:
        strict_json(f'{{"access_token": "{CANARY}"')

    assert caught.value.__cause__ is None
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_response_parses_its_body_strictly() -> None:
    response = Response(status=200, content_type="application/json", headers={}, body=b'{"a": 1, "a": 2}')

    with pytest.raises(ResponseInvalid):
        response.json()
