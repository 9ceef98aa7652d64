"""The people with an account at a test provider."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# The standard claims of each scope (OpenID Connect Core 5.4).
SCOPE_CLAIMS: dict[str, frozenset[str]] = {
    "profile": frozenset(
        {
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        }
    ),
    "email": frozenset({"email", "email_verified"}),
    "address": frozenset({"address"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}

# The scopes that the OpenID provider supports; it ignores others (RFC 6749 3.3).
SCOPES = ("openid", *SCOPE_CLAIMS, "offline_access")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubEmail:
    """A further entry in GitHub's list of addresses."""

    email: str
    verified: bool = True
    primary: bool = False
    visibility: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account at the provider; each kind of provider builds its own response from it.

    `claims` contains further claims: standard ones belong to their scope, and all others to `profile`.
    `public_email` decides whether GitHub's `/user` shows the address; `/user/emails` always lists it.
    """

    sub: str
    name: str = field(default="", kw_only=True)
    email: str = field(default="", kw_only=True)
    email_verified: bool = field(default=False, kw_only=True)
    preferred_username: str = field(default="", kw_only=True)
    picture: str = field(default="", kw_only=True)
    claims: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    github_id: int = field(default=0, kw_only=True)
    public_email: bool = field(default=False, kw_only=True)
    more_emails: tuple[GitHubEmail, ...] = field(default=(), kw_only=True)

    @property
    def username(self) -> str:
        return self.preferred_username or self.sub

    @property
    def numeric_id(self) -> int:
        """The person's number at GitHub, which is the same in every run."""
        return self.github_id or zlib.crc32(self.sub.encode())

    @property
    def all_claims(self) -> dict[str, Any]:
        """All claims that the provider knows, for any scope."""
        known: dict[str, Any] = {
            "name": self.name,
            "preferred_username": self.preferred_username,
            "picture": self.picture,
        }
        claims = {name: value for name, value in known.items() if value}
        if self.email:
            claims |= {"email": self.email, "email_verified": self.email_verified}
        return claims | dict(self.claims)

    def claims_for(self, scope: Iterable[str], *, also: Iterable[str] = ()) -> dict[str, Any]:
        """The claims of these scopes, and the claims requested by name (Core 5.4 and 5.5)."""
        scopes, names = set(scope), set(also)
        standard = frozenset[str]().union(*SCOPE_CLAIMS.values())
        for granted in scopes & SCOPE_CLAIMS.keys():
            names |= SCOPE_CLAIMS[granted]
        return {
            name: value
            for name, value in self.all_claims.items()
            if name in names or ("profile" in scopes and name not in standard)
        }


class Users:
    """The accounts of one provider, found by sub, username or email; changes take effect at once."""

    def __init__(self, users: Iterable[User]) -> None:
        self._users = {user.sub: user for user in users}

    def __iter__(self) -> Iterator[User]:
        return iter(self._users.values())

    def by_sub(self, sub: str) -> User | None:
        return self._users.get(sub)

    def find(self, name: str) -> User:
        """Return the person with this sub, username or email; the `LookupError` lists the people."""
        for user in self._users.values():
            if name in (user.sub, user.preferred_username, user.email):
                return user
        raise LookupError(f"no user {name!r} at this provider, only {', '.join(self._users) or 'nobody'}")

    def add(self, user: User) -> None:
        self._users[user.sub] = user

    def change(self, name: str, **changes: Any) -> User:
        """Change attributes of a person, as if they had edited their account."""
        user = self.find(name)
        changed = replace(user, **changes)
        self._users.pop(user.sub)
        self.add(changed)
        return changed

    def remove(self, name: str) -> None:
        self._users.pop(self.find(name).sub)
