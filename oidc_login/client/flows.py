"""The two halves of a flow, for OAuth 2.0 and OAuth 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.debug import sensitive_variables

from oidc_login.cache import add_once
from oidc_login.client import pending
from oidc_login.client.base import Client
from oidc_login.client.discreet import Discreet
from oidc_login.client.errors import translate_errors
from oidc_login.client.options import check_redirect_uri, refuse, request_problems
from oidc_login.flow.pending import Flow, complete_flow, set_flow_cookie, state_hash
from oidc_login.protocol.authorization import AuthorizationResponse, read_state
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider

# Values that a site may generate itself, each for one use.
OWN_VALUES = ("state", "nonce", "code_verifier")
# What the end of a flow needs from its beginning.
KEPT_PARAMETERS = ("scope", "max_age", "acr_values")
MEMORY = 24 * 3600  # seconds for which a site's own nonce is remembered


class Flows(Client):
    """The methods that begin and end a flow in a site's own views."""

    @translate_errors()
    @sensitive_variables()
    def authorize_redirect(
        self, request: HttpRequest, redirect_uri: str | None = None, **parameters: Any
    ) -> HttpResponseRedirect:
        """Redirect to the provider; the response to `redirect_uri` is only valid in this browser and for this user."""
        flow, url = self._begin(request, redirect_uri, parameters)
        response = HttpResponseRedirect(url)
        response["Cache-Control"] = "no-store"
        mode = flow.parameters.get("response_mode") or self._provider().response_mode
        flow = replace(flow, parameters=kept(flow.parameters), user_key=pending.user_key(request))
        set_flow_cookie(request, response, flow, cross_site_post=mode == "form_post")
        return response

    @translate_errors()
    @sensitive_variables()
    def create_authorization_url(self, redirect_uri: str | None = None, **parameters: Any) -> Discreet:
        """Return the URL, and the data that `save_authorize_data` stores for the end of the flow."""
        flow, url = self._begin(HttpRequest(), redirect_uri, parameters)
        own = {name: getattr(flow, name) for name in self._own_values()}
        request_token = {"request_token": Discreet(flow.private)} if flow.private else {}
        return Discreet(url=url, **own, **request_token)

    @translate_errors()
    @sensitive_variables()
    def save_authorize_data(self, request: HttpRequest, **data: Any) -> None:
        """Store the result of `create_authorization_url` in the session, sealed, with its `redirect_uri`."""
        own: dict[str, Any] = {name: data.get(name) for name in self._own_values()}
        for name, value in own.items():
            if not value:
                raise RuntimeError(f"Missing {name} value")
        refuse("save_authorize_data()", request_problems(own))
        asked = kept(dict(parse_qsl(urlsplit(data.get("url") or "").query)))
        private = dict(data.get("request_token") or {})
        redirect_uri = check_redirect_uri(data.get("redirect_uri"))
        flow = self._flow(redirect_uri=redirect_uri, parameters=asked, private=private, **own)
        pending.save(request, replace(flow, user_key=pending.user_key(request)))

    def _own_values(self) -> tuple[str, ...]:
        """Return the names of the random values in a flow with this provider."""
        raise NotImplementedError

    def _check_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Validate and return the parameters of one authorization request."""
        raise NotImplementedError

    def _begin(self, request: HttpRequest, redirect_uri: str | None, parameters: Mapping[str, Any]) -> tuple[Flow, str]:
        """Return a new flow and its authorization URL."""
        asked = self._check_parameters({name: value for name, value in parameters.items() if value is not None})
        own = {name: asked.pop(name) for name in OWN_VALUES if name in asked}
        check_nonce_is_new(own.get("nonce"))
        provider = self._provider()
        if not provider.authorization_url:
            raise RuntimeError('Missing "authorize_url" value')
        flow = self._flow(redirect_uri=check_redirect_uri(redirect_uri), parameters=asked, **own)
        with answers_of(provider):
            flow = complete_flow(request, provider, flow)
            return flow, provider.get_authorization_url(request=request)

    @sensitive_variables()
    def _take_answer(self, request: HttpRequest, provider: OAuthProvider) -> AuthorizationResponse:
        """Return the response in this request; the flow is used up first, even if the response is wrong."""
        data = request.POST if request.method == "POST" else request.GET
        parameters = [(name, value) for name, values in data.lists() for value in values]
        flow = pending.take(request, read_state(parameters), provider_key=self._key, purpose="client")
        pending.check_user(request, flow)
        return provider.read_response(parameters, flow=flow)


def check_nonce_is_new(nonce: str | None) -> None:
    """Reject a nonce that was used before, because it would not protect anything (Core 15.5.2)."""
    if nonce is not None and not add_once(f"oidc_login.nonce.{state_hash(nonce)}", timeout=MEMORY):
        raise ImproperlyConfigured("nonce was used before. Leave it out, and a new one is made.")


def kept(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are needed to check the end of the flow."""
    found = {name: parameters[name] for name in KEPT_PARAMETERS if name in parameters}
    return {**found, "max_age": int(found["max_age"])} if "max_age" in found else found
