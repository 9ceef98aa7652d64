"""OAuth 1.0a (RFC 5849): a provider declared by its endpoints and its userinfo mapping.

Requires the extra `oauth1`, which installs oauthlib.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol import oauth1
from oidc_login.protocol.authorization import AuthorizationResponse, authorization_url
from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.protocol.http.api_session import TokenSource
from oidc_login.protocol.http.client import Request, Response
from oidc_login.protocol.http.oauth1_session import SignedSession
from oidc_login.protocol.private_key import PrivateKey
from oidc_login.protocol.userinfo import read_userinfo_document
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken, OAuthUser, PendingFlow, pending_flow

if TYPE_CHECKING:
    from django.http import HttpRequest


class OAuth1Provider(OAuthProvider):
    """An OAuth 1.0a provider: endpoints as class attributes, and a method that identifies the person.

    That method is `user_from_userinfo` if there is a `userinfo_endpoint`, and `user_from_token` if the token response
    identifies the person. The stored `access_token` is the whole token response: token, secret and all other members.
    """

    is_generic: ClassVar[bool] = True

    request_token_endpoint: str = ""
    authorization_endpoint: str = ""
    access_token_endpoint: str = ""
    userinfo_endpoint: str = ""
    identity_endpoints = ("access_token_endpoint", "userinfo_endpoint")

    default_signature_method: ClassVar[str] = "HMAC-SHA1"
    request_headers: Mapping[str, str] = {}
    response_parameters = oauth1.RESPONSE_PARAMETERS

    def __init__(
        self,
        *,
        signature_method: str | None = None,
        signature_type: str = "HEADER",
        client_key: Mapping[str, Any] | str | None = None,
        realm: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.signature_method = signature_method or self.default_signature_method
        key = PrivateKey(client_key) if client_key is not None else None
        if key is not None and key.key_type != "RSA":
            raise ValueError("client_key is not an RSA key")
        self._clients = oauth1.Clients(
            [
                oauth1.Client(
                    client_id=self.client_id,
                    client_secret=client_secret,
                    private_key=key.to_pem() if key else "",
                    signature_method=self.signature_method,
                    signature_type=signature_type,
                    realm=realm,
                )
                for client_secret in self.client_secrets or ("",)
            ]
        )

    def get_required_parts(self) -> Mapping[str, tuple[str, ...]]:
        parts: dict[str, tuple[str, ...]] = {
            "request_token_endpoint": ("prepare_flow",),
            "authorization_endpoint": ("get_authorization_url",),
            "access_token_endpoint": ("get_oauth_token",),
        }
        if self.userinfo_endpoint:
            parts["user_from_userinfo"] = ("get_oauth_user", "get_userinfo")
        return parts

    @property
    def authorization_url(self) -> str:  # type: ignore[override]  # the base class allows a plain attribute
        """The authorization endpoint."""
        return self.authorization_endpoint

    # The three requests of RFC 5849 2.

    @sensitive_variables()
    def prepare_flow(self, *, request: HttpRequest) -> dict[str, str]:
        """Fetch a request token for a callback URL with our state, and seal it into the flow (RFC 5849 2.1)."""
        flow = pending_flow(request)
        asked = oauth1.token_request(self.request_token_endpoint, self.get_request_token_params(request=request))
        response = self.send(asked, callback=authorization_url(flow.redirect_uri, {"state": flow.state}))
        token = oauth1.read_request_token(response, now=time.time())
        return {"oauth_token": token.token, "oauth_token_secret": token.secret}

    def get_request_token_params(self, *, request: HttpRequest) -> dict[str, str]:
        """Return the provider's own parameters for the request token request."""
        return {}

    def get_access_token_params(self, *, request: HttpRequest) -> dict[str, str]:
        """Return additional parameters for the token request."""
        return {}

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        """Return the provider's own parameters for the authorization request; OAuth 1.0 has no scope."""
        return {}

    def get_flow_params(self, flow: PendingFlow) -> dict[str, Any]:
        """Return the only parameter, the request token (RFC 5849 2.2)."""
        return {"oauth_token": flow.private["oauth_token"]}

    def read_response(self, parameters: Iterable[tuple[str, str]], *, flow: PendingFlow) -> AuthorizationResponse:
        """Return the response to a flow, if it belongs to the flow's request token (RFC 5849 2.2)."""
        return oauth1.read_authorization_response(parameters, request_token=flow.private.get("oauth_token", ""))

    @sensitive_variables()
    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        """Exchange the request token and the verifier for the access token (RFC 5849 2.3)."""
        flow = pending_flow(request)
        request_token = oauth1.Token(token=flow.private["oauth_token"], secret=flow.private["oauth_token_secret"])
        asked = oauth1.token_request(self.access_token_endpoint, self.get_access_token_params(request=request))
        response = self.send(asked, token=request_token, verifier=code)
        token = oauth1.read_access_token(response, now=time.time())
        return OAuthToken(
            access_token=token.as_text(),
            access_token_expires_at=self.get_expiry(flow),
            scope=self.asked_scope(request),
        )

    def get_expiry(self, flow: PendingFlow) -> datetime | None:
        """Return when the flow's access token expires, or `None` if it does not expire."""
        return None

    def asked_scope(self, request: HttpRequest) -> str:
        """Return the scope that this flow requests, for a provider that has scopes."""
        return str(pending_flow(request).parameters.get("scope", self.get_scope()))

    # The person.

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Request userinfo, or read the person from the token response."""
        if not self.userinfo_endpoint:
            return self.user_from_token(oauth1.Token.from_text(oauth_token.access_token).extras)
        userinfo = self.get_resource(self.userinfo_endpoint, oauth_token=oauth_token)
        return self.user_from_userinfo(userinfo, oauth_token=oauth_token)

    def user_from_token(self, extras: Mapping[str, str]) -> OAuthUser:
        """Return the person that the token response identifies."""
        return OAuthUser(id=extras.get("user_id", ""), username=extras.get("screen_name", ""))

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Return the person that a userinfo response describes."""
        raise NotImplementedError

    @sensitive_variables()
    def get_resource(self, url: str, *, oauth_token: OAuthToken) -> Any:
        """Return the JSON of a resource of the provider, requested with a signed request."""
        token = oauth1.Token.from_text(oauth_token.access_token)
        response = self.send(oauth1.resource_request(url), token=token)
        return read_userinfo_document(response, now=time.time())

    # Requests.

    @sensitive_variables()
    def send(
        self, request: Request, *, token: oauth1.Token | None = None, callback: str = "", verifier: str = ""
    ) -> Response:
        """Sign and send a request; after a 401, retry with the other secrets of a rotation (RFC 5849 3.2)."""

        def exchange(client: oauth1.Client) -> Response:
            signed = self._signed(request, client, token=token, callback=callback, verifier=verifier)
            return self.transport.send(signed)

        return self._clients.try_each(exchange)

    @sensitive_variables()
    def sign(self, request: Request, token: oauth1.Token) -> Request:
        """Return the request, signed with the person's token and the client's credentials."""
        return self._signed(request, self._clients.current, token=token)

    @sensitive_variables()
    def _signed(self, request: Request, client: oauth1.Client, **parts: Any) -> Request:
        headers = {**request.headers, **self.request_headers}
        asked = Request(
            method=request.method, url=request.url, headers=headers, body=request.body, max_bytes=request.max_bytes
        )
        return oauth1.sign(asked, client=client, now=time.time(), nonce=oauth1.new_nonce(), **parts)

    def open_session(self, source: TokenSource, *, hosts: Iterable[str] | None) -> SignedSession:
        """Return a session for the provider's API that signs each request."""
        return SignedSession(
            source,
            self.sign,
            refuses_token=self.refuses_token,
            hosts=hosts,
            transport=self.transport,
        )

    def refuses_token(self, challenge: str, body: str) -> bool:
        """Whether a 401 of the API means that the token is no longer valid, and not a wrong client or clock.

        `challenge` is its `WWW-Authenticate`. Not all providers are clear about this; their classes can override it.
        """
        return any(oauth1.REFUSALS_OF_THE_TOKEN.search(said) for said in (challenge, body))


def text(value: object) -> str:
    """Return a value if it is text, otherwise ""."""
    return value if isinstance(value, str) else ""


def members(value: object, *path: str) -> Mapping[str, Any]:
    """Return the object at a path of a response, or raise `UserInfoInvalid` with the name of what is not an object."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise UserInfoInvalid(path[-1] if path else "document")
    return value
