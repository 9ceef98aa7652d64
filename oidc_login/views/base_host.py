"""Flows that are asked for at another host than that of `OIDC_LOGIN_BASE_URL`.

What is asked for waits in the session, which both hosts share. The name by which the base host finds it there is of no
use in any other browser, so no link begins a flow (login CSRF).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from oidc_login import hosts
from oidc_login.exceptions import WrongHost
from oidc_login.flow import pending as flows
from oidc_login.views.leaving import leave

SESSION_KEY: Final = "oidc_login_asked_elsewhere"
PARAMETER: Final = "begin"
LIFETIME: Final = 120  # seconds from one host to the other
MAX_WAITING: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A flow that somebody asked for."""

    provider_key: str
    purpose: flows.Purpose
    next_url: str
    user_key: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    asked_at: float = field(default_factory=time.time)


def send_to_base_host(request: HttpRequest, asked: Asked) -> HttpResponse:
    """Return the way to the base host, or raise `WrongHost` where that has another session."""
    if hosts.place_of(request) is not hosts.Place.SHARED:
        raise WrongHost("base_url")
    name = secrets.token_urlsafe(16)
    waiting = list(request.session.get(SESSION_KEY, {}).items())[-(MAX_WAITING - 1) :]
    request.session[SESSION_KEY] = {**dict(waiting), name: asdict(asked)}
    url = flows.absolute_uri(request, "oidc_login:login", asked.provider_key)
    return leave(request, f"{url}?{urlencode({PARAMETER: name})}")


def take_asked(request: HttpRequest, provider_key: str) -> Asked | None:
    """Return what this browser asked for at another host, once; `None` where there is nothing, or it is too old."""
    name = request.GET.get(PARAMETER, "")
    waiting = dict(request.session.get(SESSION_KEY, {})) if name else {}
    if request.method != "GET" or name not in waiting:
        return None
    asked = Asked(**waiting.pop(name))
    request.session[SESSION_KEY] = waiting
    is_fresh = time.time() <= asked.asked_at + LIFETIME
    return asked if is_fresh and asked.provider_key == provider_key else None
