"""A pending flow: what one browser must bring back, sealed into a short-lived cookie of its own.

Nothing is written to the session or the database when a flow begins. A flow is used once: the hash of its
state is added to the cache before anything slow happens.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, cast

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.urls import URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from oidc_login import cookies, sealing
from oidc_login.cache import BoundedMemory, SharedValues, add_once
from oidc_login.conf import django, settings
from oidc_login.exceptions import StateExpired, StateMissing, StateUnknown, StateUsed
from oidc_login.mozilla import states
from oidc_login.mozilla.entry import CALLBACK_NAME, CALLBACK_SETTING, callback_name, provider_key
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import get_provider

logger = logging.getLogger("oidc_login")

COOKIE_PREFIX: Final = "oidc_login_flow_"
MAX_COOKIES: Final = 5
MAX_COOKIE_BYTES: Final = 4096
MAX_NEXT_BYTES: Final = 2000
GRACE: Final = 3600  # seconds that the cookie outlives its flow, so that "it took too long" can be said

Purpose = Literal["login", "initiated", "connect", "scopes", "reauthenticate", "refresh", "client", "client_logout"]


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

    def expired(self, *, now: float) -> bool:
        return now > self.begun_at + int(settings.FLOW_LIFETIME)


def create(
    request: HttpRequest,
    provider: OAuthProvider,
    *,
    purpose: Purpose,
    user_key: str = "",
    next_url: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> Flow:
    """Return a new flow and attach it to the request, for the provider to read and to complete.

    `parameters` are further ones of this authorization request, such as `login_hint` or `max_age`.
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
    )
    return prepare(request, provider, flow)


def prepare(request: HttpRequest, provider: OAuthProvider, flow: Flow) -> Flow:
    """Return the flow as its provider has completed it, attached to the request."""
    attach(request, flow)
    if private := provider.prepare_flow(request=request):
        flow = replace(flow, private=dict(private))
        attach(request, flow)
    return flow


def attach(request: HttpRequest, flow: Flow) -> None:
    """Let the provider's methods find the flow that this request begins or ends."""
    request.oauth_flow = flow  # type: ignore[attr-defined]  # read by oidc_login.providers.base


def callback_uri(request: HttpRequest, provider_key: str) -> str:
    """Return where a provider sends its answers, which is what is registered there."""
    name = callback_name(provider_key)
    return absolute_uri(request, name) if name else absolute_uri(request, "oidc_login:callback", provider_key)


def absolute_uri(request: HttpRequest, view_name: str, *args: str) -> str:
    """Return a URL of this site as a provider must know it."""
    path = path_of(get_resolver(get_urlconf()), get_script_prefix(), get_language(), view_name, args)
    if settings.BASE_URL:
        return str(settings.BASE_URL).rstrip("/") + path
    return request.build_absolute_uri(path)


@lru_cache(maxsize=1024)
def path_of(
    resolver: URLResolver, script_prefix: str, language: str | None, view_name: str, args: Sequence[str]
) -> str:
    """Return what `reverse` says, kept for all that its answer depends on: every sign-in begins with it."""
    return reverse(view_name, args=args)


def safe_next(request: HttpRequest, values: list[str]) -> str:
    """Return the one `next` that was given if it stays on this host, else "" (RFC 9700 4.11)."""
    if not any(values):
        return ""
    if fault := fault_of_next(request, values):
        note_dropped_next(fault)
        return ""
    return values[0]


def fault_of_next(request: HttpRequest, values: list[str]) -> str:
    """Return why a `next` cannot be used, "" where it can."""
    if len(values) != 1:
        return "repeated"
    if not values[0].isprintable():
        return "unprintable"
    if len(values[0].encode("utf-8", "surrogatepass")) > MAX_NEXT_BYTES:
        return "too_long"
    return "" if is_local(request, values[0]) else "other_host"


def note_dropped_next(reason: str) -> None:
    """Write down that a person will not arrive where they wanted to; never the URL, which may hold a secret."""
    level = logging.WARNING if reason == "too_long" else logging.INFO
    logger.log(level, "next dropped: %s", reason, extra={"reason": reason})


def is_local(request: HttpRequest, url: str) -> bool:
    """Whether a URL stays on the host of this request."""
    return url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=cookies.is_secure(request)
    )


# The cookie.


def remember(request: HttpRequest, response: HttpResponse, flow: Flow, *, cross_site_post: bool) -> None:
    """Keep the flow in the browser; the oldest others make room (five cookies, four kilobytes in all).

    `cross_site_post`: the provider will post its answer, and only `SameSite=None; Secure` comes with that.
    """
    name = cookie_name(request, flow.state)
    value = sealed(name, flow)
    if len(name) + len(value) > MAX_COOKIE_BYTES and flow.next:  # a browser would drop the cookie
        note_dropped_next("too_long")
        value = sealed(name, replace(flow, next=""))
    for stale in _cookies_to_drop(request, len(name) + len(value)):
        cookies.drop(request, response, stale)
    same_site: cookies.SameSite = "None" if cross_site_post else "Lax"
    cookies.keep(request, response, name, value, max_age=settings.FLOW_LIFETIME + GRACE, same_site=same_site)


def forget(request: HttpRequest, response: HttpResponse, state: str) -> None:
    """Remove the cookie of a flow, whatever became of it."""
    name = cookie_name(request, state)
    if cookies.with_prefix(request, name):
        cookies.drop(request, response, name)


