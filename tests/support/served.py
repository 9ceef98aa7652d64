"""The providers that the tests sign in with: served over HTTP, put back after each test, and knowing their secrets."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from oidc_login.testing import Answer, GitHubEmail, GitHubStyleProvider, OpenIDProvider, User
from oidc_login.testing.grants import Grants
from oidc_login.testing.users import Users
from tests.support.invariant import CANARY, secrets_of_answer, secrets_of_requests

if TYPE_CHECKING:
    from pytest_django import Settings

CLIENT_SECRET = "a client secret with a colon: and a % sign"

# Found by `user="alice"`; the claims that no page and no record may show hold the canary.
ALICE = User(
    f"sub-{CANARY}-alice",
    name=f"Alice {CANARY} Ash",
    email=f"alice.{CANARY}@example.org",
    email_verified=True,
    preferred_username="alice",
    claims={"given_name": f"Alice {CANARY}", "family_name": f"Ash {CANARY}"},
)
BOB = User(
    f"sub-{CANARY}-bob",
    email=f"bob.{CANARY}@example.org",
    email_verified=False,
    preferred_username="bob",
    github_id=42,
)
CAROL = User(
    f"sub-{CANARY}-carol",
    preferred_username="carol",
    github_id=43,
    more_emails=(GitHubEmail(email=f"carol.{CANARY}@users.noreply.example", visibility=None),),
)
PEOPLE = (ALICE, BOB, CAROL)


class Recording:
    """A provider that can be put back to where it began, and that knows which secrets it gave away."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"client_secret": CLIENT_SECRET, "users": PEOPLE, **options})
        self.answered: list[Any] = []
        self._as_made: dict[str, Any] = {}

    def bent(self, name: str, value: Any) -> Any:
        sent = super().bent(name, value)  # type: ignore[misc]  # of the provider beside this class
        if name == "token" and isinstance(sent, Answer) and sent.raw is None:
            with contextlib.suppress(ValueError, RecursionError):
                self.answered.append(json.loads(sent.content()))
        return sent

    def secrets(self) -> set[str]:
        found = {CLIENT_SECRET} | secrets_of_requests(self.requests)  # type: ignore[attr-defined]
        return found.union(*map(secrets_of_answer, self.answered))

    def reset(self) -> None:
        """Be again what was served first: its people, its keys, no bends, nothing asked."""
        as_made = self._as_made or dict(vars(self))
        vars(self).update(as_made)
        self._as_made = as_made
        self.users = Users(PEOPLE)
        self.grants = Grants(now=lambda: self.now())  # type: ignore[attr-defined]
        self.answered = []
        self.clear()  # type: ignore[attr-defined]
        self.mend()  # type: ignore[attr-defined]


class RecordingOpenIDProvider(Recording, OpenIDProvider):
    def reset(self) -> None:
        super().reset()
        self.sessions.clear()


class RecordingGitHub(Recording, GitHubStyleProvider):
    pass


def configure(settings: Settings, key: str, **arguments: Any) -> None:
    """Give the provider of a key other arguments, beside those that it has."""
    known = settings.OIDC_LOGIN_PROVIDERS
    settings.OIDC_LOGIN_PROVIDERS = {**known, key: {**known.get(key, {}), **arguments}}
