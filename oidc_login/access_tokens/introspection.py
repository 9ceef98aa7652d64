"""Introspection of tokens, at most once per minute for each token."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from django.views.decorators.debug import sensitive_variables

from oidc_login.access_tokens.one_at_a_time import one_at_a_time
from oidc_login.cache import SharedValues
from oidc_login.protocol.errors import InvalidAccessToken
from oidc_login.providers.oidc import OIDCProvider
from oidc_login.tokens.refused import refused_by

LONGEST_MEMORY = 300  # seconds for which an active token is not introspected again (RFC 7662 4)
SHORTEST_MEMORY = 60  # seconds, for a token without an expiry

Answer = dict[str, Any]


@sensitive_variables()
def introspect(provider: OIDCProvider, raw: str, ask: Callable[[str], Answer]) -> Answer:
    """Return the introspection response for a token, cached while an active token may live."""
    name = f"oidc_login.introspected.{provider.key}.{_hash(provider.client_id, raw)}"
    known = _remembered(name)
    if known is not None:
        return known
    with one_at_a_time(name):
        known = _remembered(name)  # another request was first
        return known if known is not None else _request_and_cache(provider, raw, ask, name)


def _remembered(name: str) -> Answer | None:
    known = SharedValues().get(name)
    return known if isinstance(known, dict) else None


@sensitive_variables()
def _request_and_cache(provider: OIDCProvider, raw: str, ask: Callable[[str], Answer], name: str) -> Answer:
    answer = _request(provider, raw, ask)
    if answer.get("active") is True:
        lifetime = _memory_of(answer.get("exp"))
        if lifetime > 0:
            SharedValues().set(name, answer, timeout=lifetime)
    return answer


def _memory_of(expires_at: object) -> int:
    """Return for how many seconds the response about an active token is cached."""
    if expires_at is None:
        return SHORTEST_MEMORY
    return min(LONGEST_MEMORY, expires_at - int(time.time())) if isinstance(expires_at, int) else 0


@sensitive_variables()
def _request(provider: OIDCProvider, raw: str, ask: Callable[[str], Answer]) -> Answer:
    """Introspect a token, but not repeatedly for tokens that the provider does not know."""
    refused = refused_by(provider)
    if refused.includes(raw):
        return {"active": False}
    refused.check()
    try:
        answer = ask(raw)
    except InvalidAccessToken:
        refused.add(raw)
        raise
    if answer.get("active") is not True:
        refused.add(raw)
    return answer


def _hash(client_id: str, raw: str) -> str:
    return hashlib.sha256(f"{client_id}\n{raw}".encode("utf-8", "surrogatepass")).hexdigest()
