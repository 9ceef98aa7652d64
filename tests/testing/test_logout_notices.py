"""The provider tells its client that a session is over: by a signed token, or by a frame in its page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.test import Client as SiteClient

from oidc_login.testing import OpenIDProvider, serve, sign_in, sign_out_at_provider
from tests.testing.conftest import CALLBACK, Client

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Listener:
    """A client's back-channel URL, that takes every token."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.status = "200 OK"
        self._lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        with self._lock:
            self.tokens += parse_qs(body)["logout_token"]
        start_response(self.status, [("Content-Length", "0")])
        return [b""]


@pytest.fixture
def listener(op: OpenIDProvider) -> Iterator[Listener]:
    listener = Listener()
    with serve(listener, host="127.0.0.1") as url:
        op.backchannel_logout_uri = url
        yield listener


def claims_of(op: OpenIDProvider, token: str) -> dict[str, Any]:
    key = op.signing_keys["RSA"].private_key.public_key()
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience="client", issuer=op.issuer)
    return claims


def end_session_url(op: OpenIDProvider, id_token: str) -> str:
    endpoint = op.metadata()["end_session_endpoint"]
    return f"{endpoint}?id_token_hint={id_token}&post_logout_redirect_uri={CALLBACK}&state=s"


def test_metadata_says_so(op: OpenIDProvider) -> None:
    flags = [
        f"{channel}_logout{part}_supported" for channel in ("backchannel", "frontchannel") for part in ("", "_session")
    ]
    assert all(op.metadata()[flag] is True for flag in flags)


def test_token_is_that_of_the_specification(op: OpenIDProvider) -> None:
    token = op.logout_token(user="alice", sid="a session")
    claims = claims_of(op, token)
    assert (claims["sub"], claims["sid"], claims["events"]) == ("alice", "a session", {EVENT: {}})
    assert claims["exp"] == claims["iat"] + 120
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert claims["jti"] != claims_of(op, op.logout_token(user="alice"))["jti"]
    assert "nonce" not in claims and "sid" not in claims_of(op, op.logout_token(user="alice"))


def test_token_can_be_bent(op: OpenIDProvider) -> None:
    with op.bend("logout_token", lambda token: "bent"):
        assert op.logout_token(sid="x") == "bent"


def test_end_of_a_session_is_told(op: OpenIDProvider, client: Client, listener: Listener) -> None:
    tokens = client.tokens()
    client.tokens()

    assert client.get(end_session_url(op, tokens["id_token"])).status_code == 302

    (told,) = [claims_of(op, token) for token in listener.tokens]
    assert (told["sub"], told["sid"]) == (
        "alice",
        jwt.decode(tokens["id_token"], options={"verify_signature": False})["sid"],
    )
    assert len(op.sessions) == 1


def test_end_of_all_sessions_is_told_once(op: OpenIDProvider, client: Client, listener: Listener) -> None:
    op.logout_everywhere = True
    id_token = client.tokens()["id_token"]
    client.tokens()
    client.tokens("bob")

    op.end_session(end_session_url(op, id_token))

    (told,) = [claims_of(op, token) for token in listener.tokens]
    assert told["sub"] == "alice" and "sid" not in told
    assert [session.sub for session in op.sessions.values()] == ["bob"]


def test_person_signs_out_at_the_provider_itself(op: OpenIDProvider, client: Client, listener: Listener) -> None:
    client.tokens()
    client.tokens()
    client.tokens("bob")

    op.sign_out("alice")

    assert {claims_of(op, token)["sub"] for token in listener.tokens} == {"alice"}
    assert len(listener.tokens) == 2
    assert [session.sub for session in op.sessions.values()] == ["bob"]


def test_client_that_is_away_holds_nobody_up(op: OpenIDProvider, client: Client) -> None:
    op.backchannel_logout_uri = "http://127.0.0.1:1/"
    id_token = client.tokens()["id_token"]

    assert op.end_session(end_session_url(op, id_token)) == f"{CALLBACK}?state=s"
    assert op.logout_notices.post("token") == 0


def test_frames_name_the_session_and_the_page_goes_on(op: OpenIDProvider, client: Client) -> None:
    op.frontchannel_logout_uri = "https://site.example/frontchannel/?a=1"
    id_token = client.tokens()["id_token"]
    sid = next(iter(op.sessions))

    page = client.get(end_session_url(op, id_token)).text

    (frame,) = [part.split('"')[0].replace("&amp;", "&") for part in page.split('<iframe src="')[1:]]
    assert parse_qs(urlsplit(frame).query) == {"a": ["1"], "iss": [op.issuer], "sid": [sid]}
    assert f"url={CALLBACK}?state=s" in page
    assert not op.sessions


@pytest.mark.django_db
def test_helper_for_a_sites_own_tests(op: OpenIDProvider, settings: Any) -> None:
    settings.OIDC_LOGIN_PROVIDERS = {"op": {"issuer": op.issuer, "client_id": "client", "client_secret": "secret"}}
    laptop, phone, bob = SiteClient(), SiteClient(), SiteClient()
    for client, user in ((laptop, "alice"), (phone, "alice"), (bob, "bob")):
        sign_in(client, op, user=user)

    response = sign_out_at_provider(SiteClient(enforce_csrf_checks=True), op, user="alice")

    assert response.status_code == 200
    assert ["_auth_user_id" in client.session for client in (laptop, phone, bob)] == [False, False, True]
    assert [session.sub for session in op.sessions.values()] == ["bob"]
