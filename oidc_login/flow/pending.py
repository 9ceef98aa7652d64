"""A pending flow: what one browser must send back, for one authorization request, and the cookie that keeps it.

Beginning a flow writes nothing to the session or the database. Each flow has a cookie of its own, which is sealed and
named by the hash of its state. The flow can be used once (`flow.memory`).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from django.http import HttpRequest, HttpResponse

from oidc_login import sealing
from oidc_login.conf import django, settings
from oidc_login.flow import cookies
from oidc_login.flow.redirects import callback_uri, log_dropped_next
from oidc_login.providers.base import OAuthProvider

Purpose = Literal[
    "login",
    "initiated",
    "connect",
    "scopes",
    "reauthenticate",
    "refresh",
    "native",
    "one_tap",
    "client",
    "client_logout",
    "token",
    "site",
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


COOKIE_PREFIX: Final = "oidc_login_flow_"
MAX_COOKIES: Final = 5
MAX_COOKIE_BYTES: Final = 4096
GRACE: Final = 3600  # seconds that the cookie outlives its flow, so that a late callback gets an exact error


def set_flow_cookie(request: HttpRequest, response: HttpResponse, flow: Flow, *, cross_site_post: bool) -> None:
    """Keep the flow in the browser. The oldest flows are dropped (five cookies, four kilobytes in total).

    `cross_site_post`: the provider will post its answer, and the browser sends only `SameSite=None; Secure` with that.
    """
    name = flow_cookie_name(request, flow.state)
    value = seal_flow(name, flow)
    if len(name) + len(value) > MAX_COOKIE_BYTES and flow.next:  # a browser would drop the cookie
        log_dropped_next("too_long")
        value = seal_flow(name, replace(flow, next=""))
    for stale in _cookies_to_drop(request, len(name) + len(value)):
        cookies.drop(request, response, stale)
    same_site: cookies.SameSite = "None" if cross_site_post else "Lax"
    cookies.keep(request, response, name, value, max_age=settings.FLOW_LIFETIME + GRACE, same_site=same_site)


def drop_flow_cookie(request: HttpRequest, response: HttpResponse, state: str) -> None:
    """Remove the cookie of a flow that ended, in success or failure."""
    name = flow_cookie_name(request, state)
    if cookies.with_prefix(request, name):
        cookies.drop(request, response, name)


def read_flow_cookie(request: HttpRequest, state: str) -> Flow | None:
    """Return the flow of a state without using it up; `None` if this browser has none."""
    name = flow_cookie_name(request, state)
    value = cookies.get(request, name)
    try:
        return None if value is None else unseal_flow(name, value)
    except sealing.SealError:
        return None


def missing_flow_reason(request: HttpRequest, state: str) -> str:
    """Return why a browser has no flow of a state: it sent no cookie, or one that no key of the site can open."""
    has_cookie = cookies.get(request, flow_cookie_name(request, state)) is not None
    return "cookie_unreadable" if has_cookie else "no_cookie"


def flow_cookie_name(request: HttpRequest, state: str) -> str:
    """Return the name of the cookie for a state."""
    return cookies.full_name(request, COOKIE_PREFIX + state_hash(state)[:16])


def seal_flow(name: str, flow: Flow) -> str:
    """Return the flow, sealed for this name, as a browser or a session can keep it."""
    values = [getattr(flow, slot) for slot in Flow.__slots__]
    # Not as ASCII: in other scripts each letter of `next` would take six bytes, too many for a cookie.
    return sealing.seal_json(
        values, purpose="flow", bound_to=name.encode(), secrets=sealing.flow_keys(), ensure_ascii=False
    )


def unseal_flow(name: str, value: str) -> Flow:
    """Return the flow that was sealed for this name, or raise `SealError`."""
    values = sealing.unseal_json(value, purpose="flow", bound_to=name.encode(), secrets=sealing.flow_keys())
    if len(values) != len(Flow.__slots__):  # sealed by another version of this package
        raise sealing.SealError("version")
    return Flow(**dict(zip(Flow.__slots__, values, strict=True)))


def _cookies_to_drop(request: HttpRequest, size: int) -> list[str]:
    """Return the names of the oldest flow cookies beyond the limits, unreadable ones first."""
    sent = cookies.with_prefix(request, cookies.full_name(request, COOKIE_PREFIX))
    if not sent:
        return []
    names = list(reversed(sent))  # a browser sends the older one first (RFC 6265 5.4), also within one second
    names.sort(key=lambda name: _begun_at(name, sent[name]), reverse=True)
    kept = 0
    for name in names:
        size += len(name) + len(sent[name])
        if kept + 2 > MAX_COOKIES or size > MAX_COOKIE_BYTES:
            break
        kept += 1
    return names[kept:]


def _begun_at(name: str, value: str) -> int:
    try:
        return unseal_flow(name, value).begun_at
    except sealing.SealError:
        return 0
