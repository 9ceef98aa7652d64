"""A pending flow: what one browser must send back, for one authorization request.

Beginning a flow writes nothing to the session or the database. The flow is kept in a sealed cookie (`flow.cookie`) and
can be used once (`flow.memory`).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.http import HttpRequest

from oidc_login.conf import django, settings
from oidc_login.flow.redirects import callback_uri
from oidc_login.providers.base import OAuthProvider

Purpose = Literal[
    "login", "initiated", "connect", "scopes", "reauthenticate", "refresh", "native", "client", "client_logout", "token"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One authorization request that was sent, as its browser keeps it (RFC 9700 4.7)."""

    provider_key: str
    purpose: Purpose
    issuer: str
    redirect_uri: str
    state: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))
    code_verifier: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(48))
    begun_at: int = field(default_factory=lambda: int(time.time()))
    next: str = ""
    user_key: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    had_session: bool = False
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    for_frontend: bool = False

    def expired(self, *, now: float) -> bool:
        return now > self.begun_at + int(settings.FLOW_LIFETIME)


def create_flow(
    request: HttpRequest,
    provider: OAuthProvider,
    *,
    purpose: Purpose,
    user_key: str = "",
    next_url: str = "",
    parameters: Mapping[str, Any] | None = None,
    for_frontend: bool = False,
) -> Flow:
    """Return a new flow, attached to the request so that the provider can read and complete it.

    `parameters` are further parameters of this authorization request, such as `login_hint` or `max_age`. A flow
    `for_frontend` ends at its `next` if it fails too, with the code of the error.
    """
    flow = Flow(
        provider_key=provider.key,
        purpose=purpose,
        issuer=provider.get_issuer(),
        redirect_uri=callback_uri(request, provider.key),
        next=next_url,
        user_key=user_key,
        parameters=dict(parameters or {}),
        had_session=django.SESSION_COOKIE_NAME in request.COOKIES,
        for_frontend=for_frontend,
    )
    return complete_flow(request, provider, flow)


def complete_flow(request: HttpRequest, provider: OAuthProvider, flow: Flow) -> Flow:
    """Return the flow with the provider's own values, attached to the request."""
    attach_flow(request, flow)
    if private := provider.prepare_flow(request=request):
        flow = replace(flow, private=dict(private))
        attach_flow(request, flow)
    return flow


def attach_flow(request: HttpRequest, flow: Flow) -> None:
    """Set `request.oauth_flow`, where the provider's methods find the flow that this request begins or ends."""
    request.oauth_flow = flow  # type: ignore[attr-defined]  # read by oidc_login.providers.base


def state_hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def state_for_log(state: str) -> Mapping[str, str]:
    """Return what a log record may contain of a state: the beginning of its hash."""
    return {"state": state_hash(state)[:8]} if state else {}
