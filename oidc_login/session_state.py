"""The package's own keys in a session, with one reader and one writer.

Sessions outlive upgrades, so the keys and their formats must not change. The modules that write secrets seal them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.contrib.sessions.backends.base import SessionBase


class Mark(NamedTuple):
    """The row of a session: its key, and its expiry in seconds."""

    key: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRecord:
    """How the person of a session signed in; `max_age` is the requested value (Core 3.1.2.1)."""

    provider_key: str
    connection_key: Any
    at: int = 0
    auth_time: int = 0
    auth_time_stated: bool = False
    acr: str = ""
    max_age: int | None = None

    @classmethod
    def from_session(cls, stored: Mapping[str, Any]) -> SignInRecord:
        return cls(
            provider_key=str(stored.get("provider", "")),
            connection_key=stored.get("connection"),
            at=stored.get("at", 0),
            auth_time=stored.get("auth_time", 0),
            auth_time_stated=bool(stored.get("auth_time_stated")),
            acr=stored.get("acr", ""),
            max_age=stored.get("max_age"),
        )

    def for_session(self) -> dict[str, Any]:
        return {
            "provider": self.provider_key,
            "connection": self.connection_key,
            "at": self.at,
            "auth_time": self.auth_time,
            "auth_time_stated": self.auth_time_stated,
            "acr": self.acr,
            "max_age": self.max_age,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The package's state in a session."""

    sign_in: SignInRecord | None = None
    signed_in_at: float = 0  # by any backend
    mark: Mark | None = None
    confirm_at: object = None  # when the provider has to confirm the session; mozilla-django-oidc reads it too
    requested_scopes: Mapping[str, list[str]] = field(default_factory=dict)  # by provider
    requested_flows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by the identifier in the URL
    pending_logout: str = field(default="", repr=False)  # sealed
    pending_link: object = field(default="", repr=False)  # sealed
    client_flows: Mapping[str, str] = field(default_factory=dict, repr=False)  # sealed


KEYS: Final = {
    "sign_in": "oidc_login",
    "signed_in_at": "oidc_login_signed_in_at",
    "mark": "oidc_login_mark",
    "confirm_at": "oidc_id_token_expiration",
    "requested_scopes": "oidc_login_asked_scopes",
    "requested_flows": "oidc_login_asked_elsewhere",
    "pending_logout": "oidc_login_logout",
    "pending_link": "oidc_login_waiting_link",
    "client_flows": "oidc_login_client_flows",
}


def read_state(session: SessionBase | None) -> SessionState:
    """Return the package's state in a session, which is empty if the site has no sessions."""
    if session is None:
        return SessionState()
    items = dict(session.items())
    stored = {name: items[key] for name, key in KEYS.items() if key in items}
    if "sign_in" in stored:
        stored["sign_in"] = SignInRecord.from_session(stored["sign_in"])
    if "mark" in stored:
        stored["mark"] = Mark(*stored["mark"])
    return SessionState(**stored)


def write_state(session: SessionBase, **changes: Any) -> None:
    """Set the named members of `SessionState` in a session; `None` removes one. Others are unchanged."""
    for name, value in changes.items():
        if value is None:
            session.pop(KEYS[name], None)
        else:
            session[KEYS[name]] = _for_session(value)


def _for_session(value: Any) -> Any:
    if isinstance(value, SignInRecord):
        return value.for_session()
    return list(value) if isinstance(value, Mark) else value
