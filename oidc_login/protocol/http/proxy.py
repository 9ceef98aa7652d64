"""A provider's egress proxy: its URL, and the tunnel through it (RFC 9110 9.3.6)."""

from __future__ import annotations

import base64
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from oidc_login.protocol.errors import ProviderUnavailable
from oidc_login.protocol.http.urls import HOST, URL, is_ipv6_address

DEFAULT_PORT = 80
MAX_ANSWER = 16_384
OPENED = re.compile(rb"HTTP/1\.[01] 2\d\d[ \r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy with an unencrypted connection; the traffic inside its tunnel is encrypted for the provider."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> Proxy:
        """Parse `http://[user:password@]host[:port]`; errors never quote it, because it may contain a password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("proxy is not a URL") from None
        host = parts.hostname or ""
        is_host = is_ipv6_address(host) if "[" in parts.netloc else HOST.fullmatch(host)
        is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
        if not URL.fullmatch(url) or parts.scheme != "http" or not is_host or not is_bare or port == 0:
            raise ValueError("proxy is not a URL of the form http://user:password@host:port")
        credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
        authorization = f"Basic {base64.b64encode(credentials).decode()}" if credentials != b":" else ""
        return cls(host=host, port=DEFAULT_PORT if port is None else port, authorization=authorization)

    def open_tunnel(self, sock: socket.socket, host: str, port: int) -> None:
        """Open a tunnel; raise `ProviderUnavailable` if the proxy fails or sends more than its response."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        try:
            sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            answer = _read_head(sock)
        except OSError:
            raise ProviderUnavailable("proxy") from None
        if not OPENED.match(answer) or answer.index(b"\r\n\r\n") != len(answer) - 4:
            raise ProviderUnavailable("proxy")


def _read_head(sock: socket.socket) -> bytes:
    """Read the headers of the response, and any bytes that follow them."""
    answer, part = bytearray(), bytearray(4096)
    while b"\r\n\r\n" not in answer:
        size = sock.recv_into(part)
        answer += part[:size]
        if not size or len(answer) > MAX_ANSWER:
            raise ProviderUnavailable("proxy")
    return bytes(answer)
