"""The signatures of OAuth 1.0a (RFC 5849 3), for requests that other modules send.

The only module that imports oauthlib. Time and nonces are arguments.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from oauthlib import oauth1
from oauthlib.oauth1.rfc5849 import signature

from oidc_login.protocol.errors import MetadataInvalid, TokenResponseInvalid
from oidc_login.protocol.http.messages import Request
from oidc_login.protocol.http.urls import is_loopback
from oidc_login.protocol.tokens import read_token

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100

SIGNATURE_METHODS = ("HMAC-SHA1", "RSA-SHA1", "PLAINTEXT")
SIGNATURE_TYPES = {
    "HEADER": oauth1.SIGNATURE_TYPE_AUTH_HEADER,
    "QUERY": oauth1.SIGNATURE_TYPE_QUERY,
    "BODY": oauth1.SIGNATURE_TYPE_BODY,
}

_REALM = re.compile(r"[ !#-\[\]-~]*")
_CREDENTIAL = re.compile(r"\b(oauth_\w+)=[^&\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The client's credentials and its signature method (RFC 5849 3.4 and 3.5)."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    signature_method: str = "HMAC-SHA1"
    signature_type: str = "HEADER"
    realm: str = ""

    def __post_init__(self) -> None:
        if self.signature_method not in SIGNATURE_METHODS:
            raise ValueError(f"signature_method is none of {', '.join(SIGNATURE_METHODS)}")
        if self.signature_type not in SIGNATURE_TYPES:
            raise ValueError(f"signature_type is none of {', '.join(SIGNATURE_TYPES)}")
        if self.signature_method == "RSA-SHA1" and not self.private_key:
            raise ValueError("signature_method RSA-SHA1 needs a client_key, and an RSA one")
        if (self.signature_method, self.signature_type) == ("PLAINTEXT", "QUERY"):
            raise ValueError("signature_method PLAINTEXT would put the secrets into URLs by signature_type QUERY")
        if not _REALM.fullmatch(self.realm):
            raise ValueError("realm has characters that a header cannot hold between quotes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Temporary or token credentials (RFC 5849 2.1 and 2.3), with all other parameters of the response."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    extras: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Token:
        """Read the parameters of a response, or raise `TokenResponseInvalid` with the name of one."""
        token = read_token(parameters, "oauth_token")
        if not token or "oauth_token_secret" not in parameters:
            raise TokenResponseInvalid("oauth_token" if not token else "oauth_token_secret")
        extras = {name: value for name, value in parameters.items() if not name.startswith("oauth_")}
        return cls(token=token, secret=read_token(parameters, "oauth_token_secret"), extras=extras)

    @classmethod
    def from_text(cls, text: str) -> Token:
        """Parse the output of `as_text`."""
        return cls.from_parameters(read_form(text))

    def as_text(self) -> str:
        """Return all parameters as one text, in their original form."""
        return urlencode({"oauth_token": self.token, "oauth_token_secret": self.secret, **self.extras})


def new_nonce() -> str:
    """Return a nonce that distinguishes requests of the same second (RFC 5849 3.3)."""
    return secrets.token_hex(16)


def sign(
    request: Request,
    *,
    client: Client,
    now: float,
    nonce: str,
    token: Token | None = None,
    callback: str = "",
    verifier: str = "",
) -> Request:
    """Return the signed request (RFC 5849 3.1); without a form, the signature goes into a header."""
    check_confidential(request.url)
    form = _signed_form(request)
    in_body = client.signature_type == "BODY" and form is not None
    place = "HEADER" if client.signature_type == "BODY" and not in_body else client.signature_type
    signer = _Signer(
        client.client_id,
        client_secret=client.client_secret,
        resource_owner_key=token.token if token else None,
        resource_owner_secret=token.secret if token else None,
        callback_uri=callback,
        signature_method=client.signature_method,
        signature_type=SIGNATURE_TYPES[place],
        rsa_key=client.private_key,
        verifier=verifier,
        realm=client.realm,
        nonce=nonce,
        timestamp=str(int(now)),
    )
    url, headers, body = signer.sign(
        encoded_url(request.url),
        request.method,  # type: ignore[arg-type]  # the stub names the usual ones
        form,
        {} if form is None else {"Content-Type": FORM},
    )
    added = {"Authorization": headers["Authorization"]} if place == "HEADER" else {}
    return Request(
        method=request.method,
        url=url,
        headers={**request.headers, **added},
        body=body.encode("ascii") if in_body else request.body,
        max_bytes=request.max_bytes,
    )


def check_confidential(url: str) -> None:
    """Tokens only go over TLS, and PLAINTEXT sends the secrets themselves (RFC 5849 3.4.4 and 4.2)."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(str(parts.hostname)):
        raise MetadataInvalid("url")


def encoded_url(url: str) -> str:
    """Return the URL with its query encoded as in RFC 5849 3.6, so that servers read what was signed."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True), quote_via=quote)
    return parts._replace(query=query).geturl()


def _signed_form(request: Request) -> str | None:
    """Return the form that the signature covers, or `None` if the body is not a form (RFC 5849 3.4.1.3.1)."""
    content_type = {name.lower(): value for name, value in request.headers.items()}.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != FORM or request.method in ("GET", "HEAD"):
        return None
    return urlencode(parse_qsl((request.body or b"").decode("utf-8", "replace"), keep_blank_values=True))


class _Signer(oauth1.Client):
    """oauthlib's client without its logging, which writes everything that it signs.

    Parameters are decoded once; oauthlib decodes the `oauth_` parameters of a query or body twice.
    """

    def get_oauth_signature(self, request: Any) -> str:
        parameters: Any = [
            *parse_qsl(urlsplit(request.uri).query, keep_blank_values=True),
            *(request.decoded_body or ()),
            *request.oauth_params,
        ]
        base_string = signature.signature_base_string(
            request.http_method,
            signature.base_string_uri(request.uri),
            signature.normalize_parameters(parameters),
        )
        return self.SIGNATURE_METHODS[self.signature_method](base_string, self)


class _CredentialsFilter(logging.Filter):
    """Removes credentials from URLs that urllib3 logs at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_CREDENTIAL.sub(r"\1=...", arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_CredentialsFilter())


def read_form(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise TokenResponseInvalid("document") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise TokenResponseInvalid("repeated")
    return parameters
