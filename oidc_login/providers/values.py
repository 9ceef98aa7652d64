"""Values that providers take and return: tokens, people, secrets and the pending flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(slots=True)
class OAuthToken:
    """The tokens of one person at one provider. Times are aware datetimes; `None` is unknown."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    access_token_expires_at: datetime | None = None
    refresh_token_expires_at: datetime | None = None
    scope: str = ""
    id_token: str = field(default="", repr=False)


@dataclass(slots=True)
class OAuthUser:
    """A person as described by a provider without OpenID Connect; `id` never changes for an account."""

    id: str | int
    email: str = field(default="", repr=False)
    email_verified: bool = False
    username: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    picture: str = field(default="", repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_claims(self) -> dict[str, Any]:
        """Return the person as standard claims (Core 5.1), without unknown values.

        `email_verified` in `claims` refers to the address there, and not to any other address.
        """
        said = {"preferred_username": self.username, "name": self.name, "picture": self.picture}
        known = {name: value for name, value in said.items() if value}
        claims = {**known, **self.claims, "sub": subject_of(self.id)}
        if not self.email:
            return claims
        if claims.get("email", self.email) != self.email:
            claims.pop("email_verified", None)
        claims["email"] = self.email
        if self.email_verified:
            claims["email_verified"] = self.email_verified  # apply the usual rules: "false" is not True
        return claims


def subject_of(user_id: object) -> str:
    """Return the identifier as text, or "" if it cannot identify anybody."""
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        return str(user_id)
    return user_id if isinstance(user_id, str) else ""


class PendingFlow(Protocol):
    """The part of `oidc_login.flow.Flow` that providers read."""

    @property
    def purpose(self) -> str: ...
    @property
    def issuer(self) -> str: ...
    @property
    def redirect_uri(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def nonce(self) -> str: ...
    @property
    def code_verifier(self) -> str: ...
    @property
    def begun_at(self) -> int: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def private(self) -> Mapping[str, str]: ...


class Secrets(tuple[str, ...]):
    """Secrets that the `repr` of their owner does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"


def pending_flow(request: HttpRequest) -> PendingFlow:
    """Return the flow that this request begins or ends."""
    return cast("PendingFlow", request.oauth_flow)  # type: ignore[attr-defined]  # set by oidc_login.flow


def as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def joined(scope: str | Sequence[str]) -> str:
    return scope if isinstance(scope, str) else " ".join(scope)
