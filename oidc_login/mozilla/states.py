"""The session states that middleware of mozilla-django-oidc stores when it redirects to the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest

from oidc_login.conf import django
from oidc_login.flow.pending import Flow
from oidc_login.flow.redirects import absolute_uri
from oidc_login.mozilla.entry import CALLBACK_NAME, CALLBACK_SETTING, provider_key
from oidc_login.registry import get_provider

STATES_KEY: Final = "oidc_states"
NEXT_KEY: Final = "oidc_login_next"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamState:
    """An entry of `session["oidc_states"]`; `code_verifier` is empty unless the site uses PKCE."""

    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    added_on: int
    next: str = ""


def find_flow(request: HttpRequest, state: str) -> Callable[[], Flow] | None:
    """Return a function that takes the flow that this middleware began for the signed-in person, or `None`."""
    begun = find(request, state)
    return None if begun is None else partial(take_flow, request, state, begun)


def take_flow(request: HttpRequest, state: str, begun: UpstreamState) -> Flow:
    """Remove the flow from the session, and return it as a flow that confirms the session."""
    user_key = str(request.user.pk)
    remove(request, state)
    provider = get_provider(provider_key() or "")
    return Flow(
        provider_key=provider.key,
        purpose="refresh",
        issuer=provider.get_issuer(),
        redirect_uri=absolute_uri(request, str(django.get(CALLBACK_SETTING, CALLBACK_NAME))),
        state=state,
        nonce=begun.nonce,
        code_verifier=begun.code_verifier,
        begun_at=begun.added_on,
        next=begun.next,
        user_key=user_key,
    )


def find(request: HttpRequest, state: str) -> UpstreamState | None:
    """Return the session's entry for a state; it needs a nonce and a signed-in person.

    A sign-in that began with a GET does not count as the sign-in of the person whose browser began it.
    """
    if not hasattr(request, "session"):
        return None
    states = request.session.get(STATES_KEY)
    entry = states.get(state) if isinstance(states, dict) else None
    if not isinstance(entry, Mapping) or not request.user.is_authenticated:
        return None
    return _read(entry, request.session.get(NEXT_KEY))


def _read(entry: Mapping[str, Any], next_url: object) -> UpstreamState | None:
    nonce, verifier, added_on = (entry.get(name) for name in ("nonce", "code_verifier", "added_on"))
    if not isinstance(nonce, str) or not nonce or not isinstance(added_on, (int, float)):
        return None
    return UpstreamState(
        nonce=nonce,
        code_verifier=verifier if isinstance(verifier, str) else "",
        added_on=int(added_on),
        next=next_url if isinstance(next_url, str) else "",
    )


def remove(request: HttpRequest, state: str) -> None:
    """Use up the entry at once, and reload the session afterwards, because other tabs may have written to it."""
    states = request.session[STATES_KEY]
    request.session[STATES_KEY] = {name: entry for name, entry in states.items() if name != state}
    try:
        request.session.save()
    except UpdateError:  # the person signed out in another tab
        return
    request.session = type(request.session)(request.session.session_key)
