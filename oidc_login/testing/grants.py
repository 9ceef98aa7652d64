"""The state of a test provider: one-time codes, access tokens and refresh tokens."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


def new_token(prefix: str = "") -> str:
    return prefix + secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A person's permission for a client from one authorization; all tokens from it belong to one family."""

    sub: str
    redirect_uri: str
    scope: str
    code_challenge: str = field(default="", repr=False)
    nonce: str = field(default="", repr=False)
    auth_time: int = 0
    sid: str = ""
    acr: str = ""
    # Whether a refresh token is issued, if that depends on the request.
    offline: bool = True
    # Claims requested by name, for the ID token and for userinfo (Core 5.5).
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    family: str = field(default_factory=new_token, repr=False)


@dataclass(slots=True)
class _Issued:
    grant: Grant
    expires_at: float
    used: bool = False


class Grants:
    """Codes and tokens in memory; thread-safe."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._codes: dict[str, _Issued] = {}
        self._access_tokens: dict[str, _Issued] = {}
        self._refresh_tokens: dict[str, _Issued] = {}

    def issue_code(self, grant: Grant, *, lifetime: float) -> str:
        return self._issue(self._codes, grant, lifetime, new_token())

    def issue_access_token(self, grant: Grant, *, lifetime: float, prefix: str = "") -> str:
        return self._issue(self._access_tokens, grant, lifetime, new_token(prefix))

    def issue_refresh_token(self, grant: Grant, *, lifetime: float, prefix: str = "") -> str:
        return self._issue(self._refresh_tokens, grant, lifetime, new_token(prefix))

    def redeem_code(self, code: str) -> Grant | None:
        """Return the grant of a code, once; a second use also revokes the tokens of the first (RFC 6749 4.1.2)."""
        with self._lock:
            issued = self._codes.get(code)
            if issued is None or issued.expires_at <= self._now():
                return None
            if issued.used:
                self.revoke_family(issued.grant.family)
                return None
            issued.used = True
            return issued.grant

    def redeem_refresh_token(self, token: str, *, rotate: bool) -> Grant | None:
        """Return the grant of a refresh token; using a rotated one revokes its whole family (RFC 9700 4.14.2)."""
        with self._lock:
            issued = self._refresh_tokens.get(token)
            if issued is None or issued.expires_at <= self._now():
                return None
            if issued.used:
                self.revoke_family(issued.grant.family)
                return None
            issued.used = rotate
            return issued.grant

    def of_access_token(self, token: str) -> Grant | None:
        return self._valid(self._access_tokens, token)

    def of_refresh_token(self, token: str) -> Grant | None:
        return self._valid(self._refresh_tokens, token)

    def expires_at(self, token: str) -> float:
        with self._lock:
            issued = self._access_tokens.get(token) or self._refresh_tokens[token]
            return issued.expires_at

    def revoke(self, token: str) -> None:
        """Revoke only an access token, or a refresh token with all tokens from it (RFC 7009 2.1)."""
        with self._lock:
            self._access_tokens.pop(token, None)
            refresh = self._refresh_tokens.get(token)
            if refresh is not None:
                self.revoke_family(refresh.grant.family)

    def revoke_family(self, family: str) -> None:
        with self._lock:
            for tokens in (self._access_tokens, self._refresh_tokens):
                for token in [token for token, issued in tokens.items() if issued.grant.family == family]:
                    del tokens[token]

    def revoke_user(self, sub: str) -> None:
        """Revoke all grants of a person, as if they had removed the site from their account."""
        with self._lock:
            everything = (self._access_tokens, self._refresh_tokens, self._codes)
            families = {issued.grant.family for t in everything for issued in t.values() if issued.grant.sub == sub}
            for family in families:
                self.revoke_family(family)

    def expire_access_tokens(self) -> None:
        """Expire all access tokens issued so far; refresh tokens stay valid."""
        with self._lock:
            self._access_tokens.clear()

    def _issue(self, tokens: dict[str, _Issued], grant: Grant, lifetime: float, token: str) -> str:
        with self._lock:
            tokens[token] = _Issued(grant, self._now() + lifetime)
        return token

    def _valid(self, tokens: dict[str, _Issued], token: str) -> Grant | None:
        with self._lock:
            issued = tokens.get(token)
            if issued is None or issued.used or issued.expires_at <= self._now():
                return None
            return issued.grant


def narrowed(grant: Grant, scope: str) -> Grant | None:
    """The grant with a smaller scope, or `None` if the request exceeds the granted scope (RFC 6749 6)."""
    if not scope:
        return grant
    if not set(scope.split()) <= set(grant.scope.split()):
        return None
    return replace(grant, scope=scope)


def as_names(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, dict) else ()
