"""The client of an OAuth 1.0a provider (RFC 5849). Requires the extra `oauth1`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.client.api import ApiCalls, TokenLike
from oidc_login.client.attributes import Attributes
from oidc_login.client.discreet import Discreet
from oidc_login.client.errors import (
    STATE_ERRORS,
    InvalidTokenError,
    MissingRequestTokenError,
    OAuthError,
    translate_errors,
)
from oidc_login.client.flows import Flows
from oidc_login.flow.pending import attach_flow
from oidc_login.protocol.errors import AuthorizationResponseInvalid, TokenResponseInvalid
from oidc_login.protocol.oauth1 import Token
from oidc_login.providers.answers import answers_of
from oidc_login.providers.oauth1 import OAuth1Provider
from oidc_login.providers.values import OAuthToken, OAuthUser

if TYPE_CHECKING:
    from oidc_login.providers.base import OAuthProvider


class RegisteredOAuth1Provider(OAuth1Provider):
    """An OAuth 1.0a provider, given by its endpoints."""

    def __init__(
        self,
        *,
        request_token_endpoint: str,
        authorization_endpoint: str,
        access_token_endpoint: str,
        request_token_params: Mapping[str, str] | None = None,
        access_token_params: Mapping[str, str] | None = None,
        user_agent: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.request_token_endpoint = request_token_endpoint
        self.authorization_endpoint = authorization_endpoint
        self.access_token_endpoint = access_token_endpoint
        self.request_token_params = dict(request_token_params or {})
        self.access_token_params = dict(access_token_params or {})
        if user_agent:
            self.request_headers = {**self.request_headers, "User-Agent": user_agent}

    def get_request_token_params(self, *, request: HttpRequest) -> dict[str, str]:
        return self.request_token_params

    def get_access_token_params(self, *, request: HttpRequest) -> dict[str, str]:
        return self.access_token_params

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Not used: a client signs nobody in."""
        raise NotImplementedError


class DjangoOAuth1App(Flows, ApiCalls, Attributes):
    """A client of an OAuth 1.0a provider.

    Its tokens are dictionaries with `oauth_token`, `oauth_token_secret` and all other members of the response.
    """

    def _own_values(self) -> tuple[str, ...]:
        return ("state",)

    def _check_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters:
            raise ImproperlyConfigured("An OAuth 1.0 request has no parameters of its own. Write authorize_params.")
        return {}

    @sensitive_variables()
    def save_authorize_data(self, request: HttpRequest, **data: Any) -> None:
        """Store the result of `create_authorization_url` in the session, sealed, with its `redirect_uri`."""
        as_request_token(data.get("request_token"))
        super().save_authorize_data(request, **data)

    @sensitive_variables()
    def authorize_access_token(self, request: HttpRequest) -> Discreet:
        """Return the token for the response in this request; the flow is used up first (RFC 5849 2.3)."""
        with translate_errors(request):
            provider = self._provider()
            response = self._take_answer(request, provider)
            return exchange(provider, response.code, request)

    @sensitive_variables()
    def _take_answer(self, request: HttpRequest, provider: OAuthProvider) -> Any:
        """Take the response, and translate two failures into the names of this API."""
        is_named = bool(request.GET.get("oauth_token"))
        try:
            return super()._take_answer(request, provider)
        except STATE_ERRORS as error:
            raise OAuthError(description='Missing "request_token" in temporary data', seen=error) from error
        except AuthorizationResponseInvalid as error:
            if is_named:
                raise
            raise OAuthError(description='Missing "oauth_token" parameter') from error

    @translate_errors()
    @sensitive_variables()
    def fetch_access_token(
        self, request_token: Mapping[str, str] | None = None, *, oauth_verifier: str, **parameters: Any
    ) -> Discreet:
        """Return the token for a request token and its verifier, for a site that stores the flow itself."""
        private = as_request_token(request_token)
        request = HttpRequest()
        attach_flow(request, self._flow(redirect_uri="", private=private))
        return exchange(self._provider(), oauth_verifier, request)

    def _source(self, token: TokenLike) -> TokenOfCall:
        return TokenOfCall(token)

    def _check_token(self, token: TokenLike) -> None:
        as_text(token)


class TokenOfCall:
    """The token of one call, which cannot be refreshed."""

    def __init__(self, token: TokenLike) -> None:
        self._token = token

    @sensitive_variables()
    def get(self) -> str:
        return as_text(self._token)

    def replace(self, refused: str) -> str | None:
        return None

    def give_up(self, refused: str) -> None:
        """Do nothing: the caller gets the response."""


@sensitive_variables()
def exchange(provider: OAuthProvider, verifier: str, request: HttpRequest) -> Discreet:
    """Return the token for a verifier as a dictionary."""
    with answers_of(provider):
        token = Token.from_text(provider.get_oauth_token(code=verifier, request=request).access_token)
    return Discreet({**token.extras, "oauth_token": token.token, "oauth_token_secret": token.secret})


@sensitive_variables()
def as_text(token: TokenLike) -> str:
    """Return a token dictionary as text for the provider class, or raise an error."""
    try:
        members = {name: token[name] for name in ("oauth_token", "oauth_token_secret")}
        return Token.from_parameters(members).as_text()
    except (KeyError, TypeError, TokenResponseInvalid) as error:
        reason = "A token is a dictionary with oauth_token and oauth_token_secret"
        raise InvalidTokenError(description=reason) from error


def as_request_token(request_token: Mapping[str, str] | None) -> dict[str, str]:
    if not request_token:
        raise MissingRequestTokenError
    return {name: str(request_token.get(name, "")) for name in ("oauth_token", "oauth_token_secret")}
