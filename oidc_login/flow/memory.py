"""A flow is used once: taking it adds the hash of its state to the cache, before anything slow happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from oidc_login.cache import BoundedMemory, SharedValues, add_once
from oidc_login.conf import settings
from oidc_login.exceptions import StateExpired, StateMissing, StateUnknown, StateUsed
from oidc_login.flow.pending import GRACE, Flow, attach_flow, missing_flow_reason, read_flow_cookie, state_hash

FindFlow = Callable[[HttpRequest, str], Flow | None]
OpenFlow = Callable[[], Flow]
# Finds a flow that other code of the site began, and returns what removes it there and opens it.
FindForeignFlow = Callable[[HttpRequest, str], OpenFlow | None]


def take_flow(
    request: HttpRequest,
    state: str,
    *,
    now: float,
    find: FindFlow = read_flow_cookie,
    find_foreign: FindForeignFlow | None = None,
) -> Flow:
    """Return the flow of a state and use it up, or raise the error that says why there is none.

    `find` looks for it in this browser, and `find_foreign` for one that other code began.
    """
    if not state:
        raise StateMissing
    flow = find(request, state)
    open_foreign = find_foreign(request, state) if flow is None and find_foreign is not None else None
    if flow is None and open_foreign is None:
        raise StateUsed if was_used(state) else StateUnknown(missing_flow_reason(request, state))
    if flow and not secrets.compare_digest(flow.state.encode(), state.encode("utf-8", "surrogatepass")):
        raise StateUnknown
    use_state(state)
    if flow is None:
        flow = cast("OpenFlow", open_foreign)()
    attach_flow(request, flow)
    if flow.expired(now=now):
        discard_flow(request)
        raise StateExpired
    return flow


def use_state(state: str) -> None:
    """Mark a state as used, or raise `StateUsed`: of all requests with this state, one continues."""
    if not add_once(_used_key(state), timeout=_memory()):
        raise StateUsed
    # Only now: `discard_flow` adds the state there before it deletes the mark.
    if was_discarded(state):
        SharedValues().delete(_used_key(state))
        raise StateUsed


def discard_flow(request: HttpRequest) -> None:
    """Move the mark of this request's failed flow to a memory that keeps few of them.

    Anyone can begin flows and let them fail. If each left a mark of its own, the cache would evict documents, or
    the marks of successful sign-ins.
    """
    flow = getattr(request, "oauth_flow", None)
    if flow is not None and _discarded.add(_short(flow.state), timeout=_memory()):
        SharedValues().delete(_used_key(flow.state))


def was_used(state: str) -> bool:
    """Whether a flow with this state ended already."""
    return _end_of(state) is not None or was_discarded(state)


def was_discarded(state: str) -> bool:
    return _discarded.includes(_short(state))


def remember_end(flow: Flow, user: AbstractBaseUser) -> None:
    """Keep whom the flow signed in, so that the same person can return to the callback URL without an error."""
    SharedValues().set(_used_key(flow.state), [str(user.pk), flow.next], timeout=_memory())


def next_of_ended_flow(state: str, user: AbstractBaseUser) -> str | None:
    """Return the `next` of a flow that signed in this user, else `None`."""
    end = _end_of(state)
    if isinstance(end, list) and str(user.pk) == end[0]:
        return str(end[1])
    return None


_discarded = BoundedMemory("oidc_login.discarded.")


def _short(state: str) -> str:
    return state_hash(state)[:16]


def _end_of(state: str) -> Any:
    return SharedValues().get(_used_key(state))


def _used_key(state: str) -> str:
    return "oidc_login.used." + state_hash(state)


def _memory() -> int:
    """Return the seconds for which used states are remembered, longer than any flow cookie lives."""
    return int(settings.FLOW_LIFETIME) + 2 * GRACE
