"""GitHub: the number is the identity, and the primary verified address is the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oidc_login.protocol.errors import (
    ProtocolError,
    ProviderUnavailable,
    TokenErrorResponse,
    TokenResponseInvalid,
    UserInfoInvalid,
)
from oidc_login.providers import GitHubProvider, OAuthToken, OAuthUser
from oidc_login.testing import Answer, GitHubEmail, GitHubStyleProvider
from oidc_login.testing.application import FORM
from tests.providers.flows import asked_parameters, exchange
from tests.support.signing import ids


def github_provider(github: GitHubStyleProvider, **changes: Any) -> GitHubProvider:
    """GitHub's class in front of a GitHub Enterprise Server on loopback."""
    arguments = {"provider_key": "github", "client_id": "client", "client_secret": "secret"}
    return GitHubProvider(**{**arguments, "base_url": github.base_url, **changes})


def person(github: GitHubStyleProvider, user: str = "alice", **changes: Any) -> OAuthUser:
    """Who is found by a whole sign-in."""
    provider = github_provider(github, **changes)
    return provider.get_oauth_user(oauth_token=exchange(github, provider, user))


def refusal(call: Callable[[], object]) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        call()
    return caught.value


# Addresses


@pytest.mark.parametrize(
    ("base_url", "web", "api"),
    [
        ("https://github.com", "https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://github.com", "https://api.github.com"),
        ("https://git.corp.example", "https://git.corp.example", "https://git.corp.example/api/v3"),
        ("https://corp.example/git/", "https://corp.example/git", "https://corp.example/git/api/v3"),
    ],
)
def test_the_endpoints_follow_from_the_base_url(base_url: str, web: str, api: str) -> None:
    """https://docs.github.com/enterprise-server/rest: a server has its API below its own address."""
    provider = GitHubProvider(provider_key="github", client_id="client", base_url=base_url)
    assert provider.authorization_endpoint == f"{web}/login/oauth/authorize"
    assert provider.token_endpoint == f"{web}/login/oauth/access_token"
    assert provider.userinfo_endpoint == f"{api}/user"
    assert provider.emails_endpoint == f"{api}/user/emails"


def test_without_a_base_url_it_is_github_itself() -> None:
    provider = GitHubProvider(provider_key="github", client_id="client")
    assert provider.authorization_url == "https://github.com/login/oauth/authorize"
    assert (provider.label, provider.initials()) == ("GitHub", "GH")


# The sign-in


def test_signs_in_with_a_challenge_and_one_posted_secret(github: GitHubStyleProvider) -> None:
    user = person(github)
    assert (user.id, user.username, user.name) == (42, "alice", "Alice Ash")
    assert (user.email, user.email_verified) == ("alice@example.org", True)
    assert user.as_claims()["sub"] == "42"
    assert github.asked() == ["token", "user", "emails"]
    form = github.requests[0].form
    assert form["client_secret"] == "secret"
    assert form["code_verifier"]
    assert "authorization" not in github.requests[0].headers
    assert github.connections == 1


def test_asks_for_the_person_and_the_addresses(github: GitHubStyleProvider) -> None:
    assert asked_parameters(github_provider(github))["scope"] == "read:user user:email"


@pytest.mark.parametrize(
    "error", ["bad_verification_code", "incorrect_client_credentials", "redirect_uri_mismatch", "unverified_user_email"]
)
def test_an_error_inside_a_success_is_an_error(github: GitHubStyleProvider, error: str) -> None:
    github.bend("token", lambda good: Answer.of_json({"error": error, "error_description": "…", "error_uri": "…"}))
    found = refusal(lambda: person(github))
    assert (type(found), found.reason) == (TokenErrorResponse, error)


def test_a_form_answer_is_understood(github: GitHubStyleProvider) -> None:
    """What older servers send in spite of `Accept: application/json`."""
    github.bend("token", lambda good: Answer(headers={"Content-Type": FORM}, json=good.json))
    assert person(github).id == 42
    github.bend("token", lambda good: Answer(headers={"Content-Type": FORM}, body=b"error=bad_verification_code"))
    assert refusal(lambda: person(github)).reason == "bad_verification_code"


def test_a_page_instead_of_tokens_is_refused(github: GitHubStyleProvider) -> None:
    github.bend("token", lambda good: Answer.of_page("<p>Not Found</p>", status=404))
    assert isinstance(refusal(lambda: person(github)), TokenResponseInvalid)


# The identity


IDENTITIES: list[tuple[str, Any, bool]] = [
    ("a number", 583231, True),
    ("a large number", 10**18, True),
    ("text", "583231", False),
    ("null", None, False),
    ("a fraction", 1.5, False),
    ("true", True, False),
    ("a list", [1], False),
    ("an object", {}, False),
]


