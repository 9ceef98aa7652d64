"""What `serve` promises: connections that stay open, a quick end, TLS, both loopback addresses."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from oidc_login.testing import OpenIDProvider, serve


def connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)


def get(connection: http.client.HTTPConnection, path: str = "/jwks") -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def seconds_of(connection: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    get(connection)
    return time.perf_counter() - began


def test_issuer_is_the_address_it_is_served_at() -> None:
    op = OpenIDProvider()
    with serve(op) as url:
        assert op.issuer == url
        assert urlsplit(url).hostname == "localhost"


def test_one_connection_serves_many_requests() -> None:
    op = OpenIDProvider()
    with serve(op) as url:
        connection = connect(url)
        for _ in range(5):
            assert get(connection)
    assert op.connections == 1
    assert op.asked() == ["jwks"] * 5


def test_answer_without_a_body_does_not_wait_for_more() -> None:
    with serve(OpenIDProvider()) as url:
        connection = connect(url)
        connection.request("HEAD", "/jwks")
        assert connection.getresponse().status in (200, 405)


def test_kept_connections_do_not_wait_for_delayed_acknowledgements() -> None:
    op = OpenIDProvider()
    with serve(op) as url:
        connection = connect(url)
        get(connection)
        # With the stall not one of them takes less than 40 ms.
        assert min(seconds_of(connection) for _ in range(20)) < 0.03


def test_idle_connections_do_not_hold_up_the_end() -> None:
    op = OpenIDProvider()
    with serve(op) as url:
        connections = [connect(url) for _ in range(3)]
        for connection in connections:
            get(connection)
        began = time.perf_counter()
    assert time.perf_counter() - began < 5
    with pytest.raises((OSError, http.client.HTTPException)):
        get(connections[0])


def test_silent_client_holds_nobody_up() -> None:
    op = OpenIDProvider()
    with serve(op) as url, socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)):
        assert get(connect(url))


def test_answers_on_both_loopback_addresses() -> None:
    op = OpenIDProvider()
    with serve(op) as url:
        port = urlsplit(url).port
        assert get(http.client.HTTPConnection("127.0.0.1", port, timeout=5))
        if has_ipv6():
            assert get(http.client.HTTPConnection("::1", port, timeout=5))


def test_port_in_use_is_an_error() -> None:
    with serve(OpenIDProvider()) as url, pytest.raises(OSError), serve(OpenIDProvider(), port=urlsplit(url).port or 0):
        pass


def test_serves_any_application() -> None:
    def hello(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]

    with serve(hello, host="127.0.0.1") as url:
        assert url.startswith("http://127.0.0.1:")
        assert get(connect(url)) == b"hello"


def test_serves_over_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    op = OpenIDProvider()
    with serve(op, tls=(certificate, key)) as url:
        assert op.issuer == url
        assert url.startswith("https://localhost:")
        connection = http.client.HTTPSConnection("localhost", urlsplit(url).port, timeout=5, context=trusting)
        assert get(connection)
        assert get(connection)
    assert op.connections == 1


def test_client_that_refuses_the_certificate_leaves_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(OpenIDProvider(), tls=make_certificate(tmp_path)) as url:
        connection = http.client.HTTPSConnection("localhost", urlsplit(url).port, timeout=5)
        with pytest.raises(ssl.SSLError):
            get(connection)
    assert capsys.readouterr().err == ""


def test_import_needs_no_settings() -> None:
    program = (
        "import oidc_login.testing as t, urllib.request\n"
        "from django.conf import settings\n"
        "op = t.OpenIDProvider()\n"
        "with t.serve(op) as url:\n"
        "    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "    assert opener.open(url + '/jwks').read()\n"
        "assert not settings.configured\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    return folder / "cert.pem", folder / "key.pem"
