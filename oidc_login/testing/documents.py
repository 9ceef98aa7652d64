"""Serves a real provider's discovery document from a test provider, with URLs on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# The endpoints of a test provider, and their default paths (Discovery 3, RFC 8414 2).
PATHS: Mapping[str, str] = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "end_session_endpoint": "/end_session",
    "revocation_endpoint": "/revoke",
    "introspection_endpoint": "/introspect",
    "pushed_authorization_request_endpoint": "/par",
}


def is_address(name: str) -> bool:
    return name == "issuer" or name.endswith(("_endpoint", "_uri"))


def moved(document: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return the document with its URLs moved to another host; paths stay the same."""
    return {name: moved_url(value, base_url) if is_address(name) else value for name, value in document.items()}


def moved_url(url: str, base_url: str) -> str:
    """Return the URL with the same path and query on another host."""
    return base_url + url.removeprefix("{0.scheme}://{0.netloc}".format(urlsplit(url)))


def paths_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths of the document's endpoints, by metadata name."""
    return {name: urlsplit(document[name]).path for name in PATHS if name in document}
