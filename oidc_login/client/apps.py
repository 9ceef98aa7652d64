"""The client of an OAuth 2.0 or OpenID provider: flows that a site's own views begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.debug import sensitive_variables

from oidc_login import flow as flows
from oidc_login.cache import add_once
from oidc_login.protocol.authorization import AuthorizationResponse, read_state
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider, OAuthToken
from oidc_login.providers.oauth2 import OAuth2Provider
from oidc_login.providers.oidc import OIDCProvider, with_openid

from . import pending
from .calls import ApiCalls
from .claims import ClaimsOptions, check_admission, check_arguments, check_options
from .discreet import Discreet
from .errors import MismatchingStateError, OAuthError, asking
from .logout import Logout
from .options import check_redirect_uri, refuse, request_problems
from .registration import ENDPOINTS
from .tokens import OAuth2Token, as_dictionary, as_token
from .userinfo import UserInfo

# What a site may make up itself, each once.
OWN_VALUES = ("state", "nonce", "code_verifier")
# What the end of a flow has to know of its beginning.
KEPT_PARAMETERS = ("scope", "max_age", "acr_values")
MEMORY = 24 * 3600  # seconds for which a nonce of the site's own is remembered


class DjangoOAuth2App(ApiCalls, Logout):
    """A client of an OAuth 2.0 or OpenID provider."""

    # The beginning of a flow.

    @asking()
    @sensitive_variables()
    def authorize_redirect(
        self, request: HttpRequest, redirect_uri: str | None = None, **parameters: Any
    ) -> HttpResponseRedirect:
        """Send the browser to the provider; the answer comes to `redirect_uri`, and counts in this browser alone."""
        flow = self._begin(redirect_uri, parameters)
        response = HttpResponseRedirect(self._authorization_url(request, flow))
        response["Cache-Control"] = "no-store"
        mode = flow.parameters.get("response_mode") or self._provider().response_mode
        flow = replace(flow, parameters=kept(flow.parameters))
        flows.remember(request, response, flow, cross_site_post=mode == "form_post")
        return response

    @asking()
    @sensitive_variables()
    def create_authorization_url(self, redirect_uri: str | None = None, **parameters: Any) -> Discreet:
        """Return the URL, and what `save_authorize_data` has to keep for the end of the flow."""
        flow = self._begin(redirect_uri, parameters)
        url = self._authorization_url(HttpRequest(), flow)
        own = {name: getattr(flow, name) for name in self._own_values()}
        return Discreet(url=url, **own)

    @asking()
    @sensitive_variables()
    def save_authorize_data(self, request: HttpRequest, **data: Any) -> None:
        """Keep what `create_authorization_url` returned, sealed in the session, with its `redirect_uri`."""
        own: dict[str, Any] = {name: data.get(name) for name in self._own_values()}
        for name, value in own.items():
            if not value:
                raise RuntimeError(f"Missing {name} value")
        refuse("save_authorize_data()", request_problems(own))
        asked = dict(parse_qsl(urlsplit(data.get("url") or "").query))
        redirect_uri = check_redirect_uri(data.get("redirect_uri"))
        pending.save(request, self._flow(redirect_uri=redirect_uri, parameters=kept(asked), **own))

    def _own_values(self) -> tuple[str, ...]:
        """Return what a flow is made of: OpenID providers alone are sent a nonce."""
        return OWN_VALUES if isinstance(self._provider(), OIDCProvider) else ("state", "code_verifier")

    def _begin(self, redirect_uri: str | None, parameters: Mapping[str, Any]) -> flows.Flow:
        """Return a new flow; a nonce that was used before protects nothing (Core 15.5.2)."""
        asked = {name: value for name, value in parameters.items() if value is not None}
        refuse("authorize_redirect()", request_problems(asked))
        own = {name: asked.pop(name) for name in OWN_VALUES if name in asked}
        if "nonce" in own and not add_once(f"oidc_login.nonce.{flows.state_hash(own['nonce'])}", timeout=MEMORY):
            raise ImproperlyConfigured("nonce was used before. Leave it out, and a new one is made.")
        if "scope" in asked:
            asked["scope"] = self._scope(asked["scope"])
        return self._flow(redirect_uri=check_redirect_uri(redirect_uri), parameters=asked, **own)

    def _scope(self, scope: Any) -> str:
        scope = scope if isinstance(scope, str) else " ".join(scope)
        return with_openid(scope) if isinstance(self._provider(), OIDCProvider) else scope

    def _authorization_url(self, request: HttpRequest, flow: flows.Flow) -> str:
        provider = self._provider()
        if isinstance(provider, OAuth2Provider) and not provider.authorization_endpoint:
            raise RuntimeError('Missing "authorize_url" value')
        flows.attach(request, flow)
        with answers_of(provider):
            return provider.get_authorization_url(request=request)

    # Its end.

    @sensitive_variables()
    def authorize_access_token(
        self,
        request: HttpRequest,
        claims_options: ClaimsOptions | None = None,
        claims_cls: type[UserInfo] | None = None,
        leeway: float | None = None,
        **parameters: Any,
    ) -> OAuth2Token:
        """Return the tokens that the answer in this request stands for, with `userinfo` from the ID token.

        The flow is used up first, whatever is wrong with the answer.
        """
        if parameters:
            name = next(iter(parameters))
            raise ImproperlyConfigured(f"authorize_access_token() takes no {name}. Write it into access_token_params.")
        with asking(request):
            provider = self._judging_provider(claims_options, claims_cls, leeway)
            response = self._take_answer(request, provider)
            with answers_of(provider):
                token = provider.get_oauth_token(code=response.code, request=request)
            made = as_dictionary(token)
            claims = verified_claims(provider, token, request, claims_options)
        if claims:
            made["userinfo"] = (claims_cls or UserInfo)(claims)
        return made

    @sensitive_variables()
    def _take_answer(self, request: HttpRequest, provider: OAuthProvider) -> AuthorizationResponse:
        data = request.POST if request.method == "POST" else request.GET
        parameters = [(name, value) for name, values in data.lists() for value in values]
        flow = pending.take(request, read_state(parameters), provider_key=self._key, purpose="client")
        return provider.read_response(parameters, flow=flow)

    def _judging_provider(
        self, claims_options: ClaimsOptions | None, claims_cls: object, leeway: float | None
    ) -> OAuthProvider:
        """Return the provider to judge an ID token by; a call cannot make the judgement any milder."""
        provider = self._provider()
        expected = {"iss": provider.get_issuer(), "aud": provider.client_id} if claims_options else {}
        check_arguments(expected, claims_options, claims_cls, leeway)
        asks_for_another = leeway is not None and isinstance(provider, OIDCProvider)
        return self._provider(leeway=leeway) if asks_for_another else provider

    @asking()
    @sensitive_variables()
    def parse_id_token(
        self,
        token: Any,
        nonce: Any = None,
        claims_options: ClaimsOptions | None = None,
        claims_cls: type[UserInfo] | None = None,
        leeway: float | None = None,
    ) -> UserInfo | None:
        """Return the claims of the ID token of `(token, nonce)`; `None` where there is no ID token.

        The older `(request, token)` has the nonce from the flow that this request ended.
        """
        if isinstance(token, Mapping):
            if not isinstance(nonce, str) or not nonce:
                raise OAuthError("missing_nonce", "Give the nonce that create_authorization_url() returned")
            request = HttpRequest()
            flows.attach(request, self._flow(redirect_uri="", nonce=nonce))
        else:
            request, token = token, nonce
            flow = getattr(request, "oauth_flow", None)
            if flow is None or flow.provider_key != self._key or not isinstance(token, Mapping):
                raise MismatchingStateError
        if not token.get("id_token"):
            return None
        provider = self._judging_provider(claims_options, claims_cls, leeway)
        claims = verified_claims(provider, as_token(token), request, claims_options)
        if not claims:
            raise RuntimeError('Missing "jwks_uri" in metadata')
        return (claims_cls or UserInfo)(claims)

    # What the provider says of itself.

    @asking()
    def load_server_metadata(self) -> dict[str, Any]:
        """Return the metadata that is used of the provider's document, or was registered."""
        provider = self._provider()
        if isinstance(provider, OIDCProvider):
            found = asdict(provider.metadata)
        else:
            found = {name: getattr(provider, name, "") for name in ENDPOINTS}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value}

    @asking()
    def fetch_jwk_set(self, force: bool = False) -> Any:
        """Return the provider's keys (RFC 7517 5); `force` fetches them anew, but not more than twice a minute."""
        provider = self._provider()
        if not isinstance(provider, OIDCProvider):
            raise RuntimeError('Missing "jwks_uri" in metadata')
        return provider.get_jwk_set(newer=force)


@sensitive_variables()
def verified_claims(
    provider: OAuthProvider, token: OAuthToken, request: HttpRequest, claims_options: ClaimsOptions | None
) -> Mapping[str, Any]:
    """Return the claims of the ID token after every rule; none where the provider has no ID tokens."""
    with answers_of(provider):
        claims = provider.verify_id_token(token, request=request)
    if claims:
        check_admission(provider, claims)
        check_options(claims, claims_options)
    return claims


def kept(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that the end of a flow is judged by."""
    found = {name: parameters[name] for name in KEPT_PARAMETERS if name in parameters}
    return {**found, "max_age": int(found["max_age"])} if "max_age" in found else found
