"""The base of the test providers: a WSGI application that records requests and can change its responses."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

# Where `oidc_login.testing.server` puts the connection, for responses that write raw bytes.
CONNECTION = "oidc_login.testing.connection"

FORM = "application/x-www-form-urlencoded"

_MAX_BODY = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """A request that the provider received; header names are in lower case."""

    endpoint: str
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a form body; the last value of a repeated one."""
        return dict(self.form_pairs)

    @property
    def form_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def bearer_token(self) -> str:
        """The token in the Authorization header (RFC 6750 2.1), or ""."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in ("bearer", "token") else ""


@dataclass(slots=True, kw_only=True)
class Answer:
    """An HTTP response that a test can change in one place.

    `json` is serialized (as a form if `headers` say so), unless `body` is set. The server waits `delay` seconds before
    the first byte. If `raw` is set, it writes the whole response, status line included, with the function that it gets
    as its argument; the connection is then closed.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    body: bytes | None = None
    delay: float = 0.0
    raw: Callable[[Callable[[bytes], None]], None] | None = None

    @classmethod
    def of_json(cls, value: Any, *, status: int = 200, **headers: str) -> Answer:
        """Return a JSON response with the given headers (`cache_control="no-store"`)."""
        named = {name.replace("_", "-").title(): text for name, text in headers.items()}
        return cls(status=status, headers={"Content-Type": "application/json", **named}, json=value)

    @classmethod
    def of_page(cls, html: str, *, status: int = 200) -> Answer:
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        return cls(status=status, headers=headers, body=html.encode())

    @classmethod
    def redirect(cls, location: str) -> Answer:
        return cls(status=302, headers={"Location": location, "Cache-Control": "no-store"}, body=b"")

    def content(self) -> bytes:
        """The body as bytes."""
        if self.body is not None:
            return self.body
        if self.headers.get("Content-Type") == FORM:
            return urlencode(self.json).encode()
        return json.dumps(self.json).encode()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: its name for `bend`, its handler, and whether only servers call it."""

    name: str
    answer: Callable[[ProviderRequest], Answer]
    back_channel: bool = True


class Bend(AbstractContextManager["Bend"]):
    """The result of `bend`; as a context manager, it ends the change."""

    def __init__(self, application: ProviderApplication, name: str) -> None:
        self._application = application
        self._name = name

    def __exit__(self, *exc_info: object) -> None:
        self._application.mend(self._name)


class ProviderApplication:
    """A WSGI application with named endpoints.

    * `requests`: the requests of servers (not of browsers), oldest first;
    * `connections`: the number of TCP connections since the last `clear()`;
    * `bend(name, change)`: `change` gets the correct response of that endpoint and returns the one to send, until
      `mend()`. Hostile tests use it to make exactly one part of a sign-in wrong.
    """

    # Values inside a response that can be changed, besides the endpoints.
    bendable_values: Sequence[str] = ()

    def __init__(self) -> None:
        self.base_url = "http://localhost"
        self.requests: list[ProviderRequest] = []
        self.connections = 0
        self._bends: dict[str, Callable[[Any], Any]] = {}
        self._counting = threading.Lock()

    def endpoints(self) -> dict[str, Endpoint]:
        """The endpoints by path."""
        raise NotImplementedError

    def bend(self, name: str, change: Callable[[Any], Any]) -> Bend:
        """Let `change` modify the correct response of every request until `mend()`."""
        asked = {endpoint.name for endpoint in self.endpoints().values() if endpoint.back_channel}
        known = sorted(asked | set(self.bendable_values))
        if name not in known:
            raise ValueError(f"nothing here is called {name!r}, only {', '.join(known)}")
        self._bends = {**self._bends, name: change}
        return Bend(self, name)

    def mend(self, name: str | None = None) -> None:
        """End the changes, at all endpoints or at one."""
        self._bends = {} if name is None else {key: bend for key, bend in self._bends.items() if key != name}

    def clear(self) -> None:
        """Clear the recorded requests and the connection count."""
        with self._counting:
            self.requests = []
            self.connections = 0

    def asked(self) -> list[str]:
        """The endpoints that servers requested, in order."""
        return [request.endpoint for request in self.requests]

    def count_connection(self) -> None:
        with self._counting:
            self.connections += 1

    def bent(self, name: str, value: Any) -> Any:
        """Return the value to send, with the changes of `bend`."""
        change = self._bends.get(name)
        if change is None:
            return value
        changed = change(value)
        if changed is None:
            raise TypeError(f"the function that bends {name!r} returned nothing; it returns the changed value")
        return changed

    def not_found(self, request: ProviderRequest) -> Answer:
        return Answer.of_json({"error": "not_found"}, status=404)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except Exception:  # a change may raise anything; the log shows it to the author of the test
            logger.exception("test provider failed")
            answer = Answer(status=500, headers={"Content-Type": "text/plain"}, body=b"test provider failed")
        return _send(answer, environ, start_response)

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path = environ.get("PATH_INFO") or "/"
        endpoint = self.endpoints().get(path) or Endpoint("unknown", self.not_found)
        request = _read(environ, endpoint.name)
        if endpoint.back_channel:
            with self._counting:
                self.requests.append(request)
        answer = endpoint.answer(request)
        if not endpoint.back_channel:
            return answer
        bent: Answer = self.bent(endpoint.name, answer)
        return bent


def _read(environ: WSGIEnvironment, endpoint: str) -> ProviderRequest:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY)
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return ProviderRequest(
        endpoint=endpoint,
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO") or "/",
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
    )


def _send(answer: Answer, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if answer.delay:
        time.sleep(answer.delay)
    if answer.raw is not None:
        _send_raw(answer.raw, environ[CONNECTION])
        # The connection is shut down, so whatever the server still writes is discarded.
        start_response("200 OK", [])
        return []
    content = answer.content()
    headers = {"Content-Length": str(len(content)), **answer.headers}
    start_response(f"{answer.status} {_reason(answer.status)}", list(headers.items()))
    return [content]


def _send_raw(write: Callable[[Callable[[bytes], None]], None], connection: socket.socket) -> None:
    try:
        write(connection.sendall)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The client has hung up, which such a test expects.
        logger.debug("client hung up during a raw response")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
