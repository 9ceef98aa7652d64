"""A `requests.Session` for a provider's API that sends and replaces access tokens (RFC 6750).

It also contains what the session for signed requests (OAuth 1.0) shares with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import IOBase
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import rewind_body

from oidc_login.protocol.errors import without_frames
from oidc_login.protocol.http.api_adapter import NO_ANSWER, ApiAdapter, as_requests_error
from oidc_login.protocol.http.api_adapter import TokenNotSent as TokenNotSent
from oidc_login.protocol.http.client import HEADER_VALUE, USER_AGENT, Transport
from oidc_login.protocol.http.sockets import time_limit
from oidc_login.protocol.http.urls import is_loopback


class TokenSource(Protocol):
    """The source of a session's tokens."""

    def get(self) -> str:
        """Return the token to send, refreshed if it is about to expire."""

    def replace(self, refused: str) -> str | None:
        """Return a new token in place of the one that the API rejected, or `None` if there is none."""

    def give_up(self, refused: str) -> None:
        """Record that the API rejected the new token too."""


class TokenAuth(AuthBase):
    """Adds a token to a request; requests removes the header when a redirect leads to another origin."""

    def __init__(self, get_header: Callable[[], str], hosts: Iterable[str] | None) -> None:
        self._get_header = get_header
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.check(str(request.url))
        header = self._get_header()
        # Checked here, because a later check quotes the value in its message.
        if not HEADER_VALUE.fullmatch(header):
            raise TokenNotSent("the access token is no text that a header can hold")
        request.headers["Authorization"] = header
        return request

    def check(self, url: str) -> None:
        """Raise `TokenNotSent` unless the URL uses TLS (RFC 6750 5.3) and the token is meant for its host."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not is_loopback(host):
            raise TokenNotSent("access tokens are only sent over https")
        if self._hosts is not None and host not in self._hosts:
            raise TokenNotSent("an access token is not sent to this host")


class TokenSession(requests.Session):
    """A session that sends a token to an API.

    The rules for the provider's own exchanges apply: one timeout for the whole call, verified certificates, and no
    private addresses if the provider refuses them, also after a redirect. The environment and .netrc files are ignored,
    because they could replace the token or its destination.
    """

    def __init__(self, auth: TokenAuth, *, transport: Transport) -> None:
        super().__init__()
        self._timeout = transport.timeout
        self.trust_env = False
        self.auth = auth
        self.verify = transport.ca_bundle or True
        self.headers["User-Agent"] = USER_AGENT
        self.base_url = ""
        self.mount_everywhere(ApiAdapter(transport.policy))

    def mount_everywhere(self, adapter: ApiAdapter) -> None:
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request to a URL, or to a path below `base_url` if there is one."""
        if self.base_url and isinstance(url, str) and not urlsplit(url).scheme:
            url = f"{self.base_url.rstrip('/')}/{url.lstrip('/')}"
        return super().request(method, url, *args, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request; requests also calls this method for each redirect."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        try:
            return self._send(request, **kwargs)
        except NO_ANSWER as error:
            raise as_requests_error(error, request) from None
        except Exception as error:
            raise without_frames(error)  # noqa: B904  # those below hold the request's headers

    def _send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        with time_limit(total_seconds(kwargs["timeout"], default=self._timeout)):
            return super().send(request, **kwargs)


def total_seconds(timeout: Any, *, default: float) -> float:
    """Return how long a whole call may take: a number, or the sum of the connect and read timeouts."""
    if isinstance(timeout, (int, float)):
        return timeout
    if isinstance(timeout, tuple):
        return sum(default if part is None else part for part in timeout)
    return default if timeout.total is None else float(timeout.total)


class BearerSession(TokenSession):
    """Sends the token of a `TokenSource`; after a 401 it repeats the request once with a new token."""

    def __init__(
        self,
        source: TokenSource,
        *,
        transport: Transport,
        hosts: Iterable[str] | None = None,
    ) -> None:
        super().__init__(TokenAuth(lambda: f"Bearer {source.get()}", hosts), transport=transport)
        self._source = source

    def _send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        response = super()._send(request, **kwargs)
        # After redirects, the response belongs to the last step, which has already been handled by its own call.
        if response.status_code != 401 or response.history:
            return response
        refused = bearer_token(request)
        if not refused or not is_repeatable(request):
            return response
        token = self._source.replace(refused)
        if token is None:
            return response
        return self._send_again(request, response, token, **kwargs)

    def _send_again(
        self, request: requests.PreparedRequest, response: requests.Response, token: str, **kwargs: Any
    ) -> requests.Response:
        if not kwargs.get("stream"):
            _ = response.content  # read the rest, so that the connection can be reused
        response.close()
        again = request.copy()
        again.headers["Authorization"] = f"Bearer {token}"
        if isinstance(getattr(again, "_body_position", None), int):
            rewind_body(again)
        second = super()._send(again, **kwargs)
        if second.status_code == 401 and not second.history:
            self._source.give_up(token)
        return second


def bearer_token(request: requests.PreparedRequest) -> str:
    """Return the token that a request carried, or "" if a redirect removed it."""
    scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    return token if scheme == "Bearer" else ""


def is_repeatable(request: requests.PreparedRequest) -> bool:
    """Whether the body can be sent again: none, text, bytes, or a seekable file."""
    if isinstance(request.body, (str, bytes, type(None))):
        return True
    return isinstance(request.body, IOBase) and request.body.seekable()
