"""A served provider of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oidc_login.testing import GitHubStyleProvider, OpenIDProvider, User, serve

PEOPLE = [
    User("alice", name="Alice Ash", email="alice@example.org", email_verified=True, github_id=42),
    User("bob", email="bob@example.org"),
]


@pytest.fixture
def op() -> Iterator[OpenIDProvider]:
    provider = OpenIDProvider(users=PEOPLE)
    with serve(provider):
        yield provider


@pytest.fixture
def github() -> Iterator[GitHubStyleProvider]:
    provider = GitHubStyleProvider(users=PEOPLE)
    with serve(provider):
        yield provider
