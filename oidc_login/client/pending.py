"""Stores the flows of clients between their two requests.

If the package redirects, a sealed cookie stores the flow, as in every sign-in. If the site redirects, there is no
response to set a cookie on, so the session stores the flow, also sealed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.http import HttpRequest

from oidc_login.conf import django
from oidc_login.exceptions import ConnectUserChanged, ProviderMismatch
from oidc_login.flow.memory import take_flow
from oidc_login.flow.pending import MAX_COOKIES, Flow, Purpose, read_flow_cookie, seal_flow, state_hash, unseal_flow
from oidc_login.sealing import SealError
from oidc_login.session_state import read_state, write_state


def save(request: HttpRequest, flow: Flow) -> None:
    """Store a flow in the session; the oldest ones are dropped."""
    name = session_name(flow.state)
    kept = {each: value for each, value in saved(request).items() if each != name}
    recent = list(kept.items())[-(MAX_COOKIES - 1) :]
    write_state(request.session, client_flows={**dict(recent), name: seal_flow(name, flow)})


def take(request: HttpRequest, state: str, *, provider_key: str, purpose: Purpose) -> Flow:
    """Return the flow of a state and use it up; then raise `ProviderMismatch` if it belongs to another client."""
    try:
        flow = take_flow(request, state, now=time.time(), find=find)
    finally:
        drop(request, state)
    if flow.provider_key != provider_key or flow.purpose != purpose:
        raise ProviderMismatch
    return flow


def user_key(request: HttpRequest) -> str:
    """Return the key of the signed-in user, or "" if nobody is signed in or the site has no users."""
    user = getattr(request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else ""


def check_user(request: HttpRequest, flow: Flow) -> None:
    """A flow must end for the user who began it, or for a visitor if a visitor began it.

    A response without the session has no user, so the site cannot act for the wrong person.
    """
    current = user_key(request)
    if flow.user_key == current or (not current and session_is_withheld(request)):
        return
    raise ConnectUserChanged("user")


def session_is_withheld(request: HttpRequest) -> bool:
    """Whether the browser withholds the session from a cross-site response: a POST, or `SameSite=Strict`."""
    is_strict = str(django.SESSION_COOKIE_SAMESITE).lower() == "strict"
    return django.SESSION_COOKIE_NAME not in request.COOKIES and (is_strict or request.method == "POST")


def find(request: HttpRequest, state: str) -> Flow | None:
    """Return the flow of a state, from a cookie or the session."""
    flow = read_flow_cookie(request, state)
    if flow is not None:
        return flow
    name = session_name(state)
    try:
        return unseal_flow(name, saved(request)[name])
    except (KeyError, SealError):
        return None


def drop(request: HttpRequest, state: str) -> None:
    name = session_name(state)
    if name in saved(request):
        rest = {each: value for each, value in saved(request).items() if each != name}
        write_state(request.session, client_flows=rest)


def saved(request: HttpRequest) -> Mapping[str, str]:
    """Return the flows in the session, or none without a session."""
    return read_state(getattr(request, "session", None)).client_flows


def session_name(state: str) -> str:
    return "session_" + state_hash(state)[:16]
