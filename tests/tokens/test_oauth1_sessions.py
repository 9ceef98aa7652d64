"""Calling an API of OAuth 1.0: every request is signed, and for whom (RFC 5849 3)."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.utils import timezone

from oidc_login.exceptions import Inactive, NeedsReauth
from oidc_login.models import OAuthConnection, Status
from oidc_login.protocol.errors import TokenResponseInvalid
from oidc_login.protocol.http.api_session import TokenNotSent
from oidc_login.protocol.oauth1 import Token
from oidc_login.testing import Answer, User, serve
from oidc_login.testing.application import ProviderRequest
from oidc_login.testing.oauth1_signature import read_request
from tests.support.invariant import Witness
from tests.support.oauth1 import CLIENT_SECRET, RecordingOAuth1, configure_photos
from tests.support.rsa_key import PRIVATE_KEY
from tests.support.served import ALICE

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

Connect = Callable[..., OAuthConnection]


def echo(person: User, request: ProviderRequest) -> Any:
    """What the API got, for whom."""
    return {"who": person.username, "query": request.query_pairs, "body": request.body.decode()}


@pytest.fixture
def api(photos: RecordingOAuth1) -> RecordingOAuth1:
    """The provider with an API."""
    photos.resources = {
        "/things": echo,
        "/moved": lambda person, request: Answer.redirect("/things?moved=1"),
        "/kept": lambda person, request: Answer(status=307, headers={"Location": "/things?moved=1"}, body=b""),
    }
    return photos


@pytest.fixture
def connect(api: RecordingOAuth1) -> Connect:
    """Make somebody who is connected, with changes to their connection."""

    def make(*, extras: dict[str, str] | None = None, **fields: Any) -> OAuthConnection:
        token = api.issue_access_token(ALICE.sub)
        text = Token(token=token, secret=api.access_tokens[token].secret, extras=extras or {}).as_text()
        connection = OAuthConnection(
            user=get_user_model().objects.create_user(f"user{len(api.access_tokens)}"),
            provider_key="photos",
            issuer=api.base_url,
            provider_user_id=token[:8],
            link_reason="signed_up",
            **{"access_token": text, **fields},
        )
        connection.save(force_insert=True)
        return OAuthConnection.objects.select_related("user").get(pk=connection.pk)

    return make


def places(api: RecordingOAuth1) -> list[str]:
    return [read_request(request, api.base_url).place for request in api.requests]


def test_request_is_signed_for_the_person(api: RecordingOAuth1, connect: Connect) -> None:
    session = connect(extras={"user_id": "42"}).session()

    answer = session.get(f"{api.base_url}/things", params={"fields[blogs]": "a|b", "q": "ä +"}).json()

    assert answer == {"who": "alice", "query": [["fields[blogs]", "a|b"], ["q", "ä +"]], "body": ""}


@pytest.mark.parametrize("method", ["HMAC-SHA1", "RSA-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize("place", ["HEADER", "BODY"])
def test_form_is_signed(api: RecordingOAuth1, connect: Connect, settings: Settings, method: str, place: str) -> None:
    key = {"client_key": PRIVATE_KEY} if method == "RSA-SHA1" else {}
    configure_photos(settings, api, signature_method=method, signature_type=place, **key)

    body = (
        connect().session().post(f"{api.base_url}/things?a=1", data={"text": "ä & b", "n": ["1", "2"]}).json()["body"]
    )

    assert body.startswith("text=%C3%A4+%26+b&n=1&n=2")
    assert places(api) == [place]


@pytest.mark.parametrize(
    "body",
    [{"json": {"a": [1]}}, {"files": {"file": b"\xff\0"}}, {"data": b"\xc3\xa4"}, {"data": io.BytesIO(b"stream")}],
)
def test_other_bodies_are_sent_as_they_are(api: RecordingOAuth1, connect: Connect, body: dict[str, Any]) -> None:
    api.resources = {"/things": lambda person, request: {"body": len(request.body)}}
    expected = requests.Request("POST", api.base_url, **body).prepare().body
    length = len(expected) if isinstance(expected, bytes) else len(b"stream")

    assert connect().session().post(f"{api.base_url}/things", **body).json() == {"body": length}


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_every_method_is_signed(api: RecordingOAuth1, connect: Connect, method: str) -> None:
    assert getattr(connect().session(), method)(f"{api.base_url}/things").status_code == 200


def test_query_is_signed_and_stays_ours(
    api: RecordingOAuth1, connect: Connect, settings: Settings, witness: Witness
) -> None:
    """A response would show the URL in its own text and in that of `raise_for_status`."""
    configure_photos(settings, api, signature_type="QUERY")
    connection = connect()
    url = f"{api.base_url}/things?a=1"

    response = connection.session().get(url)

    assert places(api) == ["QUERY"]
    assert response.url == response.request.url == url
    log = "\n".join(record.getMessage() for record in witness.caplog.records)
    assert "/things" in log and "oauth_signature" not in log
    assert not [secret for secret in api.secrets() if len(secret) > 11 and secret in log]


def test_request_that_fails_shows_no_credentials(api: RecordingOAuth1, connect: Connect, settings: Settings) -> None:
    configure_photos(settings, api, signature_type="QUERY")
    session = connect().session()
    gone = RecordingOAuth1()
    with serve(gone) as base_url:
        pass

    with pytest.raises(requests.ConnectionError) as caught:
        session.get(f"{base_url}/things?a=1")

    error = caught.value
    assert str(error) == "no answer from localhost"
    assert error.__suppress_context__ and error.__cause__ is None
    assert error.request is not None and error.request.url == f"{base_url}/things?a=1"


def test_signature_of_plaintext_is_shown_to_nobody(api: RecordingOAuth1, connect: Connect, settings: Settings) -> None:
    """It is the client's secret."""
    configure_photos(settings, api, signature_method="PLAINTEXT")
    session = connect().session()

    response = session.get(f"{api.base_url}/things")

    assert "secret" in api.requests[-1].headers["authorization"]
    shown = f"{vars(response.request)}{vars(session)}{session.headers}{response.request.headers}"
    assert not [secret for secret in api.secrets() if len(secret) > 11 and secret in shown]
    assert CLIENT_SECRET not in shown


