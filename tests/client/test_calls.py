"""Calls with a token: where it goes, when it is replaced, and who hears of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from oidc_login.client import OAuth, OAuth2Token, OAuthError, token_update
from oidc_login.client.apps import DjangoOAuth2App
from oidc_login.protocol.http.api_session import TokenNotSent
from oidc_login.testing import Answer, UnsignedToken
from tests.client.conftest import CALLBACK, Register, company
from tests.client.test_flows import refused
from tests.client.trip import Trip
from tests.support.invariant import Witness
from tests.support.served import ALICE, BOB, CLIENT_SECRET, RecordingGitHub, RecordingOpenIDProvider
from tests.tokens.conftest import granted

Op = RecordingOpenIDProvider


@pytest.fixture
def op(op: Op) -> Op:
    """Its refresh tokens work once."""
    op.always_refresh_token = op.rotate_refresh_tokens = True
    return op


@pytest.fixture
def client(register: Register) -> DjangoOAuth2App:
    return register()


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []

    def note(**sent: Any) -> None:
        found.append(sent)

    token_update.connect(note)
    yield found
    token_update.disconnect(note)


def token_of(op: Op, *, seconds: float | None = 3600, **changes: Any) -> dict[str, Any]:
    """A stored token as a model's `to_token()` gives it."""
    token = granted(op)
    stored = {"token_type": "Bearer", "access_token": token.access_token, "refresh_token": token.refresh_token}
    expiry = {} if seconds is None else {"expires_at": int(time.time() + seconds)}
    return {**stored, **expiry, **changes}


# Where a call goes.


def test_call_with_a_token(client: DjangoOAuth2App, op: Op) -> None:
    token = token_of(op)

    response = client.get("userinfo", token=token)

    assert isinstance(response, requests.Response)
    assert response.json()["sub"] == ALICE.sub
    assert op.requests[-1].headers["authorization"] == f"Bearer {token['access_token']}"
    assert op.requests[-1].headers["user-agent"].startswith("django-oidc-login/")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_methods(client: DjangoOAuth2App, op: Op, method: str) -> None:
    response = getattr(client, method)("introspect", token=token_of(op), headers={"X-More": "1"})

    assert response.request.method == method.upper()
    assert response.request.headers["X-More"] == "1"


def test_body_of_a_call(client: DjangoOAuth2App, op: Op) -> None:
    client.post("revoke", token=token_of(op), json={"text": "hi"})

    assert op.requests[-1].body == b'{"text": "hi"}'


def test_name_of_the_site(register: Register, op: Op) -> None:
    register(user_agent="shop/1.0").get("userinfo", token=token_of(op))

    assert op.requests[-1].headers["user-agent"] == "shop/1.0"


def test_whole_url(client: DjangoOAuth2App, op: Op) -> None:
    assert client.get(op.url("/userinfo"), token=token_of(op)).status_code == 200


@pytest.mark.parametrize(
    "url", ["//evil.example/", "https:evil", "HTTPS://evil.example/", "//localhost:1/", "ftp://x/"]
)
def test_relative_url_that_leads_away(client: DjangoOAuth2App, op: Op, url: str) -> None:
    refused(lambda: client.get(url, token=token_of(op)), "invalid_request", "error")
    assert op.asked() == []


def test_url_that_is_not_for_tokens(client: DjangoOAuth2App, op: Op) -> None:
    with pytest.raises(TokenNotSent):
        client.get("http://api.example/", token=token_of(op))


def test_call_without_a_token(client: DjangoOAuth2App, op: Op) -> None:
    assert client.get("userinfo", withhold_token=True).status_code == 401
    assert client.get("userinfo", token=token_of(op), withhold_token=True).status_code == 401
    assert "authorization" not in op.requests[-1].headers


def test_call_with_other_credentials(client: DjangoOAuth2App, op: Op) -> None:
    client.get("userinfo", auth=("user", "password"))

    assert op.requests[-1].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("verify", [False, 0, ""])
def test_call_without_tls(client: DjangoOAuth2App, op: Op, verify: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="verify"):
        client.get("userinfo", token=token_of(op), verify=verify)
    assert op.asked() == []


