"""The client of an OAuth 2.0 or OpenID provider."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.client.attributes import Attributes, published_members
from oidc_login.client.calls import TokenCalls
from oidc_login.client.claims import ClaimsOptions, check_admission, check_arguments, check_options
from oidc_login.client.errors import MismatchingStateError, OAuthError, translate_errors
from oidc_login.client.flows import OWN_VALUES, Flows
from oidc_login.client.integration import ClientSession
from oidc_login.client.logout import Logout
from oidc_login.client.options import judged, refuse, request_problems, token_rules
from oidc_login.client.providers import RegisteredProvider
from oidc_login.client.registration import ENDPOINTS
from oidc_login.client.tokens import OAuth2Token, as_dictionary, as_token
from oidc_login.client.userinfo import UserInfo
from oidc_login.flow.pending import attach_flow
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.oidc import with_openid
from oidc_login.providers.values import OAuthToken


class DjangoOAuth2App(Flows, TokenCalls, Logout, Attributes):
    """A client of an OAuth 2.0 or OpenID provider."""

    def _own_values(self) -> tuple[str, ...]:
        """Return the values of a flow; only OpenID providers get a nonce."""
        return OWN_VALUES if self._provider().has_id_token else ("state", "code_verifier")

    def _check_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        refuse("authorize_redirect()", request_problems(parameters))
        if "scope" not in parameters:
            return dict(parameters)
        scope = parameters["scope"] if isinstance(parameters["scope"], str) else " ".join(parameters["scope"])
        is_openid = self._provider().has_id_token
        return {**parameters, "scope": with_openid(scope) if is_openid else scope}

    @sensitive_variables()
    def authorize_access_token(
        self,
        request: HttpRequest,
        claims_options: ClaimsOptions | None = None,
        claims_cls: type[UserInfo] | None = None,
        leeway: float | None = None,
        **parameters: Any,
    ) -> OAuth2Token:
        """Return the tokens for the response in this request, with `userinfo` from the ID token.

        The flow is used up first, even if the response is wrong.
        """
        refuse("authorize_access_token()", judged(parameters, token_rules(parameters), "{}"))
        with translate_errors(request):
            provider = asking_for(self._verifying_provider(claims_options, claims_cls, leeway), parameters)
            response = self._take_answer(request, provider)
            with answers_of(provider):
                token = provider.get_oauth_token(code=response.code, request=request)
            made = as_dictionary(token)
            claims = verified_claims(provider, token, request, claims_options)
        if claims:
            made["userinfo"] = (claims_cls or UserInfo)(claims)
        return made

    def _verifying_provider(
        self, claims_options: ClaimsOptions | None, claims_cls: object, leeway: float | None
    ) -> OAuthProvider:
        """Return the provider that verifies an ID token; arguments of a call cannot weaken the verification."""
        provider = self._provider()
        expected = {"iss": provider.get_issuer(), "aud": provider.client_id} if claims_options else {}
        check_arguments(expected, claims_options, claims_cls, leeway)
        asks_for_another = leeway is not None and provider.has_id_token
        return self._provider(leeway=leeway) if asks_for_another else provider

    @translate_errors()
    @sensitive_variables()
    def parse_id_token(
        self,
        token: Any,
        nonce: Any = None,
        claims_options: ClaimsOptions | None = None,
        claims_cls: type[UserInfo] | None = None,
        leeway: float | None = None,
    ) -> UserInfo | None:
        """Return the claims of the ID token from `(token, nonce)`, or `None` if there is no ID token.

        The older signature `(request, token)` takes the nonce from the flow that this request ended.
        """
        if isinstance(token, Mapping):
            if not isinstance(nonce, str) or not nonce:
                raise OAuthError("missing_nonce", "Give the nonce that create_authorization_url() returned")
            request = HttpRequest()
            attach_flow(request, self._flow(redirect_uri="", nonce=nonce))
        else:
            request, token = token, nonce
            flow = getattr(request, "oauth_flow", None)
            if flow is None or flow.provider_key != self._key or not isinstance(token, Mapping):
                raise MismatchingStateError
        if not token.get("id_token"):
            return None
        provider = self._verifying_provider(claims_options, claims_cls, leeway)
        claims = verified_claims(provider, as_token(token), request, claims_options)
        if not claims:
            raise RuntimeError('Missing "jwks_uri" in metadata')
        return (claims_cls or UserInfo)(claims)

    def _get_oauth_client(self, **metadata: Any) -> ClientSession:
        return ClientSession(self)

    # What the provider says of itself.

    @translate_errors()
    def load_server_metadata(self) -> dict[str, Any]:
        """Return all members of the provider's document, with those that were registered in place of them."""
        provider = self._provider()
        if provider.has_id_token:
            used = asdict(provider.get_metadata())
            found = {**self._registration.further, **published_members(provider), **used}
        else:
            found = {name: getattr(provider, name, "") for name in ENDPOINTS}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value}

    @translate_errors()
    def fetch_jwk_set(self, force: bool = False) -> Any:
        """Return the provider's keys (RFC 7517 5); `force` fetches them again, but at most twice a minute."""
        provider = self._provider()
        if not provider.has_id_token:
            raise RuntimeError('Missing "jwks_uri" in metadata')
        return provider.get_jwk_set(newer=force)


def asking_for(provider: OAuthProvider, parameters: Mapping[str, Any]) -> OAuthProvider:
    """Return a provider that adds these parameters to its token request."""
    if not parameters:
        return provider
    if not isinstance(provider, RegisteredProvider):
        raise ImproperlyConfigured("authorize_access_token(): this provider's class makes the token request itself.")
    other = copy.copy(provider)
    other.access_token_params = {**provider.access_token_params, **{n: str(v) for n, v in parameters.items()}}
    return other


@sensitive_variables()
def verified_claims(
    provider: OAuthProvider, token: OAuthToken, request: HttpRequest, claims_options: ClaimsOptions | None
) -> Mapping[str, Any]:
    """Return the claims of the ID token after all checks, or {} for a provider without ID tokens."""
    with answers_of(provider):
        claims = provider.verify_id_token(token, request=request)
    if claims:
        check_admission(provider, claims)
        check_options(claims, claims_options)
    return claims
