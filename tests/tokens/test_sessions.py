"""Calling an API: which token is sent, where it is sent, and what a 401 leads to."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from django.utils import timezone

from oidc_login.exceptions import Inactive, NeedsReauth, ProviderUnavailable
from oidc_login.models import OAuthConnection, Status
from oidc_login.protocol.http.api_session import TokenNotSent
from oidc_login.testing import Answer, serve
from oidc_login.testing.application import Endpoint, ProviderApplication, ProviderRequest
from tests.support.served import RecordingOpenIDProvider, configure
from tests.tokens.conftest import Connect, stored, works

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)


class API(ProviderApplication):
    """An API of the provider: it knows the provider's tokens, and can send elsewhere."""

    def __init__(self, op: RecordingOpenIDProvider) -> None:
        super().__init__()
        self.op = op
        self.elsewhere = ""

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            "/things": Endpoint("things", self._things),
            "/moved": Endpoint("moved", lambda request: Answer.redirect("/things")),
            "/away": Endpoint("away", lambda request: Answer.redirect(self.elsewhere)),
        }

    def _things(self, request: ProviderRequest) -> Answer:
        if self.op.grants.of_access_token(request.bearer_token) is None:
            return Answer.of_json({"error": "invalid_token"}, status=401)
        return Answer.of_json({"got": request.body.decode()})

    def sent(self) -> list[str]:
        """The tokens that came, "" for a request without one."""
        return [request.bearer_token for request in self.requests]


@pytest.fixture
def api(op: RecordingOpenIDProvider) -> Iterator[API]:
    application = API(op)
    with serve(application):
        yield application


def in_seconds(seconds: float) -> Any:
    return timezone.now() + timedelta(seconds=seconds)


def test_token_is_sent(api: API, connect: Connect) -> None:
    connection = connect()

    assert connection.session().get(f"{api.base_url}/things").status_code == 200

    assert api.sent() == [connection.access_token]


