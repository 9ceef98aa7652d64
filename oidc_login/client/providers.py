"""The provider classes for registered options: the generic classes with the features of this API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import UserInfoInvalid
from oidc_login.protocol.tokens import TokenResponse
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.providers.values import OAuthToken, OAuthUser

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(slots=True)
class RegisteredToken(OAuthToken):
    """Tokens with all members of their response."""

    members: Mapping[str, Any] = field(default_factory=dict, repr=False)


class RegisteredProvider(OAuth2Provider):
    """What both kinds share: further parameters of token requests, a name for the site, and unchanged responses."""

    def __init__(
        self, *, access_token_params: Mapping[str, str] | None = None, user_agent: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.access_token_params = dict(access_token_params or {})
        if user_agent:
            self.request_headers = {**self.request_headers, "User-Agent": user_agent}

    @sensitive_variables()
    def request_token(self, parameters: Mapping[str, str]) -> TokenResponse:
        """Send a grant; further parameters cannot replace its own."""
        return super().request_token({**self.access_token_params, **parameters})

    @sensitive_variables()
    def token_from_response(self, response: TokenResponse, *, scope: str | None = None) -> OAuthToken:
        token = super().token_from_response(response, scope=scope)
        return RegisteredToken(
            **{each.name: getattr(token, each.name) for each in fields(token)}, members=response.members
        )


class RegisteredOAuth2Provider(RegisteredProvider):
    """OAuth 2.0 without OpenID Connect, given by its endpoints."""

    def __init__(self, *, response_mode: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.response_mode = response_mode

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_authorization_url_params(request=request), "response_mode": self.response_mode}

    @sensitive_variables()
    def get_userinfo(self, oauth_token: OAuthToken, *, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return the userinfo response unchanged, because nothing defines its meaning."""
        userinfo = self.get_resource(self.userinfo_endpoint, oauth_token=oauth_token)
        if not isinstance(userinfo, dict):
            raise UserInfoInvalid("document")
        return userinfo

    def user_from_userinfo(self, userinfo: Any, *, oauth_token: OAuthToken) -> OAuthUser:
        """Not used: a client signs nobody in."""
        raise UserInfoInvalid("id")


class RegisteredOpenIDProvider(RegisteredProvider, OIDCProvider):
    """OpenID Connect, given by the URL of the discovery document or the metadata."""
