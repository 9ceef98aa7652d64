"""An account of the other package, as read by its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTokens:
    """The decrypted tokens of an account."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    access_token_expires_at: datetime | None = None
    refresh_token_expires_at: datetime | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAccount:
    """An identity of the other package. Reports only show `row` and `provider`."""

    row: Any
    provider: str
    user_key: Any = field(repr=False)  # the primary key, or `None` if the source found nobody
    uid: str = field(repr=False)
    uid_claim: str = ""  # the claim that the uid was taken from; "" for the documented one
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    alternate_id: str = field(default="", repr=False)
    tokens: OldTokens | None = field(default=None, repr=False)
    client_id: str = ""  # the client that the tokens were issued to; "" if unknown
    last_login_at: datetime | None = None
    problem: str = ""  # an outcome of `plan` if the source cannot offer the account


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """The provider here for a provider of the other package.

    `identity` lists where the old row may contain the identity, best first: "uid", or a path in the claims. It is empty
    if the old rows do not contain it.
    """

    key: str
    provider_class: str = ""  # a class of `oidc_login.providers`; "" for OpenID Connect with discovery
    identity: Sequence[str] = ("uid",)
    uid_claims: Sequence[str] = ()  # the claims that "uid" may have been taken from, besides the documented one
    takes_tokens: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""  # notes for a person to read; printed with the settings


class Source(Protocol):
    """A package to migrate from."""

    name: str
    package: str

    def counterpart(self, provider: str) -> Counterpart:
        """Return the provider here for a provider of the package."""

    def total(self) -> int:
        """Return the number of rows to read."""

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        """Yield all accounts in a fixed order, in pages of this size."""

    def remarks(self) -> Sequence[str]:
        """Return notes about the data for the report."""
