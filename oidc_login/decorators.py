"""Decorators for a site's own views."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase

from .views.base import SESSION_KEY
from .views.begin import ReauthenticateView

SHORTEST_AGE = 60  # seconds; the way back from the provider to the page takes some

ViewFunction = Callable[..., HttpResponseBase]


def reauthentication_required(
    *, max_age: int | None = None, acr_values: Sequence[str] = ()
) -> Callable[[ViewFunction], ViewFunction]:
    """Let a person in whose sign-in at the provider is new and strong enough; send others back there first.

    `max_age` is in seconds (Core 3.1.2.1), and never less than a minute here; one of `acr_values` must be met
    where any is given. Afterwards the person returns to the page. Somebody without a session is sent to
    `LOGIN_URL`.
    """

    def decorate(view: ViewFunction) -> ViewFunction:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            signed_in = request.session.get(SESSION_KEY, {})
            if not request.user.is_authenticated or not signed_in:
                return redirect_to_login(request.get_full_path())
            if is_new_enough(signed_in, max_age) and is_strong_enough(signed_in, acr_values):
                return view(request, *args, **kwargs)
            return send_back(request, provider=signed_in["provider"])

        return guarded

    parameters: dict[str, Any] = {"acr_values": " ".join(acr_values)} if acr_values else {}
    if max_age is not None:
        parameters["max_age"] = max_age
    send_back = ReauthenticateView.as_view(parameters=parameters)
    return decorate


def is_new_enough(signed_in: dict[str, Any], max_age: int | None) -> bool:
    """Whether the person proved who they are within the last `max_age` seconds."""
    return max_age is None or time.time() - signed_in["auth_time"] <= max(max_age, SHORTEST_AGE)


def is_strong_enough(signed_in: dict[str, Any], acr_values: Sequence[str]) -> bool:
    """Whether the sign-in met one of the authentication contexts."""
    return not acr_values or signed_in["acr"] in acr_values
