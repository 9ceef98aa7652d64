"""The OAuth 2.0 provider of any shape does what its shape says, and refuses what it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from oidc_login.testing import Answer, AuthorizationRefused, OAuth2StyleProvider, Resource, Shape, serve
from tests.testing.conftest import CALLBACK, PEOPLE, VERIFIER, Client

BASIC = ("client", "secret")


@pytest.fixture
def op() -> Iterator[OAuth2StyleProvider]:
    resources = {
        "user": Resource(
            path="/api/user", answer=lambda person, grant: {"id": person.numeric_id, "scope": grant.scope}
        ),
        "pages": Resource(
            path="/api/pages", method="POST", query={"part": "a|b"}, answer=lambda person, grant: Answer(status=418)
        ),
    }
    provider = OAuth2StyleProvider(users=PEOPLE, resources=resources)
    with serve(provider):
        yield provider


@pytest.fixture
def client(op: OAuth2StyleProvider) -> Client:
    return Client(op)


def shape(op: OAuth2StyleProvider, **changes: Any) -> None:
    op.shape = Shape(**changes)


def redeem(client: Client, **changes: str | None) -> requests.Response:
    return client.redeem(client.code(scope="read", nonce=None), auth=BASIC, **changes)


def test_signs_in_by_the_book(op: OAuth2StyleProvider, client: Client) -> None:
    tokens = redeem(client).json()
    assert {name: tokens[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read",
    }
    answer = client.get(f"{op.base_url}/api/user", token=tokens["access_token"])
    assert answer.json()["scope"] == "read"
    assert op.asked() == ["token", "user"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"code": "guessed"}, "invalid_grant"), ({"code_verifier": "w" * 43}, "invalid_grant")]
    + [({"redirect_uri": CALLBACK + "x"}, "invalid_grant"), ({"grant_type": "password"}, "unsupported_grant_type")],
)
def test_wrong_requests_get_no_tokens(client: Client, changes: dict[str, str], error: str) -> None:
    answer = redeem(client, **changes) if "code" not in changes else client.redeem(changes["code"], auth=BASIC)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("auth", [("client", "wrong"), ("other", "secret")])
def test_wrong_clients_get_no_tokens(client: Client, auth: tuple[str, str]) -> None:
    answer = client.redeem(client.code(nonce=None), auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_credentials_in_two_places_are_refused(client: Client) -> None:
    """RFC 6749 2.3."""
    assert redeem(client, client_id="client", client_secret="secret").status_code == 401


def test_client_authentication_is_of_its_shape(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, auth_methods=("client_secret_post",))
    assert redeem(client).status_code == 401
    answer = client.redeem(client.code(nonce=None), auth=None, client_id="client", client_secret="secret")
    assert answer.status_code == 200


def test_pkce_is_of_its_shape(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, pkce="refused")
    with pytest.raises(AuthorizationRefused):
        client.code()
    plain = client.code(code_challenge=None, code_challenge_method=None)
    assert client.redeem(plain, auth=BASIC).status_code == 400
    shape(op, pkce="required")
    with pytest.raises(AuthorizationRefused):
        client.code(code_challenge=None, code_challenge_method=None)


def test_scopes_are_put_together_by_its_separator(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, scope_separator=",")
    client.code(scope="a,b")
    with pytest.raises(AuthorizationRefused, match="invalid_scope"):
        client.code(scope="a b")


def test_client_may_have_another_name(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, client_id_name="client_key", auth_methods=("client_secret_post",))
    with pytest.raises(AuthorizationRefused):
        client.code()
    code = client.code(client_id=None, client_key="client")
    refused = client.redeem(code, auth=None, client_id="client", client_secret="secret")
    assert refused.status_code == 401
    assert client.redeem(code, auth=None, client_key="client", client_secret="secret").status_code == 200


def test_requests_may_have_to_be_json(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, takes_json=True, headers={"api-version": r"\d+"})
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert redeem(client).status_code == 400
    for version, status in (("x", 400), ("7", 200)):
        body = json.dumps({**form, "code": client.code()})
        headers = {"Content-Type": "application/json", "Api-Version": version}
        answer = client.http.post(op.token_endpoint, data=body, headers=headers, auth=BASIC, timeout=5)
        assert answer.status_code == status


@pytest.mark.parametrize(("rotates", "again"), [(True, 400), (False, 200)])
def test_refresh_tokens_work_once_or_for_ever(
    op: OAuth2StyleProvider, client: Client, rotates: bool, again: int
) -> None:
    shape(op, rotates_refresh_tokens=rotates)
    refresh_token = redeem(client).json()["refresh_token"]
    first = client.refresh(refresh_token)
    assert (first.status_code, "refresh_token" in first.json()) == (200, rotates)
    assert client.refresh(refresh_token).status_code == again


def test_refresh_token_comes_where_it_was_asked_for(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, offline=("duration", "permanent"))
    assert "refresh_token" not in redeem(client).json()
    answer = client.redeem(client.code(duration="permanent"), auth=BASIC)
    assert "refresh_token" in answer.json()


def test_access_tokens_may_be_exchanged(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, refresh_token_lifetime=None, exchange_grant="swap")
    token = redeem(client).json()["access_token"]
    swapped = client.post(op.token_endpoint, {"grant_type": "swap", "swap": token}, auth=BASIC)
    assert swapped.json()["expires_in"] == 60 * 86_400
    wrong = client.post(op.token_endpoint, {"grant_type": "swap", "swap": "guessed"}, auth=BASIC)
    assert wrong.status_code == 400


def test_answers_are_written_its_own_way(op: OAuth2StyleProvider, client: Client) -> None:
    shape(op, tokens=lambda tokens: {"data": tokens}, error=lambda fault: Answer.of_json({"fault": fault}))
    assert redeem(client).json()["data"]["access_token"]
    assert client.redeem("guessed", auth=BASIC).json() == {"fault": "code"}


def test_resources_are_asked_as_they_want(op: OAuth2StyleProvider, client: Client) -> None:
    token = redeem(client).json()["access_token"]
    url, headers = f"{op.base_url}/api/pages", {"Authorization": f"Bearer {token}"}
    assert client.get(url, token=token).status_code == 405
    assert client.http.post(f"{url}?part=c", headers=headers, timeout=5).status_code == 400
    assert client.http.post(f"{url}?part=b", headers=headers, timeout=5).status_code == 418
    assert client.http.post(f"{url}?part=b", timeout=5).status_code == 401


@pytest.mark.parametrize("method", ["", "DELETE"])
def test_tokens_are_taken_back_its_own_way(op: OAuth2StyleProvider, client: Client, method: Any) -> None:
    shape(op, revocation_method=method)
    token = redeem(client).json()["access_token"]
    url, headers = f"{op.base_url}/revoke", {"Authorization": f"Bearer {token}"}
    by_form = client.post(url, {"token": token}, auth=BASIC)
    by_itself = client.http.delete(url, headers=headers, timeout=5)
    assert sorted([by_form.status_code, by_itself.status_code]) in ([200, 400], [200, 401])
    assert client.get(f"{op.base_url}/api/user", token=token).status_code == 401


def test_page_has_a_button_for_each_person(op: OAuth2StyleProvider, client: Client) -> None:
    page = client.get(client.authorization_url()).text
    assert page.count("chosen_user") == len(PEOPLE)
