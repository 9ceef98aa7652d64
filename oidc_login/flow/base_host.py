"""Flows that are requested on a host other than the one in `OIDC_LOGIN_BASE_URL`.

The session, which both hosts share, stores the request. Its identifier in the URL is useless in any other browser, so a
link cannot begin a flow (login CSRF).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from oidc_login.exceptions import WrongHost
from oidc_login.flow import hosts
from oidc_login.flow.form_action import redirect_to_site
from oidc_login.flow.pending import Purpose
from oidc_login.flow.redirects import absolute_uri
from oidc_login.session_state import read_state, write_state

PARAMETER: Final = "begin"
LIFETIME: Final = 120  # seconds from one host to the other
MAX_REQUESTED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedFlow:
    """A flow that a person has requested but that has not begun."""

    provider_key: str
    purpose: Purpose
    next_url: str
    user_key: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    asked_at: float = field(default_factory=time.time)


def send_to_base_host(request: HttpRequest, requested: RequestedFlow) -> HttpResponse:
    """Send the browser to the base host, or raise `WrongHost` if that host has another session."""
    if hosts.place_of(request) is not hosts.Place.SHARED:
        raise WrongHost("base_url")
    name = secrets.token_urlsafe(16)
    recent = list(read_state(request.session).requested_flows.items())[-(MAX_REQUESTED - 1) :]
    write_state(request.session, requested_flows={**dict(recent), name: asdict(requested)})
    url = absolute_uri(request, "oidc_login:login", requested.provider_key)
    return redirect_to_site(request, f"{url}?{urlencode({PARAMETER: name})}")


def take_requested_flow(request: HttpRequest, provider_key: str) -> RequestedFlow | None:
    """Return what this browser requested on another host, once, or `None` if there is nothing or it is too old."""
    name = request.GET.get(PARAMETER, "")
    kept = dict(read_state(request.session).requested_flows) if name else {}
    if request.method != "GET" or name not in kept:
        return None
    requested = RequestedFlow(**kept.pop(name))
    write_state(request.session, requested_flows=kept)
    is_fresh = time.time() <= requested.asked_at + LIFETIME
    return requested if is_fresh and requested.provider_key == provider_key else None
