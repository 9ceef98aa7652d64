"""The beginning of a flow: the browser is sent to the provider, through the base host if the request is at another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from oidc_login.flow import hosts
from oidc_login.flow.base_host import RequestedFlow, send_to_base_host
from oidc_login.flow.form_action import redirect_to_site
from oidc_login.flow.pending import Purpose, create_flow, set_flow_cookie
from oidc_login.flow.redirects import destination
from oidc_login.providers.base import OAuthProvider


def begin_flow(
    request: HttpRequest,
    provider: OAuthProvider,
    *,
    purpose: Purpose,
    next_url: str,
    user_key: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Send the browser to the provider with a new pending flow, or to the base host, where the flow begins then."""
    requested = RequestedFlow(
        provider_key=provider.key,
        purpose=purpose,
        next_url=next_url,
        user_key=user_key,
        parameters=dict(parameters or {}),
    )
    if hosts.place_of(request) is hosts.Place.BASE:
        return begin_requested_flow(request, provider, requested)
    # The person returns to this host, even without a `next` on it.
    home = hosts.url_at(request, destination(request, next_url))
    return send_to_base_host(request, replace(requested, next_url=home))


def begin_requested_flow(request: HttpRequest, provider: OAuthProvider, requested: RequestedFlow) -> HttpResponse:
    """Send the browser to the provider with a new pending flow; the answer comes to this host."""
    flow = create_flow(
        request,
        provider,
        purpose=requested.purpose,
        next_url=requested.next_url,
        user_key=requested.user_key,
        parameters=requested.parameters,
    )
    response = redirect_to_site(request, provider.get_authorization_url(request=request))
    set_flow_cookie(request, response, flow, cross_site_post=provider.response_mode == "form_post")
    return response
