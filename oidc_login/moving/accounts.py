"""An account of the other package, as its source has read it: the values, before anything is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTokens:
    """The tokens of an account, in clear."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    access_token_expires_at: datetime | None = None
    refresh_token_expires_at: datetime | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAccount:
    """One identity that the other package knows. `row` and `provider` name it in reports; nothing else is shown."""

    row: Any
    provider: str
    user_key: Any = field(repr=False)  # the primary key; `None` where the source has found nobody
    uid: str = field(repr=False)
    uid_claim: str = ""  # the claim that the uid was taken from; "": the one of the package's documentation
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    alternate_id: str = field(default="", repr=False)
    tokens: OldTokens | None = field(default=None, repr=False)
    client_id: str = ""  # of the client that the tokens were issued to; "": not known
    last_login_at: datetime | None = None
    problem: str = ""  # why the source cannot offer it: an outcome of `plan`


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """What a provider of the other package is here.

    `identity` names where the identity of our class is in the old row, the first that is there: "uid", or a path in
    the claims. Empty: the old rows do not hold it.
    """

    key: str
    provider_class: str = ""  # of `oidc_login.providers`; "": OpenID Connect by discovery
    identity: Sequence[str] = ("uid",)
    uid_claims: Sequence[str] = ()  # the claims that "uid" may have been taken from, besides the documented one
    takes_tokens: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""  # what a person must decide or know; printed with the settings


class Source(Protocol):
    """A package to move from."""

    name: str
    package: str

    def counterpart(self, provider: str) -> Counterpart:
        """Return what a provider of the package is here."""

    def total(self) -> int:
        """Return the number of rows to read."""

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        """Read all accounts, in a fixed order, so many at a time."""

    def remarks(self) -> Sequence[str]:
        """Return what a person has to know about the data, for the report."""
