"""What the tests of sign-ins share: served providers, a browser, and the invariant of every failure."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from oidc_login.testing import Answer, GitHubEmail, GitHubStyleProvider, OpenIDProvider, User, serve
from oidc_login.testing.grants import Grants
from oidc_login.testing.users import Users
from tests.login.browser import Browser
from tests.login.invariant import (
    CANARY,
    Failure,
    Witness,
    listening,
    secrets_of_answer,
    secrets_of_requests,
)

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

NothingChanged = Callable[..., AbstractContextManager[Failure]]


class Recording:
    """A served provider that can be put back to where it began, and that knows which secrets it gave away."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"client_secret": CLIENT_SECRET, "users": PEOPLE, **options})
        self.answered: list[Any] = []
        self._as_made: dict[str, Any] = {}

    def bent(self, name: str, value: Any) -> Any:
        sent = super().bent(name, value)  # type: ignore[misc]  # of the provider beside this class
        if name == "token" and isinstance(sent, Answer) and sent.raw is None:
            with contextlib.suppress(ValueError):
                self.answered.append(json.loads(sent.content()))
        return sent

    def secrets(self) -> set[str]:
        found = {CLIENT_SECRET} | secrets_of_requests(self.requests)  # type: ignore[attr-defined]
        return found.union(*map(secrets_of_answer, self.answered))

    def reset(self) -> None:
        """Be again what was served first: its people, its keys, no bends, nothing asked."""
        self._as_made = self._as_made or dict(vars(self))
        vars(self).update(self._as_made)
        self.users = Users(PEOPLE)
        self.grants = Grants(now=lambda: self.now())  # type: ignore[attr-defined]
        self.answered = []
        self.clear()  # type: ignore[attr-defined]
        self.mend()  # type: ignore[attr-defined]


class RecordingOpenIDProvider(Recording, OpenIDProvider):
    pass


class RecordingGitHub(Recording, GitHubStyleProvider):
    pass


@pytest.fixture(scope="session")
def served_op() -> Iterator[RecordingOpenIDProvider]:
    provider = RecordingOpenIDProvider()
    with serve(provider):
        yield provider


@pytest.fixture(scope="session")
def served_github() -> Iterator[RecordingGitHub]:
    provider = RecordingGitHub()
    with serve(provider):
        yield provider


def configure(settings: Settings, key: str, **arguments: Any) -> None:
    """Give the provider of a key other arguments, beside those that it has."""
    known = settings.OIDC_LOGIN_PROVIDERS
    settings.OIDC_LOGIN_PROVIDERS = {**known, key: {**known.get(key, {}), **arguments}}


@pytest.fixture
def op(served_op: RecordingOpenIDProvider, settings: Settings, witness: Witness) -> RecordingOpenIDProvider:
    """An OpenID provider over real HTTP; the site knows it as "op"."""
    served_op.reset()
    witness.providers.append(served_op)
    configure(settings, "op", issuer=served_op.issuer, client_id="client", client_secret=CLIENT_SECRET)
    return served_op


@pytest.fixture
def github(served_github: RecordingGitHub, settings: Settings, witness: Witness) -> RecordingGitHub:
    """A provider like GitHub over real HTTP; the site knows it as "github"."""
    served_github.reset()
    witness.providers.append(served_github)
    configure(
        settings,
        "github",
        **{
            "class": "oidc_login.providers.GitHubProvider",
            "base_url": served_github.base_url,
            "client_id": "client",
            "client_secret": CLIENT_SECRET,
        },
    )
    return served_github


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def witness(caplog: pytest.LogCaptureFixture) -> Iterator[Witness]:
    """Sees logs from DEBUG on, errors as the site hears of them, and what was secret."""
    with listening(Witness(caplog)) as hears:
        yield hears


@pytest.fixture
def assert_nothing_changed(witness: Witness) -> NothingChanged:
    """The invariant of every failure, around one request:

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer)
    assert failure.seen == (400, "state_used")
    """
    return witness.nothing_changed
