"""A loopback server that misbehaves as told, and certificates for it; real sockets, real TLS."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it reached the server; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """What the server has seen so far."""

    port: int
    scheme: str
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def url(self, path: str = "/token", host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.file = sock.makefile("rb")

    def receive(self) -> Received | None:
        """Read one request; None when the client has closed."""
        line = self.file.readline().decode()
        if not line:
            return None
        method, target, _ = line.split(" ")
        headers = {}
        while (line := self.file.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} was sent twice"
            headers[name.lower()] = value.strip()
        body = self.file.read(int(headers.get("content-length", 0)))
        received = Received(method, target, headers, body)
        self.server.requests.append(received)
        return received

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """One byte at a time, well within any time-out between bytes."""
        for byte in data:
            if self.server.stopped.wait(0.01):
                return
            self.send(bytes([byte]))

    def hang(self) -> None:
        self.server.stopped.wait()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Behaviour = Callable[[Peer], None]


def answer(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    """A well-formed HTTP answer, with further header lines."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(*answers: bytes) -> Behaviour:
    """Answer the requests of a connection in turn, the last answer for all that follow."""

    def behave(peer: Peer) -> None:
        count = 0
        while peer.receive():
            peer.send(answers[min(count, len(answers) - 1)])
            count += 1

    return behave


@contextmanager
def serve(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a behaviour for each connection, with TLS when a context is given."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = Server(port=listener.getsockname()[1], scheme="https" if tls else "http")
        threading.Thread(target=_accept, args=(server, listener, behaviour, tls), daemon=True).start()
        try:
            yield server
        finally:
            server.stopped.set()
            # Wakes accept() up, which closing alone does not.
            listener.shutdown(socket.SHUT_RDWR)


def _accept(server: Server, listener: socket.socket, behaviour: Behaviour, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            sock, _ = listener.accept()
            server.connections += 1
            threading.Thread(target=_converse, args=(server, sock, behaviour, tls), daemon=True).start()


def _converse(server: Server, sock: socket.socket, behaviour: Behaviour, tls: ssl.SSLContext | None) -> None:
    # The client goes away whenever it likes.
    with suppress(OSError, ValueError):
        if tls:
            sock = tls.wrap_socket(sock, server_side=True)
        peer = Peer(server, sock)
        with sock, peer.file:
            behaviour(peer)
    server.closed.release()


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the test's own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def bundle(self) -> str:
        return str(self.folder / "ca.pem")

    def server_context(self, *hosts: str, expired: bool = False) -> ssl.SSLContext:
        """What a server for these hosts needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in hosts]
        certificate = (
            _builder("a server", self.certificate.subject, key, days=-1 if expired else 1)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _context(self.folder / f"{certificate.serial_number}.pem", certificate, key)


def make_authority(folder: Path) -> Authority:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("a test authority")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        _builder("a test authority", subject, key, days=1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return Authority(folder, key, certificate)


def self_signed_context(folder: Path, host: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("a server", _name("a server"), key, days=1)
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _context(folder / "self-signed.pem", certificate, key)


def _builder(subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _context(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
