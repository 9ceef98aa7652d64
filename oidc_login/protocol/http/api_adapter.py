"""Connects a site's own API calls under the provider's rules, with the other features of `requests`."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from oidc_login.protocol.errors import MetadataInvalid, ProtocolError, ProviderUnavailable
from oidc_login.protocol.http.connections import ConnectionPolicy, DialledConnection, DialledTLSConnection
from oidc_login.protocol.http.sockets import time_limit, tls_context


class TokenNotSent(requests.exceptions.InvalidURL):
    """The access token must not be sent to this host or in this way; nothing was sent."""


# Errors that the connections raise.
NO_ANSWER = (ProviderUnavailable, MetadataInvalid)


class ApiConnection(DialledConnection):
    """A connection for a call whose caller may read the response later (`stream=True`)."""

    def connect(self) -> None:
        with nullcontext() if self.timeout is None else time_limit(float(self.timeout)):
            super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, which is not http.client's
        sock = self.sock
        response = super().getresponse()
        # For reads after the deadline of the call: the timeout applies to each part.
        sock.settimeout(self.timeout)
        return response


class ApiTLSConnection(ApiConnection, DialledTLSConnection):
    """A TLS connection for such a call."""


class ApiPool(HTTPConnectionPool):
    ConnectionCls = ApiConnection


class ApiTLSPool(HTTPSConnectionPool):
    ConnectionCls = ApiTLSConnection


class ApiAdapter(HTTPAdapter):
    """Lets requests connect only where the policy allows, and always with verified certificates."""

    def __init__(self, policy: ConnectionPolicy) -> None:
        self._policy = policy
        self._contexts: dict[Any, Any] = {}
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if not kwargs.get("verify"):
            raise TokenNotSent("certificates are always verified: pass the path of a CA bundle as verify")
        if select_proxy(str(request.url), kwargs.get("proxies")):
            raise TokenNotSent("a proxy is named in the settings of the provider: write its argument proxy")
        try:
            return super().send(request, *args, **kwargs)
        except NO_ANSWER as error:
            raise as_requests_error(error, request) from None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(ApiPool, policy=self._policy),
            "https": partial(ApiTLSPool, policy=self._policy),
        }

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context(verify, cert)} if host["scheme"] == "https" else {}

    def cert_verify(self, *args: Any) -> None:
        """Do nothing: the connection's own context verifies certificates."""

    def _context(self, verify: Any, cert: Any) -> Any:
        bundle = DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
        if not cert:
            return tls_context(bundle)
        key = (bundle, cert)
        if key not in self._contexts:
            # A separate context, because the client certificate is added to it.
            context = tls_context.__wrapped__(bundle)
            context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
            self._contexts[key] = context
        return self._contexts[key]


def as_requests_error(error: ProtocolError, request: requests.PreparedRequest) -> requests.RequestException:
    """Return the corresponding error of `requests`."""
    if isinstance(error, MetadataInvalid):
        return TokenNotSent("an address of a private network is refused here", request=request)
    kinds = {
        "timeout": requests.exceptions.ReadTimeout,
        "tls": requests.exceptions.SSLError,
        "proxy": requests.exceptions.ProxyError,
    }
    kind = kinds.get(error.reason, requests.exceptions.ConnectionError)
    return kind(f"no answer from {urlsplit(str(request.url)).hostname}: {error.reason}", request=request)