def test_two_requests_differ(api: RecordingOAuth1, connect: Connect) -> None:
    session = connect().session()

    assert [session.get(f"{api.base_url}/things").status_code for _ in range(3)] == [200, 200, 200]


def test_own_time_out_and_user_agent(api: RecordingOAuth1, connect: Connect, settings: Settings) -> None:
    configure_photos(settings, api, timeout=0.2)
    session = connect().session()

    assert session.get(f"{api.base_url}/things").status_code == 200
    assert api.requests[-1].headers["user-agent"].startswith("django-oidc-login/")

    def slowly(good: Answer) -> Answer:
        good.delay = 0.6
        return good

    with api.bend("resource", slowly), pytest.raises(requests.Timeout):
        session.get(f"{api.base_url}/things")


# Where the signature goes


@pytest.mark.parametrize("place", ["HEADER", "QUERY", "BODY"])
@pytest.mark.parametrize("path", ["/moved", "/kept"])
def test_redirect_on_the_same_host_is_signed_anew(
    api: RecordingOAuth1, connect: Connect, settings: Settings, place: str, path: str
) -> None:
    configure_photos(settings, api, signature_type=place)

    answer = connect().session().post(f"{api.base_url}{path}", data={"a": "1"})

    assert answer.status_code == 200
    kept = path == "/kept"
    assert places(api)[1] == (place if kept or place != "BODY" else "HEADER")
    assert answer.json()["query"][0] == ["moved", "1"]
    assert len(answer.json()["body"].split("&oauth_nonce=")) == (2 if kept and place == "BODY" else 1)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize("place", ["HEADER", "BODY"])
def test_redirect_to_another_host_is_not_signed(
    api: RecordingOAuth1, connect: Connect, settings: Settings, method: str, place: str
) -> None:
    """Whoever stands there would have the secrets, or a signature to try."""
    other = RecordingOAuth1()
    other.resources = {"/things": echo}
    configure_photos(settings, api, signature_method=method, signature_type=place)
    with serve(other):
        target = {"Location": f"{other.base_url}/things"}
        api.resources = {"/away": lambda person, request: Answer(status=307, headers=target, body=b"")}
        answer = connect().session().post(f"{api.base_url}/away", data={"a": "1"})

    assert answer.status_code == 401
    ((request,),) = [other.requests]
    assert "authorization" not in request.headers
    assert request.body == b"a=1"


