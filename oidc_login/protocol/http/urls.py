"""Checks and parses the URLs of requests; metadata is checked before anything is sent."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from oidc_login.protocol.errors import MetadataInvalid

# Scheme, host and port.
Origin = tuple[str, str, int]

DEFAULT_PORTS = {"https": 443, "http": 80}
# Printable ASCII without the backslash, which parsers treat differently.
URL = re.compile(r"[!-\[\]-~]{1,2048}")
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
# Line-based services that could interpret a request as commands (Fetch 2.11 blocks these and more).
OTHER_SERVICES = frozenset({21, 22, 23, 25, 110, 119, 143, 465, 587})


def check_url(url: str, *, insecure_allow_http: bool = False) -> str:
    """Return an absolute https URL that all parsers understand alike; plain http is only allowed for loopback hosts."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MetadataInvalid("url") from None
    host = parts.hostname or ""
    http_allowed = insecure_allow_http or is_loopback(host)
    acceptable = (
        URL.fullmatch(url)
        and (parts.scheme == "https" or (parts.scheme == "http" and http_allowed))
        and (is_ipv6_address(host) if "[" in parts.netloc else HOST.fullmatch(host))
        and "@" not in parts.netloc
        and "#" not in url
        and not parts.netloc.endswith(":")
        and (port is None or (port > 0 and port not in OTHER_SERVICES))
    )
    if not acceptable:
        raise MetadataInvalid("url")
    return url


def origin_of(url: str) -> str:
    """Return the origin of a URL in the form of RFC 6454 6.2, or "" if it has no host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS.get(parts.scheme) else "")


def is_ipv6_address(host: str) -> bool:
    """Return whether the host is an IPv6 address without a zone (`%eth0`), which is only meaningful on one machine."""
    try:
        return ip_address(host).version == 6 and "%" not in host
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine; IPv4-mapped IPv6 addresses do not count, as Python versions differ."""
    if host in ("localhost", "::1"):
        return True
    try:
        return ip_address(host).version == 4 and ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def destination(url: str) -> tuple[Origin, str]:
    """Return the origin of a checked URL, and the request target."""
    parts = urlsplit(check_url(url))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return (parts.scheme, str(parts.hostname), parts.port or DEFAULT_PORTS[parts.scheme]), target
