"""OAuth 2.0 (RFC 6749): a provider declared by its endpoints and its userinfo mapping.

The declarations are settings of an entry or attributes of a class.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol import client_auth
from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.protocol.http.client import Request
from oidc_login.protocol.private_key import PrivateKey
from oidc_login.protocol.tokens import (
    TokenResponse,
    read_revocation_response,
    request_tokens,
    revocation_request,
    self_revocation_request,
    token_request,
)
from oidc_login.protocol.userinfo import read_userinfo_document, userinfo_request
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.mapping import other_members, text_at, value_at
from oidc_login.providers.values import OAuthToken, OAuthUser, pending_flow, subject_of

if TYPE_CHECKING:
    from django.http import HttpRequest

T = TypeVar("T")

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint")


class OAuth2Provider(OAuthProvider):
    """An OAuth 2.0 provider (RFC 6749): endpoints, and `mapping` or `user_from_userinfo` to read userinfo responses.

    A class declares both as attributes; arguments in the settings replace them.
    """

    is_generic: ClassVar[bool] = True

    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    revocation_endpoint: str = ""

    identity_endpoints = ("token_endpoint", "userinfo_endpoint")

    # Parameters of every authorization request; the setting `authorization_params` adds more.
    default_authorization_params: ClassVar[Mapping[str, str]] = {}

    token_endpoint_auth_methods_supported: ClassVar[tuple[str, ...]] = ("client_secret_basic",)
    client_refusals: ClassVar[tuple[str, ...]] = ("invalid_client",)
    allow_form_answer: ClassVar[bool] = False

    # Set by classes whose provider departs from the specifications, with a link to its documentation.
    sends_json: ClassVar[bool] = False  # to the token endpoint, instead of a form
    userinfo_method: ClassVar[str] = "GET"
    revocation_method: ClassVar[Literal["", "POST", "DELETE"]] = ""  # "": RFC 7009; else the token authenticates

    # How to refresh: with the refresh token, by exchanging a valid access token, or not at all.
    refresh_strategy: ClassVar[Literal["standard", "exchange_self", "none"]] = "standard"

    def __init__(
        self,
        *,
        authorization_endpoint: str = "",
        token_endpoint: str = "",
        userinfo_endpoint: str = "",
        revocation_endpoint: str = "",
        mapping: Mapping[str, str] | None = None,
        api_base_url: str = "",
        token_endpoint_auth_method: str | None = None,
        client_key: Mapping[str, Any] | str | None = None,
        client_assertion_audience: str = "issuer",
        client_assertion_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        urls = (authorization_endpoint, token_endpoint, userinfo_endpoint, revocation_endpoint, api_base_url)
        for name, url in zip((*ENDPOINTS, "api_base_url"), urls, strict=True):
            if url:
                setattr(self, name, url)
        if mapping:
            self.mapping = {**self.mapping, **{name: str(path) for name, path in mapping.items()}}
        self.token_endpoint_auth_method = token_endpoint_auth_method
        self.private_key = PrivateKey(client_key) if client_key is not None else None
        self.client_assertion_audience = client_assertion_audience
        self.client_assertion_file = client_assertion_file
        self._secrets = client_auth.SecretRotation()

    def get_required_parts(self) -> Mapping[str, tuple[str, ...]]:
        return {
            "authorization_endpoint": ("authorization_url", "get_authorization_url"),
            "token_endpoint": ("get_oauth_token",),
            "userinfo_endpoint": ("get_oauth_user", "get_userinfo"),
            "user_from_userinfo": ("mapping", "get_oauth_user", "get_userinfo"),
        }

    @property
    def authorization_url(self) -> str:  # type: ignore[override]  # the base class allows a plain attribute
        """The authorization endpoint."""
        return self.authorization_endpoint

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_authorization_url_params(request=request), **self.default_authorization_params}

    def sends_code_challenge(self) -> bool:
        """Return true, unless a subclass's own token request may omit the verifier (RFC 9700 2.1.1)."""
        return self.makes_standard_token_requests() if self.uses_pkce is None else self.uses_pkce

    def makes_standard_token_requests(self) -> bool:
        return type(self).get_oauth_token is OAuth2Provider.get_oauth_token

    @sensitive_variables()
    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        """Exchange the code once (RFC 6749 4.1.3, RFC 7636 4.5)."""
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.get_callback_url(request=request),
        }
        verifier = self.get_code_verifier(request)
        if self.sends_code_challenge() and verifier:  # mozilla-django-oidc's middleware sends no challenge
            parameters["code_verifier"] = verifier
        asked = pending_flow(request).parameters.get("scope", self.get_scope())
        return self.exchange_grant(parameters, scope=asked)

    def can_refresh(self, *, oauth_token: OAuthToken) -> bool:
        """Whether the tokens can be refreshed; an expired access token cannot be exchanged."""
        if self.refresh_strategy == "exchange_self":
            expires_at = oauth_token.access_token_expires_at
            is_valid = expires_at is None or expires_at.timestamp() > time.time()  # also for times without a time zone
            return bool(oauth_token.access_token) and is_valid
        return self.refresh_strategy == "standard" and super().can_refresh(oauth_token=oauth_token)

    @sensitive_variables()
    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        """Exchange the refresh token for new tokens (RFC 6749 6); without a scope in the response, it is unchanged."""
        return self.exchange_grant(self.get_refresh_parameters(oauth_token), scope=oauth_token.scope)

    @sensitive_variables()
    def get_refresh_parameters(self, oauth_token: OAuthToken) -> dict[str, str]:
        """Return the parameters of a refresh request without the client's; some providers require more."""
        return {"grant_type": "refresh_token", "refresh_token": oauth_token.refresh_token}

    def get_client_secrets(self) -> Sequence[str]:
        """Return the client secrets: one, or several during a rotation."""
        return self.client_secrets or ("",)

    def current_secret(self) -> str:
        """Return the secret that worked last."""
        return self._secrets.current(self.get_client_secrets())

    @sensitive_variables()
    def request_token(self, parameters: Mapping[str, str]) -> TokenResponse:
        """Send a grant to the token endpoint (RFC 6749 3.2)."""
        return self.send_with_secret(lambda secret: self._post_grant(parameters, client_secret=secret))

    @sensitive_variables()
    def exchange_grant(self, parameters: Mapping[str, str], *, scope: str | None = None) -> OAuthToken:
        return self.token_from_response(self.request_token(parameters), scope=scope)

    def send_with_secret(self, request: Callable[[str], T]) -> T:
        """Send a request with the current secret; while the client is rejected, retry with the other secrets."""
        return self._secrets.send(request, self.get_client_secrets(), refusals=self.client_refusals)

    @sensitive_variables()
    def _post_grant(self, parameters: Mapping[str, str], *, client_secret: str) -> TokenResponse:
        now = time.time()
        request = token_request(
            self.token_endpoint,
            parameters,
            authentication=self.authenticate_client(client_secret, now=now),
            headers=self.request_headers,
            as_json=self.sends_json,
        )
        return request_tokens(
            self.transport,
            request,
            now=now,
            allow_form_answer=self.allow_form_answer,
            translate=self.read_token_answer,
        )

    def read_token_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return a token response in the form of RFC 6749 5; some providers use another form."""
        return answer

    @sensitive_variables()
    def authenticate_client(self, client_secret: str, *, now: float) -> client_auth.ClientAuthentication:
        """Return the credentials of the client (RFC 6749 2.3, Core 9)."""
        if self.client_assertion_file:
            return client_auth.assertion_of_file(self.client_id, self.client_assertion_file)
        method = self.token_endpoint_auth_method or client_auth.choose_method(
            supported=self.get_supported_auth_methods(),
            has_secret=bool(client_secret),
            has_key=self.private_key is not None,
        )
        return client_auth.authenticate(
            method, self.client_id, client_secret, key=self.private_key, audience=self.get_audience, now=now
        )

    def get_supported_auth_methods(self) -> tuple[str, ...]:
        """Return the client authentication methods that the provider supports."""
        return self.token_endpoint_auth_methods_supported

    def get_audience(self) -> str:
        """Return the audience of client assertions (RFC 7523 3): the issuer, unless the settings name another one."""
        if self.client_assertion_audience == "token_endpoint":
            return self.token_endpoint
        if self.client_assertion_audience != "issuer":
            return self.client_assertion_audience
        return self.get_issuer() or self.token_endpoint

    def token_from_response(self, response: TokenResponse, *, scope: str | None = None) -> OAuthToken:
        """Return the tokens. Without a scope in the response, the requested `scope` was granted (RFC 6749 5.1)."""
        asked = self.get_scope() if scope is None else scope
        return OAuthToken(
            access_token=response.access_token,
            refresh_token=response.refresh_token,
            access_token_expires_at=response.access_token_expires_at,
            refresh_token_expires_at=response.refresh_token_expires_at,
            scope=asked if response.scope is None else response.scope,
            id_token=response.id_token,
        )

    def granted_scopes(self, scope: str) -> frozenset[str]:
        return super().granted_scopes(scope.replace(self.scope_separator, " "))

    @sensitive_variables()
    def revoke_oauth_token(self, *, oauth_token: OAuthToken) -> None:
        """Revoke the tokens if the provider supports it."""
        if not self.revocation_endpoint or (self.revocation_method and not oauth_token.access_token):
            return
        request = self.get_revocation_request(oauth_token)
        read_revocation_response(self.transport.send(request), now=time.time())

    @sensitive_variables()
    def get_revocation_request(self, oauth_token: OAuthToken) -> Request:
        """Return the request that revokes the refresh token, or else the access token (RFC 7009)."""
        if self.revocation_method:
            return self_revocation_request(
                self.revocation_method,
                self.revocation_endpoint,
                oauth_token.access_token,
                headers=self.request_headers,
            )
        return revocation_request(
            self.revocation_endpoint,
            oauth_token.refresh_token or oauth_token.access_token,
            token_type_hint="refresh_token" if oauth_token.refresh_token else "access_token",
            authentication=self.authenticate_client(self.current_secret(), now=time.time()),
            headers=self.request_headers,
            as_json=self.sends_json,
        )

    @sensitive_variables()
    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Return the person that the userinfo endpoint describes."""
        userinfo = self.get_resource(self.userinfo_endpoint, oauth_token=oauth_token)
        return self.user_from_userinfo(userinfo, oauth_token=oauth_token)

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Return the person that a userinfo response describes, using `mapping`."""
        email = text_at(userinfo, self.mapping.get("email", ""))
        stated = self.stated_email_verified(userinfo) if email else None
        return OAuthUser(
            id=self.subject_from_userinfo(userinfo),
            email=email,
            email_verified=stated is True,
            **{name: text_at(userinfo, self.mapping.get(name, "")) for name in ("username", "name", "picture")},
            # `trust_email` does not override a stated value.
            claims={**other_members(userinfo), **({} if stated is None else {"email_verified": stated})},
        )

    def subject_from_userinfo(self, userinfo: Any) -> str:
        """Return the identity, a string or an integer, or raise `UserInfoInvalid`."""
        subject = subject_of(value_at(userinfo, self.mapping.get("user_id", "")))
        if not subject:
            raise UserInfoInvalid("user_id")
        return subject

    def stated_email_verified(self, userinfo: Any) -> Any:
        """Return what the response says about its address, or `None` if it says nothing."""
        return value_at(userinfo, self.mapping.get("email_verified", ""))

    @sensitive_variables()
    def get_resource(self, url: str, *, oauth_token: OAuthToken) -> Any:
        """Return the JSON of a resource of the provider, requested with the access token (RFC 6750 2.1)."""
        request = userinfo_request(
            url, oauth_token.access_token, headers=self.request_headers, method=self.userinfo_method
        )
        return read_userinfo_document(self.transport.send(request), now=time.time())