def test_expired_token_is_refreshed_and_stored_first(api: API, op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect(access_token_expires_at=in_seconds(-1))
    old = connection.access_token

    assert connection.session().get(f"{api.base_url}/things").status_code == 200

    assert api.sent() == [stored(connection).access_token] != [old]
    assert works(op, connection)


@pytest.mark.parametrize(("seconds", "refreshes"), [(50, 1), (70, 0)])
def test_token_is_refreshed_a_minute_before_it_expires(
    api: API, op: RecordingOpenIDProvider, connect: Connect, seconds: float, refreshes: int
) -> None:
    connect(access_token_expires_at=in_seconds(seconds)).session().get(f"{api.base_url}/things")

    assert op.asked().count("token") == refreshes


def test_short_lived_tokens_make_no_storm(api: API, op: RecordingOpenIDProvider, connect: Connect) -> None:
    op.access_token_lifetime = 40
    session = connect(access_token_expires_at=in_seconds(-1)).session()

    for _ in range(3):
        assert session.get(f"{api.base_url}/things").status_code == 200

    assert op.asked().count("token") == 1


@pytest.mark.parametrize("days", [-1, 1], ids=["set back", "set forward"])
def test_clock_that_was_set_makes_no_storm(api: API, op: RecordingOpenIDProvider, connect: Connect, days: int) -> None:
    """All times in the row are of the clock of before."""
    before = timedelta(days=-days)
    connection = connect(
        access_token_expires_at=in_seconds(50) + before,
        refreshed_at=in_seconds(-5) + before,
        last_login_at=in_seconds(-5) + before,
    )

    for _ in range(3):
        assert stored(connection).session().get(f"{api.base_url}/things").status_code == 200

    assert op.asked().count("token") <= 1
    assert works(op, connection)


def test_valid_token_is_sent_while_the_provider_is_down(
    api: API, op: RecordingOpenIDProvider, connect: Connect
) -> None:
    session = connect(access_token_expires_at=in_seconds(50)).session()

    with op.bend("token", lambda good: Answer(status=503)):
        assert session.get(f"{api.base_url}/things").status_code == 200


def test_expired_token_is_never_sent(api: API, op: RecordingOpenIDProvider, connect: Connect) -> None:
    session = connect(access_token_expires_at=in_seconds(-1)).session()

    with op.bend("token", lambda good: Answer(status=503)), pytest.raises(ProviderUnavailable):
        session.get(f"{api.base_url}/things")

    assert api.requests == []


def test_expired_token_without_a_refresh_token_needs_the_person(api: API, connect: Connect) -> None:
    connection = connect(refresh_token="", access_token_expires_at=in_seconds(-1))

    with pytest.raises(NeedsReauth):
        connection.session().get(f"{api.base_url}/things")

    assert api.requests == []
    assert stored(connection).status == Status.NEEDS_REAUTH


# 401.


@pytest.mark.parametrize("body", [None, "text", b"bytes", io.BytesIO(b"file")], ids=["none", "str", "bytes", "file"])
def test_refused_token_is_replaced_once(api: API, op: RecordingOpenIDProvider, connect: Connect, body: Any) -> None:
    connection = connect()
    op.grants.expire_access_tokens()

    response = connection.session().post(f"{api.base_url}/things", data=body)

    assert response.status_code == 200
    assert response.json()["got"] in ("", "text", "bytes", "file") and bool(response.json()["got"]) == bool(body)
    assert len(api.requests) == 2
    assert works(op, connection)


def test_body_that_cannot_be_sent_twice(api: API, op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    op.grants.expire_access_tokens()

    response = connection.session().post(f"{api.base_url}/things", data=iter([b"once"]))

    assert response.status_code == 401
    assert stored(connection).status == Status.OK


def test_second_401_needs_the_person(
    api: API, op: RecordingOpenIDProvider, connect: Connect, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    connection = connect()
    api.bend("things", lambda good: Answer(status=401))

    assert connection.session().get(f"{api.base_url}/things").status_code == 401

    assert len(api.requests) == 2 and op.asked().count("token") == 1
    assert connection.status == stored(connection).status == Status.NEEDS_REAUTH
    assert [name for name, _ in heard] == ["token_refreshed", "connection_needs_reauth"]
    with pytest.raises(NeedsReauth):
        connection.session().get(f"{api.base_url}/things")


def test_401_where_nothing_can_be_refreshed_needs_the_person(
    api: API, op: RecordingOpenIDProvider, connect: Connect
) -> None:
    """As with GitHub's OAuth apps, whose tokens do not expire but can be taken back."""
    connection = connect(refresh_token="")
    op.grants.expire_access_tokens()

    assert connection.session().get(f"{api.base_url}/things").status_code == 401

    assert len(api.requests) == 1
    assert stored(connection).status == Status.NEEDS_REAUTH


def test_401_takes_over_what_another_worker_has_refreshed(
    api: API, op: RecordingOpenIDProvider, connect: Connect
) -> None:
    session = connect().session()
    op.grants.expire_access_tokens()
    OAuthConnection.objects.get().refresh_access_token()

    assert session.get(f"{api.base_url}/things").status_code == 200
    assert op.asked().count("token") == 1


def test_session_goes_on_after_the_person_has_been_there(api: API, connect: Connect) -> None:
    connection = connect(status=Status.NEEDS_REAUTH)
    session = connection.session()
    OAuthConnection.objects.update(status=Status.OK)

    assert session.get(f"{api.base_url}/things").status_code == 200


# Where the token goes.


def test_redirect_on_the_same_host_keeps_the_token(api: API, op: RecordingOpenIDProvider, connect: Connect) -> None:
    connection = connect()
    op.grants.expire_access_tokens()

    assert connection.session().get(f"{api.base_url}/moved").status_code == 200

    assert [request.path for request in api.requests] == ["/moved", "/things", "/things"]
    assert works(op, connection)


def test_token_does_not_follow_a_redirect_to_another_host(
    api: API, op: RecordingOpenIDProvider, connect: Connect
) -> None:
    other = API(op)
    with serve(other):
        api.elsewhere = f"{other.base_url}/things"
        connection = connect()
        assert connection.session().get(f"{api.base_url}/away").status_code == 401

    assert other.sent() == [""]
    assert op.asked() == []
    assert stored(connection).status == Status.OK


@pytest.mark.parametrize("url", ["http://api.example/things", "http://192.0.2.1/", "http://localhost.example/"])
def test_token_is_not_sent_in_clear(connect: Connect, url: str) -> None:
    connection = connect()

    with pytest.raises(TokenNotSent) as caught:
        connection.session().get(url)

    assert connection.access_token not in str(caught.value)


@pytest.mark.parametrize("token", ["two\nlines", "\u00e9", "\x00"])
def test_token_that_no_header_can_hold(api: API, connect: Connect, token: str) -> None:
    """Of a site's own provider class; whoever is below would quote it."""
    session = connect(access_token=token).session()

    with pytest.raises(TokenNotSent) as caught:
        session.get(f"{api.base_url}/things")

    assert token not in str(caught.value)
    assert api.requests == []


def test_token_is_sent_to_the_named_hosts_alone(api: API, connect: Connect) -> None:
    session = connect().session(hosts=["localhost"])

    assert session.get(f"{api.base_url}/things").status_code == 200
    with pytest.raises(TokenNotSent):
        session.get("https://api.example/things")


def test_environment_does_not_replace_the_token(
    api: API, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    connection = connect()

    connection.session().get(f"{api.base_url}/things")

    assert api.sent() == [connection.access_token]


# Where an API begins.


@pytest.mark.parametrize("base", ["{}/v1", "{}/v1/"])
@pytest.mark.parametrize("path", ["things", "/things", "//things"])
def test_path_is_below_the_providers_base_address(
    api: API, connect: Connect, settings: Settings, base: str, path: str
) -> None:
    """Never another host, as two slashes would be elsewhere (RFC 3986 4.2)."""
    configure(settings, "op", api_base_url=base.format(api.base_url))

    connect().session().get(path)

    assert [request.path for request in api.requests] == ["/v1/things"]


def test_whole_address_is_taken_as_it_is(api: API, connect: Connect, settings: Settings) -> None:
    configure(settings, "op", api_base_url="https://elsewhere.example")

    assert connect().session().get(f"{api.base_url}/things").status_code == 200


def test_path_without_a_base_address_goes_nowhere(api: API, connect: Connect) -> None:
    with pytest.raises(requests.exceptions.MissingSchema):
        connect().session().get("/things")

    assert api.requests == []


def test_session_of_an_inactive_user_sends_nothing(api: API, connect: Connect) -> None:
    connection = connect()
    connection.user.is_active = False

    with pytest.raises(Inactive):
        connection.session().get(f"{api.base_url}/things")

    assert api.requests == []


def test_no_token_is_shown(api: API, connect: Connect) -> None:
    connection = connect()
    session = connection.session()

    response = session.get(f"{api.base_url}/things")

    shown = [repr(session), repr(vars(session)), repr(response), repr(response.request)]
    assert not [text for text in shown if connection.access_token in text]
