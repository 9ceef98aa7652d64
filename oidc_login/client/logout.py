"""Logout at the provider, initiated by the site (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.debug import sensitive_variables

from oidc_login import exceptions
from oidc_login.client import pending
from oidc_login.client.base import Client
from oidc_login.client.discreet import Discreet
from oidc_login.client.errors import OAuthError, translate_errors
from oidc_login.client.options import check_redirect_uri, refuse, request_problems
from oidc_login.flow.memory import discard_flow
from oidc_login.flow.pending import set_flow_cookie
from oidc_login.protocol.authorization import authorization_url, read_state
from oidc_login.protocol.errors import ProtocolError


class Logout(Client):
    """Ends the session at the provider. The site ends its own session itself."""

    @translate_errors()
    @sensitive_variables()
    def create_logout_url(
        self,
        post_logout_redirect_uri: str | None = None,
        id_token_hint: str | None = None,
        state: str | None = None,
        *,
        client_id: str | None = None,
        logout_hint: str | None = None,
        ui_locales: str | None = None,
    ) -> Discreet:
        """Return the URL that ends the session at the provider, and the state that it returns (2)."""
        provider = self._provider()
        endpoint = provider.get_metadata().end_session_endpoint if provider.has_id_token else ""
        if not endpoint:
            raise RuntimeError('Missing "end_session_endpoint" in metadata')
        parameters: dict[str, Any] = {
            "id_token_hint": id_token_hint,
            "client_id": client_id or (None if id_token_hint else provider.client_id),
            "logout_hint": logout_hint,
            "ui_locales": ui_locales,
        }
        if post_logout_redirect_uri:
            state = secrets.token_urlsafe(32) if state is None else state
            refuse("create_logout_url()", request_problems({"state": state}))
            parameters["post_logout_redirect_uri"] = check_redirect_uri(post_logout_redirect_uri)
            parameters["state"] = state
        return Discreet(url=authorization_url(endpoint, parameters), state=state)

    @translate_errors()
    @sensitive_variables()
    def logout_redirect(
        self,
        request: HttpRequest,
        post_logout_redirect_uri: str | None = None,
        id_token_hint: str | None = None,
        **hints: Any,
    ) -> HttpResponseRedirect:
        """Redirect to the provider, which redirects back to `post_logout_redirect_uri`."""
        data = self.create_logout_url(post_logout_redirect_uri, id_token_hint, **hints)
        response = HttpResponseRedirect(data["url"])
        response["Cache-Control"] = "no-store"
        if post_logout_redirect_uri:
            flow = self._flow(purpose="client_logout", redirect_uri=post_logout_redirect_uri, state=data["state"])
            set_flow_cookie(request, response, flow, cross_site_post=False)
        return response

    def validate_logout_response(self, request: HttpRequest) -> dict[str, Any]:
        """Return the data that `logout_redirect` stored, once, when this browser comes back (3)."""
        states = request.GET.getlist("state")
        if not any(states):
            raise OAuthError(description='Missing "state" parameter')
        try:
            state = read_state([("state", value) for value in states])
            flow = pending.take(request, state, provider_key=self._key, purpose="client_logout")
        except (exceptions.OAuthError, ProtocolError) as error:
            raise OAuthError(description='Invalid "state" parameter') from error
        discard_flow(request)  # nobody was signed in, so the marker can expire sooner
        return {"post_logout_redirect_uri": flow.redirect_uri}
