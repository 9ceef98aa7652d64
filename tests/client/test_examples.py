"""The views of Authlib's documentation do what they did, over HTTP: see tests/client/site.py."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.client import site
from tests.client.conftest import Visitor
from tests.support.served import ALICE, RecordingGitHub, RecordingOpenIDProvider


def parameters_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def sign_in(visitor: Visitor, op: RecordingOpenIDProvider, begin: str = "/login") -> None:
    begun = visitor.get(begin)
    ended = visitor.get(op.authorize(begun.headers["Location"]))
    assert (ended.status_code, ended.headers["Location"]) == (302, "/")


def test_login_with_openid_connect(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    sign_in(visitor, op)

    assert visitor.user["sub"] == ALICE.sub
    assert set(op.asked()) - {"discovery", "jwks"} == {"token"}  # documents are kept from one test to the next


def test_login_asks_with_state_nonce_and_pkce(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    asked = parameters_of(visitor.get("/login").headers["Location"])

    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{visitor.base_url}/authorize"
    assert asked["scope"] == "openid email profile"


def test_parse_id_token_in_its_older_form(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    sign_in(visitor, op, "/old/login")

    assert visitor.user["sub"] == ALICE.sub


def test_answer_by_form_post(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    site.oauth.register("company", client_kwargs={"scope": "openid", "response_mode": "form_post"})
    try:
        answer = op.authorization_answer(visitor.get("/login").headers["Location"])
        assert answer.response_mode == "form_post"
        ended = visitor.post(answer.redirect_uri, dict(answer.parameters))
    finally:
        site.oauth.register("company")

    assert ended.status_code == 302
    assert visitor.user["sub"] == ALICE.sub


def test_login_with_oauth2_and_a_call_of_the_api(visitor: Visitor, github: RecordingGitHub) -> None:
    begun = visitor.get("/forge/login")
    ended = visitor.get(github.authorize(begun.headers["Location"], "bob"))

    assert ended.status_code == 302
    assert visitor.user["login"] == "bob"
    assert github.asked() == ["token", "user"]


def test_user_info_of_a_stored_token(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    sign_in(visitor, op)

    assert visitor.get("/profile").json()["email"] == ALICE.email


def test_api_with_a_stored_token(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    sign_in(visitor, op)
    op.clear()

    assert visitor.get("/api").json()["email"] == ALICE.email
    assert op.asked() == ["userinfo"]


def test_stored_token_is_replaced_a_minute_before_it_expires(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    """The receiver that stores the new one has no `**kwargs`."""
    op.always_refresh_token = op.rotate_refresh_tokens = True
    op.access_token_lifetime = 59
    sign_in(visitor, op)
    stored = site.StoredToken.rows[0].to_token()
    op.clear()
    op.access_token_lifetime = 3600

    assert [visitor.get("/api").status_code for _ in range(2)] == [200, 200]

    assert op.asked() == ["token", "userinfo", "userinfo"]
    renewed = site.StoredToken.rows[0].to_token()
    assert renewed["expires_at"] > stored["expires_at"]
    assert op.grants.of_refresh_token(renewed["refresh_token"]) is not None
    assert op.grants.of_refresh_token(stored["refresh_token"]) is None


def test_login_whose_redirect_is_made_by_a_script(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    begun = visitor.get("/script/login").json()

    ended = visitor.get(op.authorize(begun["url"]))

    assert ended.status_code == 302
    assert visitor.user["sub"] == ALICE.sub


def test_logout_at_the_provider_and_back(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    op.sessions.clear()
    sign_in(visitor, op)
    assert len(op.sessions) == 1
    begun = visitor.get("/logout")

    back = visitor.get(op.end_session(begun.headers["Location"]))

    assert (back.status_code, back.text) == (200, f"{visitor.base_url}/logged-out")
    assert op.sessions == {}
    assert visitor.user is None


def test_person_who_cancels(visitor: Visitor, op: RecordingOpenIDProvider) -> None:
    """`error` is the provider's code; its description is nobody's who can be believed."""
    begun = visitor.get("/login").headers["Location"]
    target = op.authorize(begun, None).replace("/authorize?", "/careful/authorize?")

    ended = visitor.get(target)

    assert ended.status_code == 400
    assert "<h1>access_denied</h1>" in ended.text
    assert "the person cancelled" not in ended.text


@pytest.mark.parametrize("path", ["/authorize", "/careful/authorize"])
def test_answer_of_another_browser(visitor: Visitor, op: RecordingOpenIDProvider, path: str) -> None:
    """Also where a view catches nothing, the answer is 400."""
    begun = Visitor(visitor.base_url).get("/login").headers["Location"]

    ended = visitor.get(op.authorize(begun).replace("/authorize?", f"{path}?"))

    assert ended.status_code == 400
    assert visitor.user is None
    assert "token" not in op.asked()
