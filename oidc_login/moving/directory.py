"""A list of people exported from a directory, for packages that do not store identities.

Such packages find people by a claim at each sign-in. The export maps that claim to `sub`: a CSV file with the columns
`sub` and the claim, and `oid` for Entra's second identifier.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db.models.functions import Upper

from oidc_login.models import OAuthConnection
from oidc_login.moving.accounts import Counterpart, OldAccount
from oidc_login.moving.plan import AMBIGUOUS, CONNECTED, NO_USER, STAFF
from oidc_login.signin.claims import email_key
from oidc_login.user_model import get_field, is_active


class DirectorySource:
    """People by a claim. A subclass sets the usual claim, and the fields of the user that it matches."""

    name = ""
    package = ""
    takes_file = True
    default_claim = "email"

    def __init__(self, *, alias: str, file: str, claim: str, key: str, staff: Sequence[str] = ()) -> None:
        if not file:
            raise CommandError(
                f"{self.package} does not store identities. Pass an export of your directory with --file."
            )
        self.alias = alias
        self.path = Path(file)
        self.claim = claim or self.get_default_claim()
        self.key = key
        self.staff = frozenset(staff)
        self.field = self.get_field()
        self._check_header()

    @classmethod
    def default_key(cls) -> str:
        """Return the key of the provider that replaces the package's provider."""
        raise NotImplementedError

    def get_default_claim(self) -> str:
        """Return the claim that the package finds people by, according to the site's settings."""
        return self.default_claim

    def get_field(self) -> str:
        """Return the field of the user model that the package compares with the claim."""
        model = get_user_model()
        name = model.get_email_field_name() if self.claim == "email" else model.USERNAME_FIELD
        if get_field(name) is None:
            raise CommandError(f"The user model has no field {name!r} to find people by {self.claim!r}.")
        return name

    def counterpart(self, provider: str) -> Counterpart:
        return Counterpart(key=provider)

    def remarks(self) -> Sequence[str]:
        return []

    def total(self) -> int:
        with self._open() as lines:
            return sum(1 for _ in csv.DictReader(lines))

    def pages(self, size: int) -> Iterator[Sequence[OldAccount]]:
        with self._open() as lines:
            numbered = enumerate(csv.DictReader(lines), start=2)  # line numbers as editors count them
            while page := list(islice(numbered, size)):
                yield self._accounts(page)

    def _open(self) -> Any:
        try:
            return self.path.open(newline="", encoding="utf-8-sig")
        except OSError as error:
            raise CommandError(f"{self.path} cannot be read: {error.strerror}.") from None

    def _check_header(self) -> None:
        with self._open() as lines:
            names = csv.DictReader(lines).fieldnames or []
        missing = [name for name in ("sub", self.claim) if name not in names]
        if missing:
            raise CommandError(f"{self.path} has no column {missing[0]!r}.")

    def _accounts(self, page: Sequence[tuple[int, Mapping[str, str]]]) -> list[OldAccount]:
        candidates = self._users([row.get(self.claim) or "" for _number, row in page])
        connected = self._connected([user.pk for users in candidates.values() for user in users])
        return [self._account(number, row, candidates, connected) for number, row in page]

    def _account(
        self,
        number: int,
        row: Mapping[str, str],
        candidates: Mapping[str, Sequence[Any]],
        connected: dict[Any, set[str]],
    ) -> OldAccount:
        users = candidates.get(email_key(row.get(self.claim) or ""), ())
        subject = row.get("sub") or ""
        problem = self._problem(users, subject, connected)
        if not problem:
            connected[users[0].pk].add(subject)  # another line for the same account is skipped
        return OldAccount(
            row=number,
            provider=self.key,
            user_key=users[0].pk if len(users) == 1 else None,
            uid=subject,
            claims={"sub": subject},
            alternate_id=row.get("oid") or "",
            problem=problem,
        )

    def _problem(self, users: Sequence[Any], subject: str, connected: Mapping[Any, set[str]]) -> str:
        """Return why a line cannot be used; it must match one active, unconnected account that is not staff."""
        if len(users) != 1:
            return AMBIGUOUS if users else NO_USER
        user = users[0]
        privileged = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
        if privileged and user.get_username() not in self.staff:
            return STAFF
        return CONNECTED if connected.get(user.pk, set()) - {subject} else ""

    def _users(self, values: Sequence[str]) -> dict[str, list[Any]]:
        """Return the active users by a value of the claim, compared as safely as in a sign-in."""
        wanted = {email_key(value) for value in values if value}
        rows = get_user_model()._base_manager.using(self.alias).annotate(_moving_key=Upper(self.field))
        found: dict[str, list[Any]] = defaultdict(list)
        for user in rows.filter(_moving_key__in=[value.upper() for value in wanted]):
            key = email_key(getattr(user, self.field) or "")
            if key in wanted and is_active(user):
                found[key].append(user)
        return found

    def _connected(self, keys: Sequence[Any]) -> dict[Any, set[str]]:
        """Return the identities that users already have at this provider."""
        rows = OAuthConnection._base_manager.using(self.alias).filter(user_id__in=keys, provider_key=self.key)
        found: dict[Any, set[str]] = defaultdict(set)
        for user, subject in rows.values_list("user_id", "provider_user_id"):
            found[user].add(subject)
        return found
