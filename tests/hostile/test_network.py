"""Networks and servers that misbehave, at every endpoint that a sign-in asks (RFC 9110, RFC 9700 2.6 and 4.12)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.testing import Answer, OpenIDProvider, serve
from tests.hostile.rows import (
    METADATA,
    TOKENS,
    UNAVAILABLE,
    USERINFO,
    Row,
    Seen,
    answers,
    json_of,
    refused,
    source,
)
from tests.hostile.stage import ORDER, Stage
from tests.protocol.proxies import tunnelling
from tests.support.browser import Browser
from tests.support.invariant import Witness
from tests.support.served import CLIENT_SECRET, PEOPLE, RecordingOpenIDProvider, configure
from tests.support.servers import make_authority, self_signed_context
from tests.support.servers import serve as serve_tcp

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

Write = Callable[[bytes], None]
TIMEOUT = 0.5
# What an answer that cannot be read is told as.
UNREADABLE: dict[str, Seen] = {"discovery": METADATA, "token": TOKENS, "jwks": METADATA, "userinfo": USERINFO}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def silence(write: Write) -> None:
    """Close without a word."""


def cut_in_headers(write: Write) -> None:
    write(HEAD)


def cut_in_body(write: Write) -> None:
    write(HEAD + b'Content-Length: 100\r\n\r\n{"access_')


def another_protocol(write: Write) -> None:
    write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def many_headers(write: Write) -> None:
    write(HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(5000)) + b"Content-Length: 2\r\n\r\n{}")


def long_header(write: Write) -> None:
    write(HEAD + b"X: " + b"y" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}")


def endless_body(write: Write) -> None:
    write(HEAD + b"\r\n{")
    for _ in range(100):
        write(b" " * 65_536)


def endless_chunks(write: Write) -> None:
    write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(100):
        write(b"10000\r\n" + b" " * 65_536 + b"\r\n")


def bad_chunks(write: Write) -> None:
    write(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n")


def drip(write: Write) -> None:
    """A byte at a time, each well within any time-out between bytes."""
    for byte in HEAD + b"X: " + b"y" * 200:
        write(bytes([byte]))
        time.sleep(0.02)


def drip_body(write: Write) -> None:
    write(HEAD + b"Content-Length: 300\r\n\r\n")
    for _ in range(300):
        write(b" ")
        time.sleep(0.02)


QUICK: list[tuple[str, Callable[[Write], None], Seen | None]] = [
    ("closed without a word", silence, UNAVAILABLE),
    ("cut off in its headers", cut_in_headers, None),
    ("cut off in its body", cut_in_body, UNAVAILABLE),
    ("another protocol", another_protocol, None),
    ("5,000 headers", many_headers, None),
    ("a header of 100 kB", long_header, None),
    ("chunks that are none", bad_chunks, UNAVAILABLE),
    ("a body without end", endless_body, None),
    ("chunks without end", endless_chunks, None),
]
SLOW: list[tuple[str, dict[str, Any]]] = [
    ("no answer", {"delay": 4 * TIMEOUT}),
    ("headers a byte at a time", {"raw": drip}),
    ("a body a byte at a time", {"raw": drip_body}),
]


def faulty(endpoint: str, name: str, seen: Seen | None, **parts: Any) -> Row:
    at = "begin" if endpoint == "discovery" else "callback"
    return refused(
        f"{endpoint}: {name}",
        "RFC 9110 15.6, RFC 9112 8",
        answers(endpoint, **parts),
        seen or UNREADABLE[endpoint],
        at=at,
        site={"timeout": TIMEOUT} if "delay" in parts or name.endswith("time") else {},
    )


@pytest.mark.parametrize("row", [faulty(at, name, seen, raw=raw) for at in ORDER for name, raw, seen in QUICK], ids=str)
def test_broken_answer(stage: Stage, row: Row) -> None:
    stage.refuse(row)


@pytest.mark.parametrize(
    "row", [faulty(at, name, UNAVAILABLE, **parts) for at in ORDER for name, parts in SLOW], ids=str
)
def test_slow_answer_is_given_up_in_time(stage: Stage, row: Row) -> None:
    """One deadline for the whole exchange, not one for each byte."""
    began = time.monotonic()
    stage.refuse(row, visitors=1)
    assert time.monotonic() - began < 3


UNREACHABLE: dict[str, str] = {
    "nobody listens": "http://localhost:1/token",
    "no such name": "https://provider.invalid/token",
    "no route": "https://192.0.2.1/token",
}


@pytest.mark.parametrize("url", UNREACHABLE.values(), ids=UNREACHABLE)
@source("RFC 9110 15.6")
def test_unreachable_endpoint(stage: Stage, url: str) -> None:
    row = refused("", "", json_of("discovery", token_endpoint=url), UNAVAILABLE, site={"timeout": TIMEOUT})
    stage.prepare(row)
    browser = Browser()
    answer = browser.authorize(stage.op, browser.begin())

    with stage.witness.nothing_changed(browser) as failure:
        failure.response = browser.end(answer)

    assert failure.seen == UNAVAILABLE
    assert int(failure.response["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("7", "7"),
        ("0", "1"),
        ("99999", "3600"),
        ("-5", "30"),
        ("soon", "30"),
        ("1e3", "30"),
        ("", "30"),
        ("9" * 5000, "30"),
    ],
)
@source("RFC 9110 10.2.3")
def test_retry_after_is_bounded(stage: Stage, value: str, told: str) -> None:
    stage.op.bend("token", answers("token", status=503, headers={"Retry-After": value})["token"])

    assert Browser().sign_in(stage.op)["Retry-After"] == told


@source("RFC 9700 4.12")
@pytest.mark.parametrize("endpoint", ["discovery", "token", "jwks", "userinfo"])
def test_redirect_is_asked_nothing(stage: Stage, endpoint: str) -> None:
    """Another server on this machine, which would hear the code, the secret or the token."""
    listener = RecordingOpenIDProvider()
    with serve(listener) as elsewhere:
        change = answers(endpoint, status=307, headers={"Location": f"{elsewhere}/{endpoint}"})
        stage.op.bend(endpoint, change[endpoint])
        Browser().sign_in(stage.op) if endpoint != "discovery" else Browser().begin()
        assert listener.connections == 0


@source("RFC 6265 5.3")
def test_cookies_of_the_provider_are_not_kept(stage: Stage) -> None:
    for endpoint in ("token", "jwks", "userinfo"):
        stage.op.bend(endpoint, answers(endpoint, headers={"Set-Cookie": "tracked=1; Path=/"})[endpoint])

    for _ in range(2):
        assert Browser().sign_in(stage.op).status_code == 302

    assert not [request for request in stage.op.requests if "cookie" in request.headers]


@source("RFC 9700 2.6")
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_hear_nothing(
    op: RecordingOpenIDProvider, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    listener = RecordingOpenIDProvider()
    with serve(listener) as proxy:
        monkeypatch.setenv(variable, proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert Browser().sign_in(op).status_code == 302
        assert listener.connections == 0


@source("RFC 6749 2.3")
def test_netrc_is_not_read(
    op: RecordingOpenIDProvider, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login somebody password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    op.client_secret = ""
    configure(settings, "op", client_secret="", userinfo="never")

    assert Browser().sign_in(op).status_code == 302
    assert not [request for request in op.requests if "authorization" in request.headers]


# TLS.


@contextmanager
def over_tls(settings: Settings, context: Any, **arguments: Any) -> Iterator[RecordingOpenIDProvider]:
    provider = RecordingOpenIDProvider()
    with serve(provider, tls=context):
        configure(
            settings,
            "tls",
            issuer=provider.issuer,
            client_id="client",
            client_secret=CLIENT_SECRET,
            timeout=5,
            **arguments,
        )
        yield provider


@source("RFC 9700 2.6")
def test_certificate_of_the_configured_authority(settings: Settings, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "ca")
    with over_tls(settings, authority.server_context("localhost"), ca_bundle=authority.bundle) as provider:
        browser = Browser()
        assert browser.sign_in(provider, "tls").status_code == 302
        assert browser.user is not None


@pytest.mark.parametrize("wrong", ["self-signed", "another host", "expired", "an authority that is not trusted"])
@source("RFC 9700 2.6, RFC 9525")
def test_certificate_that_is_not_good(settings: Settings, tmp_path: Path, witness: Witness, wrong: str) -> None:
    authority = make_authority(tmp_path / "ca")
    bundle: dict[str, Any] = {"ca_bundle": authority.bundle}
    if wrong == "self-signed":
        context = self_signed_context(tmp_path, "localhost")
    elif wrong == "another host":
        context = authority.server_context("op.example")
    elif wrong == "expired":
        context = authority.server_context("localhost", expired=True)
    else:
        context, bundle = authority.server_context("localhost"), {}
    with over_tls(settings, context, **bundle) as provider:
        browser = Browser()
        with witness.nothing_changed(browser) as failure:
            failure.response = browser.begin("tls")
        assert failure.seen == UNAVAILABLE
        assert provider.requests == []


@source("RFC 9110 9.3.6")
def test_sign_in_through_an_egress_proxy(settings: Settings, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "ca")
    with serve_tcp(tunnelling()) as proxy:
        way = {"ca_bundle": authority.bundle, "proxy": f"http://user:password@127.0.0.1:{proxy.port}"}
        with over_tls(settings, authority.server_context("localhost"), userinfo="always", **way) as provider:
            browser = Browser()
            assert browser.sign_in(provider, "tls").status_code == 302
            assert browser.user is not None
            assert set(provider.asked()) >= {"discovery", "token", "jwks", "userinfo"}
            assert provider.connections == proxy.connections
        assert {asked.method for asked in proxy.requests} == {"CONNECT"}


# A provider that is down does not hold up anybody.


class Silent(OpenIDProvider):
    """Accepts, and says nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(client_secret=CLIENT_SECRET, users=PEOPLE)
        self.released = threading.Event()
        self.bend("discovery", self._wait)

    def _wait(self, answer: Answer) -> Answer:
        self.released.wait(10)
        return answer


