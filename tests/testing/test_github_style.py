"""The GitHub-style provider answers as GitHub's documentation says GitHub does."""

from __future__ import annotations

import time

import pytest

from oidc_login.testing import AuthorizationRefused, GitHubStyleProvider, User
from tests.testing.conftest import CALLBACK, Client, parameters_of

JSON = {"Accept": "application/json"}


def redeem(client: Client, **changes: str | None) -> dict[str, object]:
    form = {
        "client_id": "client",
        "client_secret": "secret",
        "code": changes.get("code") or code_of(client),
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 43,
    } | changes
    answer = client.post(client.provider.token_endpoint, form, **JSON)
    assert answer.status_code == 200
    result: dict[str, object] = answer.json()
    return result


def code_of(client: Client, user: str = "alice", scope: str = "read:user user:email") -> str:
    return client.code(user, scope=scope, response_type=None, nonce=None)


def token_of(client: Client, user: str = "alice", scope: str = "read:user user:email") -> str:
    return str(redeem(client, code=code_of(client, user, scope))["access_token"])


def test_answers_with_a_form_unless_json_is_asked_for(github: GitHubStyleProvider, github_client: Client) -> None:
    form = {"client_id": "client", "client_secret": "secret", "code_verifier": "v" * 43}
    answer = github_client.post(github.token_endpoint, form | {"code": code_of(github_client)}, Accept="*/*")
    assert answer.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert answer.text.startswith("access_token=gho_")
    assert "scope=read%3Auser%2Cuser%3Aemail&token_type=bearer" in answer.text
    assert redeem(github_client)["token_type"] == "bearer"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"client_secret": "wrong"}, "incorrect_client_credentials", id="secret"),
        pytest.param({"client_id": "other"}, "incorrect_client_credentials", id="client"),
        pytest.param({"code": "guessed"}, "bad_verification_code", id="code"),
        pytest.param({"code_verifier": "w" * 43}, "bad_verification_code", id="verifier"),
        pytest.param({"code_verifier": None}, "bad_verification_code", id="no verifier"),
        pytest.param({"redirect_uri": CALLBACK + "x"}, "redirect_uri_mismatch", id="redirect_uri"),
    ],
)
def test_errors_come_inside_http_200(github_client: Client, changes: dict[str, str | None], error: str) -> None:
    assert redeem(github_client, **changes)["error"] == error


def test_code_works_once(github_client: Client) -> None:
    code = code_of(github_client)
    assert "access_token" in redeem(github_client, code=code)
    assert redeem(github_client, code=code)["error"] == "bad_verification_code"


def test_pkce_is_optional(github_client: Client) -> None:
    code = github_client.code(code_challenge=None, code_challenge_method=None)
    assert "access_token" in redeem(github_client, code=code, code_verifier=None, redirect_uri=None)


def test_plain_challenge_is_refused(github: GitHubStyleProvider, github_client: Client) -> None:
    with pytest.raises(AuthorizationRefused):
        github.authorize(github_client.authorization_url(code_challenge_method="plain"))


def test_callback_has_code_and_state_and_no_issuer(github: GitHubStyleProvider, github_client: Client) -> None:
    assert parameters_of(github.authorize(github_client.authorization_url())).keys() == {"code", "state"}


@pytest.mark.parametrize("prefix", ["", "/api/v3"])
def test_user_is_a_number_with_a_login(github: GitHubStyleProvider, github_client: Client, prefix: str) -> None:
    answer = github_client.get(f"{github.base_url}{prefix}/user", token=token_of(github_client))
    profile = answer.json()
    assert isinstance(profile["id"], int)
    assert (profile["login"], profile["name"], profile["email"]) == ("ash", "Alice Ash", None)
    assert answer.headers["X-OAuth-Scopes"] == "read:user, user:email"


def test_name_may_be_null(github: GitHubStyleProvider, github_client: Client) -> None:
    profile = github_client.get(f"{github.base_url}/user", token=token_of(github_client, "bob")).json()
    assert (profile["id"], profile["login"], profile["name"]) == (42, "bob", None)


def test_public_address_is_in_the_profile(github: GitHubStyleProvider, github_client: Client) -> None:
    github.users.change("alice", public_email=True)
    profile = github_client.get(f"{github.base_url}/user", token=token_of(github_client)).json()
    assert profile["email"] == "alice@example.org"


def test_addresses_say_which_is_primary_and_verified(github: GitHubStyleProvider, github_client: Client) -> None:
    answer = github_client.get(f"{github.base_url}/api/v3/user/emails", token=token_of(github_client, "bob"))
    assert answer.json() == [
        {"email": "bob@example.org", "primary": True, "verified": False, "visibility": "private"},
        {"email": "bob@users.noreply.example", "primary": False, "verified": True, "visibility": None},
    ]


def test_addresses_need_their_scope(github: GitHubStyleProvider, github_client: Client) -> None:
    token = token_of(github_client, scope="read:user")
    assert github_client.get(f"{github.base_url}/user/emails", token=token).status_code == 404


def test_person_without_address_has_an_empty_list(github: GitHubStyleProvider, github_client: Client) -> None:
    github.users.add(User("nobody"))
    token = token_of(github_client, "nobody")
    assert github_client.get(f"{github.base_url}/user/emails", token=token).json() == []


def test_api_refuses_bad_tokens_and_clients_without_a_name(github: GitHubStyleProvider, github_client: Client) -> None:
    assert github_client.get(f"{github.base_url}/user", token="guessed").status_code == 401
    github_client.http.headers["User-Agent"] = ""
    assert github_client.get(f"{github.base_url}/user", token=token_of(github_client)).status_code == 403


def test_expiring_tokens_come_with_a_refresh_token_that_works_once(
    github: GitHubStyleProvider, github_client: Client
) -> None:
    github.expiring_tokens = True
    first = redeem(github_client)
    assert first["expires_in"] == 28_800
    refresh = {"grant_type": "refresh_token", "refresh_token": str(first["refresh_token"])}
    assert "access_token" in redeem(github_client, **refresh)
    assert redeem(github_client, **refresh)["error"] == "bad_refresh_token"


def test_expired_token_is_refused(github: GitHubStyleProvider, github_client: Client) -> None:
    github.expiring_tokens = True
    token = str(redeem(github_client)["access_token"])
    github.now = lambda: time.time() + 28_801
    assert github_client.get(f"{github.base_url}/user", token=token).status_code == 401
