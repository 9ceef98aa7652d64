"""Verifies OAuth 1.0 signatures on the server (RFC 5849 3.2) by recomputing them from the received request.

It is written from the specification, independently of the client's code and its library, so that it does not repeat
their mistakes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from oidc_login.testing.application import FORM, ProviderRequest

REQUIRED = ("oauth_consumer_key", "oauth_signature_method", "oauth_signature")
HEADER_PARAMETER = re.compile(r'([\w.~%-]+)="([^"]*)"')
DEFAULT_PORTS = {"http": 80, "https": 443}


class Problem(Exception):
    """A rejected request, with its name in the extension "OAuth Problem Reporting" and its status (3.2)."""

    def __init__(self, name: str, status: int = 401) -> None:
        self.name = name
        self.status = status
        super().__init__(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request with its protocol parameters, which must be in one place, and all its other parameters."""

    request: ProviderRequest
    base_url: str
    protocol: dict[str, str] = field(repr=False)
    others: list[tuple[str, str]] = field(repr=False)
    place: str = "HEADER"

    def __getitem__(self, name: str) -> str:
        return self.protocol.get(name, "")

    @property
    def base_string(self) -> str:
        """The signature base string (3.4.1)."""
        signed = [*self.others, *((name, value) for name, value in self.protocol.items() if name != "oauth_signature")]
        pairs = sorted((escape(name), escape(value)) for name, value in signed)
        normalized = "&".join(f"{name}={value}" for name, value in pairs)
        uri = base_string_uri(self.base_url, self.request.path)
        return "&".join(map(escape, (self.request.method.upper(), uri, normalized)))

    def check_signature(self, *, client_secret: str, token_secret: str, public_key: str) -> None:
        """Verify the signature with the client's and the token's secrets (3.4.2 to 3.4.4)."""
        method, given = self["oauth_signature_method"], self["oauth_signature"]
        key = f"{escape(client_secret)}&{escape(token_secret)}"
        if method == "RSA-SHA1":
            is_good = rsa_verifies(public_key, self.base_string, given)
        elif method == "HMAC-SHA1":
            digest = hmac.new(key.encode(), self.base_string.encode(), hashlib.sha1).digest()
            is_good = hmac.compare_digest(b64encode(digest), given.encode())
        else:
            is_good = hmac.compare_digest(key.encode(), given.encode())
        if not is_good:
            raise Problem("signature_invalid")


def read_request(request: ProviderRequest, base_url: str) -> SignedRequest:
    """Read the parameters from header, query and form (3.4.1.3.1); protocol parameters must be in one place (3.5)."""
    form = decoded(request.body.decode("ascii", "replace")) if is_form(request) else []
    places = {"HEADER": header_parameters(request), "QUERY": decoded(request.query), "BODY": form}
    used = [place for place, pairs in places.items() if any(name.startswith("oauth_") for name, _ in pairs)]
    if len(used) != 1:
        raise Problem("parameter_rejected" if used else "parameter_absent", status=400 if used else 401)
    everything = [pair for pairs in places.values() for pair in pairs]
    protocol = [pair for pair in everything if pair[0].startswith("oauth_")]
    if len(dict(protocol)) != len(protocol):
        raise Problem("parameter_rejected", status=400)
    signed = SignedRequest(
        request=request,
        base_url=base_url,
        protocol=dict(protocol),
        others=[pair for pair in everything if pair not in protocol],
        place=used[0],
    )
    if not all(signed[name] for name in REQUIRED) or signed.protocol.get("oauth_version", "1.0") != "1.0":
        raise Problem("parameter_absent", status=400)
    return signed


def is_form(request: ProviderRequest) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def header_parameters(request: ProviderRequest) -> list[tuple[str, str]]:
    """Return the parameters in the header of 3.5.1, except for the realm."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "oauth":
        return []
    return [(unquote(name), unquote(value)) for name, value in HEADER_PARAMETER.findall(rest) if name != "realm"]


def decoded(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a query or a form, including empty values."""
    pairs = [part.partition("=") for part in text.split("&") if part]
    return [(unquote(name.replace("+", " ")), unquote(value.replace("+", " "))) for name, _, value in pairs]


def escape(text: str) -> str:
    """Percent-encode everything but letters, digits, `-`, `.`, `_` and `~` (3.6)."""
    return quote(text.encode(), safe="-._~")


def base_string_uri(base_url: str, path: str) -> str:
    """Return scheme, host and path, with the port if it is not the default one (3.4.1.2)."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{quote(path.encode('latin-1'), safe='/:@!$&()*+,;=~-._')}"


def rsa_verifies(public_key: str, base_string: str, signature: str) -> bool:
    """Verify a signature with the client's registered key: RSASSA-PKCS1-v1_5 with SHA-1 (3.4.3)."""
    key = load_pem_public_key(public_key.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("client_public_key is not an RSA key")
    try:
        key.verify(b64decode(signature, validate=True), base_string.encode(), PKCS1v15(), SHA1())  # noqa: S303  # so it is
    except (InvalidSignature, ValueError):
        return False
    return True