def cookie_name(request: HttpRequest, state: str) -> str:
    """Return the name of the cookie for a state."""
    return cookies.full_name(request, COOKIE_PREFIX + state_hash(state)[:16])


def state_hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def _cookies_to_drop(request: HttpRequest, size: int) -> list[str]:
    """Return the names of the oldest flow cookies beyond the limits, unreadable ones first."""
    sent = cookies.with_prefix(request, cookies.full_name(request, COOKIE_PREFIX))
    if not sent:
        return []
    names = list(reversed(sent))  # a browser sends the older one first (RFC 6265 5.4), also of one second
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
        return unsealed(name, value).begun_at
    except sealing.SealError:
        return 0


def sealed(name: str, flow: Flow) -> str:
    """Return the flow as a browser can be given it to keep, under this name alone."""
    values = [getattr(flow, slot) for slot in Flow.__slots__]
    # Not as ASCII: six bytes for each letter of `next` in another script would be too many for a cookie.
    plain = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    return sealing.seal(plain, purpose="flow", associated_data=name.encode(), secrets=sealing.flow_keys())


def unsealed(name: str, value: str) -> Flow:
    """Return the flow that was kept under this name, or raise `SealError`."""
    plain = sealing.unseal(value, purpose="flow", associated_data=name.encode(), secrets=sealing.flow_keys())
    values = json.loads(plain)
    if len(values) != len(Flow.__slots__):  # sealed by another version of this package
        raise sealing.SealError("version")
    return Flow(**dict(zip(Flow.__slots__, values, strict=True)))


# The end of a flow.


Find = Callable[[HttpRequest, str], Flow | None]


def take(request: HttpRequest, state: str, *, now: float, find: Find | None = None) -> Flow:
    """Return the flow of a state and use it up, or raise why there is none to be used.

    `find` looks for it elsewhere than among the cookies of the browser.
    """
    if not state:
        raise StateMissing
    flow = (find or peek)(request, state)
    begun = states.find(request, state) if flow is None and find is None else None
    if flow is None and begun is None:
        raise StateUsed if was_used(state) else StateUnknown(what_is_missing(request, state))
    if flow and not secrets.compare_digest(flow.state.encode(), state.encode("utf-8", "surrogatepass")):
        raise StateUnknown
    use_up(state)
    if flow is None:
        flow = _take_from_session(request, state, cast("states.UpstreamState", begun))
    attach(request, flow)
    if flow.expired(now=now):
        discard(request)
        raise StateExpired
    return flow


def use_up(state: str) -> None:
    """Mark a state as used, or raise `StateUsed`: of all requests that bring it, one goes on."""
    if not add_once(_used_key(state), timeout=_memory()):
        raise StateUsed
    # Only now: whoever moves the mark has added the state there before the mark goes.
    if was_discarded(state):
        SharedValues().delete(_used_key(state))
        raise StateUsed


def discard(request: HttpRequest) -> None:
    """Move the mark of the flow that this request has taken, and that came to nothing, to where few are kept.

    Anybody can begin flows and let them fail. Each mark of its own would push out a document, or the mark of
    somebody else's sign-in.
    """
    flow = getattr(request, "oauth_flow", None)
    if flow is not None and _discarded.add(_short(flow.state), timeout=_memory()):
        SharedValues().delete(_used_key(flow.state))


def was_discarded(state: str) -> bool:
    return _discarded.includes(_short(state))


def _short(state: str) -> str:
    return state_hash(state)[:16]


_discarded = BoundedMemory("oidc_login.discarded.")


def _take_from_session(request: HttpRequest, state: str, begun: states.UpstreamState) -> Flow:
    """Return the flow that middleware of mozilla-django-oidc has begun for the person who is signed in."""
    user_key = str(request.user.pk)
    states.remove(request, state)
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


def peek(request: HttpRequest, state: str) -> Flow | None:
    """Return the flow of a state without using it up; `None` where this browser has none."""
    name = cookie_name(request, state)
    value = cookies.get(request, name)
    try:
        return None if value is None else unsealed(name, value)
    except sealing.SealError:
        return None


def what_is_missing(request: HttpRequest, state: str) -> str:
    """Return why a browser has no flow of a state: no cookie, or one that no key of the site opens."""
    return "no_cookie" if cookies.get(request, cookie_name(request, state)) is None else "cookie_unreadable"


def was_used(state: str) -> bool:
    """Whether a flow with this state ended already."""
    return _end_of(state) is not None or was_discarded(state)


def remember_end(flow: Flow, user: AbstractBaseUser) -> None:
    """Note who the flow signed in, so that the same person is not shown an error for coming back to its URL."""
    SharedValues().set(_used_key(flow.state), [str(user.pk), flow.next], timeout=_memory())


def end_for(state: str, user: AbstractBaseUser) -> str | None:
    """Return the `next` of a flow that signed this very user in, else `None`."""
    end = _end_of(state)
    if isinstance(end, list) and str(user.pk) == end[0]:
        return str(end[1])
    return None


def _end_of(state: str) -> Any:
    return SharedValues().get(_used_key(state))


def _used_key(state: str) -> str:
    return "oidc_login.used." + state_hash(state)


def _memory() -> int:
    """Return the seconds for which used states are remembered: longer than any cookie lives."""
    return int(settings.FLOW_LIFETIME) + 2 * GRACE


def log_id(state: str) -> Mapping[str, str]:
    """Return what a log record may say of a state."""
    return {"state": state_hash(state)[:8]} if state else {}