# Which token.


@pytest.mark.parametrize("arguments", [{}, {"token": None}, {"request": RequestFactory().get("/")}], ids=str)
def test_no_token_to_send(client: DjangoOAuth2App, op: Op, arguments: dict[str, Any]) -> None:
    with pytest.raises(OAuthError, match="missing_token"):
        client.get("userinfo", **arguments)


def test_stored_token_of_a_request(op: Op) -> None:
    stored = {("own", "/mine"): token_of(op)}
    oauth = OAuth(fetch_token=lambda name, request: stored.get((name, request.path)))
    client = oauth.register("own", **company(op))

    assert client.get("userinfo", request=RequestFactory().get("/mine")).status_code == 200
    assert client.userinfo(request=RequestFactory().get("/mine")).sub == ALICE.sub
    with pytest.raises(OAuthError, match="missing_token"):
        client.get("userinfo", request=RequestFactory().get("/of-somebody-else"))


def test_stored_token_by_the_clients_own_function(op: Op) -> None:
    oauth = OAuth(fetch_token=lambda name, request: None)
    client = oauth.register("own", **company(op), fetch_token=lambda request: token_of(op))

    assert client.get("userinfo", request=RequestFactory().get("/")).status_code == 200


NO_TOKENS: list[tuple[Any, str]] = [
    ({}, "missing_token"),
    ({"access_token": ""}, "missing_token"),
    ({"access_token": None}, "missing_token"),
    ({"access_token": 7}, "token_invalid"),
    ({"access_token": "CANARY\nX-Evil: 1"}, "token_invalid"),
    ({"access_token": "CANARY\u00e9"}, "token_invalid"),
    ("CANARY", "token_invalid"),
    ({"access_token": "CANARY", "token_type": "mac"}, "unsupported_token_type"),
    ({"access_token": "CANARY", "token_type": 7}, "unsupported_token_type"),
    ({"access_token": "CANARY", "refresh_token": "a\nb"}, "token_invalid"),
]


@pytest.mark.parametrize(("token", "error"), NO_TOKENS, ids=str)
def test_what_is_no_token(client: DjangoOAuth2App, op: Op, token: Any, error: str) -> None:
    with pytest.raises(OAuthError) as caught:
        client.get("userinfo", token=token)

    assert caught.value.error == error
    assert "CANARY" not in f"{caught.value!r}{caught.value}{caught.value.__cause__}"
    assert op.asked() == []


# When it is replaced.


