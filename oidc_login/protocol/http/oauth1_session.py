"""A `requests.Session` for the API of an OAuth 1.0 provider that signs every request and every redirect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import requests

from oidc_login.protocol.http.api_adapter import ApiAdapter, TokenNotSent
from oidc_login.protocol.http.api_session import TokenAuth, TokenSession, TokenSource
from oidc_login.protocol.http.client import Request, Transport
from oidc_login.protocol.http.connections import ConnectionPolicy
from oidc_login.protocol.oauth1 import Token

# A placeholder in requests that have to be signed. requests removes it, like any `Authorization`, when a redirect
# leads to another origin.
TO_BE_SIGNED = "OAuth"

Sign = Callable[[Request, Token], Request]
RefusesToken = Callable[[str, str], bool]
MAX_REASON = 1000  # bytes of a response that may give the reason


class SignedSession(TokenSession):
    """Signs requests with the token of a `TokenSource`.

    `refuses_token` decides from the challenge and the body of a 401 whether the token is no longer valid.
    """

    def __init__(
        self,
        source: TokenSource,
        sign: Sign,
        *,
        refuses_token: RefusesToken = lambda challenge, body: False,
        transport: Transport,
        hosts: Iterable[str] | None = None,
    ) -> None:
        super().__init__(TokenAuth(lambda: TO_BE_SIGNED, hosts), transport=transport)
        self.mount_everywhere(SigningAdapter(transport.policy, source, sign, refuses_token))


class SigningAdapter(ApiAdapter):
    """Signs at the last moment, so that the session only stores, redirects and returns unsigned requests."""

    def __init__(self, policy: ConnectionPolicy, source: TokenSource, sign: Sign, refuses_token: RefusesToken) -> None:
        super().__init__(policy)
        self._source = source
        self._sign = sign
        self._refuses_token = refuses_token

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if request.headers.get("Authorization") != TO_BE_SIGNED:
            return super().send(request, *args, **kwargs)
        text = self._source.get()
        signed = signed_copy(request, lambda unsigned: self._sign(unsigned, Token.from_text(text)))
        try:
            response = super().send(signed, *args, **kwargs)
        except TokenNotSent as error:
            raise TokenNotSent(str(error), request=request) from None
        except requests.RequestException as error:
            # Not chained, because the error contains the signed request, and its text may contain the signed URL.
            raise type(error)(f"no answer from {urlsplit(str(request.url)).hostname}", request=request) from None
        response.request, response.url = request, str(request.url)
        if response.status_code == 401:
            reason = response.content[:MAX_REASON].decode("utf-8", "replace")
            if self._refuses_token(response.headers.get("WWW-Authenticate", ""), reason):
                self._source.give_up(text)
        return response


def signed_copy(request: requests.PreparedRequest, sign: Callable[[Request], Request]) -> requests.PreparedRequest:
    """Return the signed request; the signature cannot cover a streamed body."""
    body = request.body.encode() if isinstance(request.body, str) else request.body
    unsigned = Request(
        method=str(request.method),
        url=str(request.url),
        headers={"Content-Type": str(request.headers.get("Content-Type", ""))},
        body=body if isinstance(body, bytes) else None,
    )
    made = sign(unsigned)
    signed = request.copy()
    signed.url = made.url
    del signed.headers["Authorization"]
    signed.headers.update({name: value for name, value in made.headers.items() if name == "Authorization"})
    if made.body != unsigned.body:
        signed.body = made.body
        signed.prepare_content_length(made.body)
    return signed