@pytest.mark.parametrize("url", ["http://api.example/things", "http://192.0.2.1/", "http://localhost.example/"])
def test_nothing_is_signed_in_clear(connect: Connect, url: str) -> None:
    with pytest.raises(TokenNotSent):
        connect().session().get(url)


def test_signed_for_the_named_hosts_alone(api: RecordingOAuth1, connect: Connect) -> None:
    session = connect().session(hosts=["LOCALHOST"])

    assert session.get(f"{api.base_url}/things").status_code == 200
    with pytest.raises(TokenNotSent):
        session.get("https://api.example/things")


def test_environment_has_no_say(
    api: RecordingOAuth1, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert connect().session().get(f"{api.base_url}/things").status_code == 200


def test_request_with_credentials_of_its_own_is_left_alone(api: RecordingOAuth1, connect: Connect) -> None:
    answer = connect().session().get(f"{api.base_url}/things", auth=("somebody", "else"))

    assert answer.status_code == 401
    assert api.requests[-1].headers["authorization"].startswith("Basic ")


# Whose token, and until when


def test_inactive_user(api: RecordingOAuth1, connect: Connect) -> None:
    connection = connect()
    connection.user.is_active = False

    with pytest.raises(Inactive):
        connection.session().get(f"{api.base_url}/things")

    assert api.requests == []


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Status.REVOKED},
        {"status": Status.NEEDS_REAUTH},
        {"access_token": ""},
        {"access_token_expires_at": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_connection_that_needs_its_person(api: RecordingOAuth1, connect: Connect, fields: dict[str, Any]) -> None:
    with pytest.raises(NeedsReauth):
        connect(**fields).session().get(f"{api.base_url}/things")

    assert api.requests == []


def test_token_of_another_protocol(api: RecordingOAuth1, connect: Connect) -> None:
    with pytest.raises(TokenResponseInvalid) as caught:
        connect(access_token="canary of OAuth 2.0").session().get(f"{api.base_url}/things")

    assert "canary" not in str(caught.value)


def test_refusal_of_the_token_is_noted(
    api: RecordingOAuth1, connect: Connect, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    """The person took it back at the provider, which says so."""
    connection = connect()
    api.access_tokens.clear()

    assert connection.session().get(f"{api.base_url}/things").status_code == 401

    connection.refresh_from_db()
    assert connection.status == Status.NEEDS_REAUTH
    assert [(name, values["reason"]) for name, values in heard] == [("connection_needs_reauth", "access_token_refused")]


@pytest.mark.parametrize(
    "change",
    [
        lambda good: Answer(status=401, body=b"Unauthorized"),
        lambda good: Answer(status=401, body=b"oauth_problem=timestamp_refused"),
        lambda good: Answer(
            status=401, headers={"WWW-Authenticate": 'OAuth oauth_problem="signature_invalid"'}, body=b""
        ),
        lambda good: Answer(status=403, body=b"oauth_problem=token_rejected"),
    ],
)
def test_other_refusal_takes_nobodys_connection_away(
    api: RecordingOAuth1, connect: Connect, change: Callable[[Answer], Answer]
) -> None:
    """A clock that is wrong, or a client secret that was changed, is nothing that people could mend."""
    connection = connect()

    with api.bend("resource", change):
        assert connection.session().get(f"{api.base_url}/things").status_code in (401, 403)

    connection.refresh_from_db()
    assert connection.status == Status.OK


def test_there_is_nothing_to_refresh(api: RecordingOAuth1, connect: Connect) -> None:
    connection = connect()

    with pytest.raises(NeedsReauth):
        connection.refresh_access_token()

    assert api.requests == []


def test_revoking_forgets_the_token(api: RecordingOAuth1, connect: Connect) -> None:
    """OAuth 1.0 knows no way to take a token back."""
    connection = connect()

    connection.revoke()

    connection.refresh_from_db()
    assert (connection.access_token, connection.status) == ("", Status.REVOKED)
    assert api.requests == []