@pytest.fixture
def silent(settings: Settings) -> Iterator[Silent]:
    provider = Silent()
    with serve(provider):
        configure(
            settings, "silent", issuer=provider.issuer, client_id="client", client_secret=CLIENT_SECRET, timeout=0.3
        )
        try:
            yield provider
        finally:
            provider.released.set()


@source("availability: a circuit breaker for each host")
def test_after_five_failures_the_next_get_their_answer_at_once(
    silent: Silent, op: RecordingOpenIDProvider, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Browser()
    for _ in range(5):
        assert browser.begin("silent").status_code == 503
    asked = len(silent.requests)
    caplog.clear()

    for _ in range(20):
        with witness.nothing_changed(browser) as failure:
            failure.response = browser.begin("silent")
        assert failure.seen == UNAVAILABLE
        assert 0 < int(failure.response["Retry-After"]) <= 30

    assert len(silent.requests) == asked == 5
    told = [record for record in caplog.records if record.name.startswith("oidc_login")]
    assert {record.levelname for record in told} == {"DEBUG"}
    assert Browser().sign_in(op).status_code == 302


@source("availability: a begin waits no longer than its provider's time-out")
def test_beginning_does_not_wait_for_a_silent_provider_longer_than_its_timeout(silent: Silent) -> None:
    statuses: list[int] = []

    def begin() -> None:
        statuses.append(Browser().begin("silent").status_code)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [503] * 6
    assert time.monotonic() - began < 3
    # Those who waited for the first one's request share its failure.
    assert len(silent.requests) < 6


@source("availability: many first sign-ins cause one discovery request")
def test_many_first_begins_fetch_the_document_once(op: RecordingOpenIDProvider) -> None:
    op.bend("discovery", answers("discovery", delay=0.2)["discovery"])
    found: list[str] = []

    def begin() -> None:
        found.append(Browser().begin()["Location"].partition("?")[0])

    threads = [threading.Thread(target=begin) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [op.authorization_endpoint] * 12
    assert op.asked() == ["discovery"]