def test_token_that_expires_within_a_minute(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    old = token_of(op, seconds=59)

    assert client.get("userinfo", token=old).status_code == 200

    assert op.asked() == ["discovery", "jwks", "token", "userinfo"]
    (sent,) = heard
    new = sent["token"]
    assert (sent["name"], sent["sender"]) == ("own", DjangoOAuth2App)
    assert (sent["refresh_token"], sent["access_token"]) == (old["refresh_token"], None)
    assert op.requests[-1].headers["authorization"] == f"Bearer {new['access_token']}"
    assert new["expires_at"] > old["expires_at"]
    assert new["refresh_token"] != old["refresh_token"]


@pytest.mark.parametrize("expires_at", [None, "", "soon", True, float("nan"), float("inf"), [], 1e400])
def test_token_of_which_nobody_knows_when_it_expires(client: DjangoOAuth2App, op: Op, expires_at: Any) -> None:
    assert client.get("userinfo", token=token_of(op, expires_at=expires_at)).status_code == 200
    assert op.asked() == ["userinfo"]


def test_token_that_is_good_for_longer(client: DjangoOAuth2App, op: Op) -> None:
    assert client.get("userinfo", token=token_of(op, seconds=70)).status_code == 200
    assert op.asked() == ["userinfo"]


def test_how_long_before(register: Register, op: Op) -> None:
    client = register(client_kwargs={"scope": "openid", "leeway": 0})

    assert client.get("userinfo", token=token_of(op, seconds=10)).status_code == 200
    assert op.asked() == ["userinfo"]


@pytest.mark.parametrize("form", [str, float, datetime.fromtimestamp])
def test_expiry_in_other_forms(client: DjangoOAuth2App, op: Op, form: Any) -> None:
    token = token_of(op, expires_at=form(int(time.time()) - 5))

    assert client.get("userinfo", token=token).status_code == 200
    assert "token" in op.asked()


def test_refresh_token_that_did_not_come_stays(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    op.rotate_refresh_tokens = False
    old = token_of(op, seconds=-5)

    client.get("userinfo", token=old)

    assert heard[0]["token"]["refresh_token"] == old["refresh_token"]


def test_functions_that_store_new_tokens(op: Op, heard: list[dict[str, Any]]) -> None:
    """The registry's is told the name, the client's own is not; the signal comes after either."""
    stored: list[Any] = []

    def update(*args: Any, **named: Any) -> None:
        stored.append((args, named, len(heard)))

    oauth = OAuth(update_token=update)
    old = token_of(op, seconds=-5)
    oauth.register("first", **company(op)).get("userinfo", token=old)
    oauth.register("second", **company(op), update_token=update).get("userinfo", token=token_of(op, seconds=-5))

    assert [args[0] for args, _, _ in stored] == ["first", heard[1]["token"]]
    assert stored[0][1] == {"refresh_token": old["refresh_token"], "access_token": None}
    assert [count for _, _, count in stored] == [0, 1]


def test_expired_token_and_no_way_to_another(client: DjangoOAuth2App, op: Op) -> None:
    refused(
        lambda: client.get("userinfo", token=token_of(op, seconds=-5, refresh_token=None)), "token_invalid", "error"
    )
    assert op.asked() == []


def test_token_that_is_still_good_and_no_way_to_another(client: DjangoOAuth2App, op: Op) -> None:
    assert client.get("userinfo", token=token_of(op, seconds=30, refresh_token=None)).status_code == 200


def test_refusal_to_refresh(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    token = token_of(op, seconds=-5)
    op.grants.revoke_user(ALICE.sub)

    refused(lambda: client.get("userinfo", token=token), "invalid_grant", "code_refused")
    assert heard == []
    assert "userinfo" not in op.asked()


def test_provider_that_is_down_while_the_token_is_good(client: DjangoOAuth2App, op: Op) -> None:
    with op.bend("token", lambda answer: Answer(status=503, body=b"")):
        assert client.get("userinfo", token=token_of(op, seconds=30)).status_code == 200
        refused(
            lambda: client.get("userinfo", token=token_of(op, seconds=-5)),
            "temporarily_unavailable",
            "provider_unavailable",
        )


def test_token_that_the_api_refuses(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    """It is replaced once, and the call made again."""
    token = token_of(op)
    op.grants.expire_access_tokens()

    assert client.get("userinfo", token=token).status_code == 200
    assert [each for each in op.asked() if each in ("userinfo", "token")] == ["userinfo", "token", "userinfo"]
    assert len(heard) == 1


def test_token_that_the_api_refuses_and_no_way_to_another(client: DjangoOAuth2App, op: Op) -> None:
    token = token_of(op, refresh_token=None)
    op.grants.expire_access_tokens()

    assert client.get("userinfo", token=token).status_code == 401


def test_token_that_api_and_provider_refuse(client: DjangoOAuth2App, op: Op) -> None:
    token = token_of(op)
    op.grants.revoke_user(ALICE.sub)

    assert client.get("userinfo", token=token).status_code == 401


def test_refreshed_id_token_of_somebody_else(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    def swap(token: UnsignedToken) -> UnsignedToken:
        token.claims["sub"] = BOB.sub
        return token

    token = token_of(op, seconds=-5, userinfo={"sub": ALICE.sub, "iss": op.issuer})
    with op.bend("id_token", swap):
        refused(lambda: client.get("userinfo", token=token), "invalid_claim", "id_token_invalid")
    assert heard == []


def test_refreshed_id_token_of_nobody_known(client: DjangoOAuth2App, op: Op) -> None:
    """It is verified all the same."""

    def retarget(token: UnsignedToken) -> UnsignedToken:
        token.claims["aud"] = "another"
        return token

    with op.bend("id_token", retarget):
        refused(lambda: client.get("userinfo", token=token_of(op, seconds=-5)), "invalid_claim", "id_token_invalid")


def test_userinfo_goes_with_the_new_token(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    userinfo = {"sub": ALICE.sub, "iss": op.issuer}

    client.get("userinfo", token=token_of(op, seconds=-5, userinfo=userinfo))

    assert heard[0]["token"]["userinfo"] == userinfo


# Other grants.


def machine_tokens(op: Op, **changes: Any) -> Any:
    """The test provider has no client credentials grant, so what it would answer is put in its place."""

    def answer(refusal: Answer) -> Answer:
        token = op.grants.issue_access_token(op.grants.of_access_token(granted(op).access_token), lifetime=60)  # type: ignore[arg-type]
        return Answer.of_json({"access_token": token, "token_type": "Bearer", "expires_in": 3600, **changes})

    return op.bend("token", answer)


def machine(op: Op, **changes: Any) -> DjangoOAuth2App:
    options: dict[str, Any] = {
        "client_id": "client",
        "client_secret": CLIENT_SECRET,
        "access_token_url": op.token_endpoint,
        "api_base_url": f"{op.issuer}/",
        "client_kwargs": {"grant_type": "client_credentials", "scope": "reports"},
    }
    client: DjangoOAuth2App = OAuth().register("machine", **{**options, **changes})
    return client


def test_token_of_the_client_itself(op: Op) -> None:
    with machine_tokens(op):
        token = machine(op).fetch_access_token()

    assert op.requests[-1].form == {"grant_type": "client_credentials", "scope": "reports"}
    assert token["expires_at"] > time.time() + 3500


MACHINES: list[dict[str, Any]] = [{}, {"grant_type": "client_credentials", "client_kwargs": {"scope": "reports"}}]


@pytest.mark.parametrize("changes", MACHINES, ids=["in client_kwargs", "as an option"])
def test_token_of_the_client_itself_is_replaced(op: Op, heard: list[dict[str, Any]], changes: dict[str, Any]) -> None:
    client = machine(op, **changes)
    with machine_tokens(op):
        response = client.get("userinfo", token={"access_token": "old", "expires_at": 1})

    assert response.status_code == 200
    assert [(sent["refresh_token"], sent["access_token"]) for sent in heard] == [(None, "old")]


def test_token_of_a_person_is_not_replaced_by_the_clients_own(op: Op) -> None:
    client = machine(op, client_kwargs={"scope": "reports"})

    refused(lambda: client.get("userinfo", token={"access_token": "old", "expires_at": 1}), "token_invalid", "error")
    assert op.asked() == []


def test_grants_of_other_kinds(op: Op) -> None:
    with machine_tokens(op):
        machine(op).fetch_access_token(grant_type="urn:example:grant", assertion="x")

    assert op.requests[-1].form == {"grant_type": "urn:example:grant", "assertion": "x"}


def test_scope_of_openid_is_not_for_machines(client: DjangoOAuth2App, op: Op) -> None:
    with machine_tokens(op):
        client.fetch_access_token(grant_type="client_credentials")

    assert op.requests[-1].form == {"grant_type": "client_credentials"}


@pytest.mark.parametrize(
    "parameters", [{"grant_type": "password"}, {"username": "alice", "password": "CANARY"}], ids=str
)
def test_password_grant(client: DjangoOAuth2App, op: Op, parameters: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="RFC 9700") as caught:
        client.fetch_access_token(**parameters)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("missing", ["redirect_uri", "code", "code_verifier"])
def test_code_without(client: DjangoOAuth2App, op: Op, missing: str) -> None:
    parameters = {"redirect_uri": CALLBACK, "code": "c", "code_verifier": "v" * 43, "grant_type": "authorization_code"}

    with pytest.raises(ImproperlyConfigured, match="create_authorization_url"):
        client.fetch_access_token(**{**parameters, missing: None})
    assert op.asked() == []


def test_code_with_the_verifier_of_another_flow(client: DjangoOAuth2App, op: Op) -> None:
    code = op.authorization_answer(client.create_authorization_url(CALLBACK)["url"])["code"]

    refused(
        lambda: client.fetch_access_token(CALLBACK, code=code, code_verifier="v" * 43), "invalid_grant", "code_refused"
    )


# User info.


def test_user_info(client: DjangoOAuth2App, op: Op) -> None:
    userinfo = client.userinfo(token=token_of(op))

    assert (userinfo.sub, userinfo.email, userinfo.email_verified) == (ALICE.sub, ALICE.email, True)


def test_user_info_of_somebody_else(client: DjangoOAuth2App, op: Op) -> None:
    token = token_of(op, userinfo={"sub": BOB.sub})

    refused(lambda: client.userinfo(token=token), "userinfo_invalid", "userinfo_invalid")


@pytest.mark.parametrize("document", [{}, {"sub": 7}, {"sub": ""}, [], "text"], ids=str)
def test_user_info_of_nobody(client: DjangoOAuth2App, op: Op, document: Any) -> None:
    with op.bend("userinfo", lambda answer: Answer.of_json(document)):
        refused(lambda: client.userinfo(token=token_of(op)), "userinfo_invalid", "userinfo_invalid")


def test_user_info_is_read_within_limits(client: DjangoOAuth2App, op: Op) -> None:
    """The provider's answers about people come by the transport of sign-ins."""
    huge = {"sub": ALICE.sub, "name": "x" * 2_000_000}
    with op.bend("userinfo", lambda answer: Answer.of_json(huge)), pytest.raises(OAuthError):
        client.userinfo(token=token_of(op))


def test_user_info_with_a_token_that_expires(client: DjangoOAuth2App, op: Op, heard: list[dict[str, Any]]) -> None:
    assert client.userinfo(token=token_of(op, seconds=-5)).sub == ALICE.sub
    assert len(heard) == 1


def test_user_info_of_oauth2_is_what_the_endpoint_answers(github: RecordingGitHub) -> None:
    client = OAuth().register("forge", userinfo_endpoint=f"{github.base_url}/user")

    userinfo = client.userinfo(token=Trip(client).whole(github, "bob"))

    assert userinfo["login"] == "bob"


def test_user_info_of_oauth2_that_is_no_object(github: RecordingGitHub) -> None:
    client = OAuth().register("forge", userinfo_endpoint=f"{github.base_url}/user")
    token = Trip(client).whole(github, "bob")

    with github.bend("user", lambda answer: Answer.of_json(["bob"])):
        refused(lambda: client.userinfo(token=token), "userinfo_invalid", "userinfo_invalid")


def test_user_info_where_nobody_said_where(github: RecordingGitHub) -> None:
    with pytest.raises(RuntimeError, match='Missing "userinfo_endpoint" in metadata'):
        OAuth().register("forge").userinfo(token={"access_token": "x"})


# What is never shown.


def test_token_shows_none(client: DjangoOAuth2App, op: Op) -> None:
    token = Trip(client).whole(op)

    assert isinstance(token, OAuth2Token)
    assert (
        repr(token)
        == str(token)
        == ("<OAuth2Token: access_token, expires_at, expires_in, id_token, refresh_token, scope, token_type, userinfo>")
    )
    assert token.is_expired() is False
    assert OAuth2Token(access_token="x").is_expired() is None


def test_logs_show_no_token(client: DjangoOAuth2App, op: Op, witness: Witness) -> None:
    token = Trip(client).whole(op)
    client.get("userinfo", token={**token, "expires_at": 1})
    with op.bend("token", lambda answer: Answer(status=503, body=b"")):
        client.get("userinfo", token={**token, "expires_at": time.time() + 30})

    assert [each for each in op.secrets() if len(each) > 12 and each in witness.caplog.text] == []


def test_redirect_to_another_host_goes_without_the_token(client: DjangoOAuth2App, op: Op) -> None:
    with op.bend("userinfo", lambda answer: Answer.redirect(op.url("/jwks").replace("localhost", "127.0.0.1"))):
        assert client.get("userinfo", token=token_of(op)).status_code == 200
    assert "authorization" not in op.requests[-1].headers