@pytest.mark.parametrize(("value", "accepted"), [row[1:] for row in IDENTITIES], ids=ids(IDENTITIES))
def test_the_number_is_the_identity(github: GitHubStyleProvider, value: Any, accepted: bool) -> None:
    github.bend("user", lambda good: Answer.of_json({**good.json, "id": value}))
    if accepted:
        assert person(github).as_claims()["sub"] == str(value)
        return
    error = refusal(lambda: person(github))
    assert (type(error), error.reason) == (UserInfoInvalid, "id")


@pytest.mark.parametrize("body", [b"[]", b"null", b'"alice"', b"{}", b'{"login": "alice"}'])
def test_an_answer_about_nobody_is_refused(github: GitHubStyleProvider, body: bytes) -> None:
    github.bend("user", lambda good: Answer(headers={"Content-Type": "application/json"}, body=body))
    assert refusal(lambda: person(github)).reason == "id"


def test_a_renamed_account_is_the_same_person(github: GitHubStyleProvider) -> None:
    before = person(github)
    github.users.change("alice", preferred_username="alice-at-home")
    after = person(github)
    assert (before.id, after.id) == (42, 42)
    assert (before.username, after.username) == ("alice", "alice-at-home")


def test_names_may_be_missing_or_of_another_type(github: GitHubStyleProvider) -> None:
    assert person(github, "bob").name == "bob"
    github.bend("user", lambda good: Answer.of_json({"id": 7, "login": None, "name": 5, "avatar_url": []}))
    assert person(github).as_claims() == {"sub": "7", "email": "alice@example.org", "email_verified": True}


# The address


def row(email: Any, *, primary: Any = True, verified: Any = True) -> dict[str, Any]:
    return {"email": email, "primary": primary, "verified": verified, "visibility": None}


ADDRESSES: list[tuple[str, Any, str]] = [
    ("primary and verified", [row("a@x")], "a@x"),
    ("among others", [row("b@x", primary=False), row("a@x"), row("c@x", primary=False)], "a@x"),
    ("primary, not verified", [row("a@x", verified=False)], ""),
    ("another one is verified", [row("a@x", verified=False), row("b@x", primary=False)], ""),
    ("none is primary", [row("a@x", primary=False)], ""),
    ("verified in words", [row("a@x", verified="true")], ""),
    ("primary by number", [row("a@x", primary=1)], ""),
    ("no rows", [], ""),
    ("address is a number", [row(5)], ""),
    ("address is null", [row(None)], ""),
    ("rows of another kind", ["a@x", None, 5, ["a@x"]], ""),
    ("an object", {"email": "a@x", "primary": True, "verified": True}, ""),
    ("null", None, ""),
]


@pytest.mark.parametrize(("rows", "email"), [row[1:] for row in ADDRESSES], ids=ids(ADDRESSES))
def test_the_primary_verified_address_is_the_address(github: GitHubStyleProvider, rows: Any, email: str) -> None:
    github.bend("emails", lambda good: Answer.of_json(rows))
    user = person(github)
    assert (user.email, user.email_verified) == (email, bool(email))


def test_the_address_that_an_account_shows_is_not_vouched_for(github: GitHubStyleProvider) -> None:
    github.users.change("alice", public_email=True, email_verified=False)
    user = person(github)
    assert github.requests[1].endpoint == "user"
    assert (user.email, user.email_verified) == ("", False)


def test_other_verified_addresses_do_not_count(github: GitHubStyleProvider) -> None:
    github.users.change("alice", email_verified=False, more_emails=(GitHubEmail(email="other@example.org"),))
    assert person(github).email == ""


def test_without_the_scope_for_addresses_there_is_none(github: GitHubStyleProvider) -> None:
    user = person(github, scope="read:user")
    assert (user.id, user.email) == (42, "")


def test_an_outage_is_not_a_missing_address(github: GitHubStyleProvider) -> None:
    """A person without an address would be taken for somebody new."""
    github.bend("emails", lambda good: Answer(status=502, body=b""))
    assert isinstance(refusal(lambda: person(github)), ProviderUnavailable)


def test_a_withdrawn_token_describes_nobody(github: GitHubStyleProvider) -> None:
    provider = github_provider(github)
    error = refusal(lambda: provider.get_oauth_user(oauth_token=OAuthToken(access_token="withdrawn")))
    assert (type(error), error.reason) == (UserInfoInvalid, "status")


def test_the_next_secret_of_a_rotation_is_tried_where_github_refuses_the_first(github: GitHubStyleProvider) -> None:
    """GitHub has a word of its own for `invalid_client`, and says it with status 200."""
    provider = github_provider(github, client_secret=["new", "secret"])
    assert exchange(github, provider, "alice").access_token
