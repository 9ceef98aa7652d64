"""Tumblr, Flickr, Trello and Discogs: whole sign-ins against a provider of each one's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.utils import timezone

from oidc_login.models import OAuthConnection, Status
from oidc_login.providers import DiscogsProvider, FlickrProvider, OAuth1Provider, TrelloProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.testing import Answer, OAuth1StyleProvider, serve
from oidc_login.testing.application import Endpoint, ProviderRequest
from tests.providers.flows import request_with_flow
from tests.providers.oauth1_shapes import SHAPES, Shape
from tests.providers.shipped import facts_of
from tests.support.browser import Browser
from tests.support.invariant import NothingChanged
from tests.support.served import configure

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

every_shape = pytest.mark.parametrize("key", SHAPES)


@pytest.fixture
def shape(key: str) -> Shape:
    return SHAPES[key]


@pytest.fixture
def op(key: str, shape: Shape, settings: Settings) -> Iterator[OAuth1StyleProvider]:
    """A provider of the shape; the site knows it by its key."""
    provider = shape.provider()
    with serve(provider) as base_url:
        entry = {"class": shape.served_at(base_url), "client_id": "client", "client_secret": "secret"}
        configure(settings, key, **entry)
        yield provider


def made(provider_class: type[OAuth1Provider], **arguments: Any) -> Any:
    return provider_class(provider_key="p", client_id="client", client_secret="secret", **arguments)


def asked(provider: OAuth1Provider, **flow: Any) -> dict[str, str]:
    """The parameters of the authorization request, but for the token."""
    request = request_with_flow(private={"oauth_token": "t", "oauth_token_secret": "s"}, **flow)
    url = provider.get_authorization_url(request=request)
    found = dict(parse_qsl(urlsplit(url).query))
    assert found.pop("oauth_token") == "t"
    return found


# Each of them


@every_shape
def test_signs_up_and_in_again(op: OAuth1StyleProvider, browser: Browser, key: str, shape: Shape) -> None:
    assert browser.sign_in(op, key, user="ada").status_code == 302
    again = Browser()
    again.sign_in(op, key, user="ada")

    assert again.user == browser.user
    connection = OAuthConnection.objects.get()
    assert (connection.provider_user_id, connection.issuer) == (shape.identity, "")
    assert (connection.email, connection.email_verified) == (shape.email, False)
    assert connection.claims.get("name", "") == shape.name
    assert connection.claims["preferred_username"] == browser.user.username == "adab"
    assert browser.user.email == ""


@every_shape
def test_identity_survives_another_name(op: OAuth1StyleProvider, browser: Browser, key: str) -> None:
    """And whoever takes the old name is somebody else."""
    browser.sign_in(op, key, user="ada")
    op.users.change("ada", preferred_username="countess", email="other@example.org")
    op.users.change("grace", preferred_username="adab")
    renamed, other = Browser(), Browser()

    renamed.sign_in(op, key, user="countess")
    other.sign_in(op, key, user="adab")

    assert renamed.user == browser.user != other.user


@every_shape
def test_without_an_address(op: OAuth1StyleProvider, browser: Browser, key: str) -> None:
    assert browser.sign_in(op, key, user="grace").status_code == 302

    assert OAuthConnection.objects.get().email == ""


@every_shape
@pytest.mark.parametrize(
    ("endpoint", "seen"),
    [
        ("request_token", (502, "client_refused")),
        ("access_token", (400, "code_refused")),
        ("resource", (502, "userinfo_invalid")),
    ],
)
def test_says_no_in_its_own_way(
    op: OAuth1StyleProvider,
    browser: Browser,
    key: str,
    shape: Shape,
    endpoint: str,
    seen: tuple[int, str],
    assert_nothing_changed: NothingChanged,
) -> None:
    if endpoint == "resource" and shape.resource is None:
        seen = (302, "")
    answer = browser.authorize(op, browser.begin(key), "ada") if endpoint != "request_token" else None
    if seen[0] == 302:
        assert answer is not None and browser.end(answer).status_code == 302
        return

    with op.bend(endpoint, lambda good: shape.refusal), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(answer) if answer else browser.begin(key)

    assert failure.seen == seen


@every_shape
def test_cancelled(op: OAuth1StyleProvider, browser: Browser, key: str) -> None:
    assert browser.sign_in(op, key, user=None)["Location"] == "/oauth/"


@every_shape
def test_asks_for_what_a_sign_in_needs(op: OAuth1StyleProvider, browser: Browser, key: str, shape: Shape) -> None:
    location = urlsplit(browser.begin(key)["Location"])
    found = dict(parse_qsl(location.query))

    assert found.pop("oauth_token") in op.request_tokens
    assert found == shape.asks


@every_shape
def test_api_can_be_called(op: OAuth1StyleProvider, browser: Browser, key: str) -> None:
    browser.sign_in(op, key, user="ada")
    op.resources = {**op.resources, "/things": lambda person, request: {"who": person.sub}}

    answer = OAuthConnection.objects.get().session().get(f"{op.base_url}/things")

    assert answer.json() == {"who": "ada"}


@every_shape
def test_addresses_are_those_of_the_provider(key: str, shape: Shape) -> None:
    provider = made(shape.provider_class)
    addresses = [getattr(provider, name) for name in dir(provider) if name.endswith("_endpoint")]

    assert all(address.startswith("https://") for address in addresses if address)
    assert shape.provider_class.display_name.lower() == key


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("tumblr", []),
        ("tumblr", {"response": []}),
        ("tumblr", {"response": {"user": None}}),
        ("tumblr", {"response": {"user": {"name": "adab"}}}),
        ("tumblr", {"response": {"user": {"name": "adab", "blogs": 5}}}),
        ("tumblr", {"response": {"user": {"name": "adab", "blogs": [None, {"name": "adab", "primary": True}]}}}),
        ("tumblr", {"response": {"user": {"blogs": [{"uuid": "t:1", "primary": False}]}}}),
        ("tumblr", {"response": {"user": {"blogs": [{"uuid": "t:1", "primary": "true"}]}}}),
        ("tumblr", {"response": {"user": {"blogs": [{"uuid": n, "primary": True} for n in ("t:1", "t:2")]}}}),
        ("tumblr", {"response": {"user": {"blogs": [{"uuid": 7, "primary": True}]}}}),
        ("trello", []),
        ("trello", {"username": "adab"}),
        ("trello", {"id": 7, "username": "adab"}),
        ("trello", {"id": "", "username": "adab"}),
        ("discogs", None),
        ("discogs", {"username": "adab"}),
        ("discogs", {"id": "1578108"}),
        ("discogs", {"id": True}),
        ("discogs", {"id": 1.5}),
    ],
)
def test_answer_about_nobody(
    op: OAuth1StyleProvider,
    browser: Browser,
    key: str,
    answer: Any,
    assert_nothing_changed: NothingChanged,
) -> None:
    brought = browser.authorize(op, browser.begin(key), "ada")

    with op.bend("resource", lambda good: Answer.of_json(answer)), assert_nothing_changed(browser) as failure:
        failure.response = browser.end(brought)

    assert failure.seen == (502, "userinfo_invalid")


@pytest.mark.parametrize("key", ["flickr"])
@pytest.mark.parametrize("extras", [{}, {"user_nsid": ""}, {"username": "adab"}, {"user_nsid": "a\0b"}])
def test_token_about_nobody(
    op: OAuth1StyleProvider,
    browser: Browser,
    key: str,
    extras: dict[str, str],
    assert_nothing_changed: NothingChanged,
) -> None:
    op.token_extras = lambda person: extras
    brought = browser.authorize(op, browser.begin(key), "ada")

    with assert_nothing_changed(browser) as failure:
        failure.response = browser.end(brought)

    assert failure.seen == (502, "userinfo_invalid")


# Flickr


@pytest.mark.parametrize(
    ("scope", "perms"),
    [("read", "read"), ("write", "write"), (["read", "delete", "write"], "delete"), ("", None), ("x", None)],
)
def test_flickr_takes_the_permission_that_includes_the_others(scope: Any, perms: str | None) -> None:
    assert asked(made(FlickrProvider, scope=scope)).get("perms") == perms


def test_flickr_asks_for_what_a_page_needs_besides() -> None:
    assert asked(made(FlickrProvider), parameters={"scope": "read write"})["perms"] == "write"


@pytest.mark.parametrize(
    ("granted", "includes"),
    [("read", {"read"}), ("write", {"read", "write"}), ("delete", {"read", "write", "delete"}), ("", set())],
)
def test_flickr_grants_what_a_permission_includes(granted: str, includes: set[str]) -> None:
    assert made(FlickrProvider).granted_scopes(granted) == includes


# Trello


def test_trello_is_told_the_name_and_the_scopes() -> None:
    provider = made(TrelloProvider, app_name="Shop & Co", expiration="30days", scope=["read", "account"])

    assert asked(provider) == {"name": "Shop & Co", "scope": "read,account", "expiration": "30days"}
    assert provider.granted_scopes("read,write account") == {"read", "write", "account"}


@pytest.mark.parametrize(("expiration", "seconds"), [("1hour", 3600), ("1day", 86_400), ("30days", 2_592_000)])
@pytest.mark.parametrize("key", ["trello"])
def test_trello_token_expires_as_it_was_asked_for(
    op: OAuth1StyleProvider,
    browser: Browser,
    settings: Settings,
    key: str,
    expiration: str,
    seconds: int,
) -> None:
    configure(settings, key, expiration=expiration)

    browser.sign_in(op, key, user="ada")

    expires_at = OAuthConnection.objects.get().access_token_expires_at
    assert expires_at is not None
    assert seconds - 5 <= (expires_at - timezone.now()).total_seconds() <= seconds


def test_trello_knows_no_other_expiration() -> None:
    with pytest.raises(ValueError, match="expiration is none of 1hour, 1day, 30days, never"):
        made(TrelloProvider, expiration="2hours")


class TrelloWithTokens(OAuth1StyleProvider):
    """Trello's API of tokens, which deletes the one that signs."""

    def endpoints(self) -> dict[str, Endpoint]:
        deletions = {f"/1/tokens/{token}": Endpoint("deletion", self._delete) for token in self.access_tokens}
        return {**super().endpoints(), **deletions}

    def _delete(self, request: ProviderRequest) -> Answer:
        def delete(signed: Any) -> Answer:
            if request.method != "DELETE" or request.path != f"/1/tokens/{signed['oauth_token']}":
                return self.not_found(request)
            del self.access_tokens[signed["oauth_token"]]
            return Answer.of_json({"_value": None})

        return self._verified(delete)(request)


@pytest.fixture
def trello(settings: Settings) -> Iterator[TrelloWithTokens]:
    provider = SHAPES["trello"].provider()
    provider.__class__ = TrelloWithTokens
    assert isinstance(provider, TrelloWithTokens)
    with serve(provider) as base_url:
        provider_class = SHAPES["trello"].served_at(base_url)
        provider_class.tokens_endpoint = f"{base_url}/1/tokens"  # type: ignore[attr-defined]  # of Trello's class
        configure(settings, "trello", **{"class": provider_class, "client_id": "client", "client_secret": "secret"})
        yield provider


def test_trello_token_is_taken_back(trello: TrelloWithTokens, browser: Browser) -> None:
    browser.sign_in(trello, "trello", user="ada")
    connection = OAuthConnection.objects.get()

    connection.revoke()

    assert trello.access_tokens == {}
    connection.refresh_from_db()
    assert (connection.access_token, connection.status) == ("", Status.REVOKED)


def test_trello_token_that_the_person_took_back_is_gone(trello: TrelloWithTokens, browser: Browser) -> None:
    browser.sign_in(trello, "trello", user="ada")
    connection = OAuthConnection.objects.get()

    with trello.bend("deletion", lambda good: Answer(status=401, body=b"invalid token\n")):
        connection.revoke()

    assert connection.status == Status.REVOKED


@pytest.mark.parametrize(("status", "body"), [(401, b"invalid key"), (403, b""), (500, b""), (429, b"")])
def test_trello_that_does_not_confirm(
    trello: TrelloWithTokens,
    browser: Browser,
    status: int,
    body: bytes,
) -> None:
    browser.sign_in(trello, "trello", user="ada")
    connection = OAuthConnection.objects.get()
    stored = connection.access_token

    with (
        trello.bend("deletion", lambda good: Answer(status=status, body=body)),
        pytest.raises(Exception, match="sign-in service") as caught,
    ):
        connection.revoke()

    assert getattr(caught.value, "status_code", 0) in (502, 503)
    connection.refresh_from_db()
    assert (connection.access_token, connection.status) == (stored, Status.OK)


def test_trello_has_nothing_to_take_back_without_a_token() -> None:
    made(TrelloProvider).revoke_oauth_token(oauth_token=OAuthToken(access_token=""))


def test_trello_says_when_the_token_is_of_no_more_use() -> None:
    provider = made(TrelloProvider)

    assert [provider.refuses_token("", said) for said in ("invalid token", "expired token\n", "invalid key", "")] == [
        True,
        True,
        False,
        False,
    ]


# Discogs


@pytest.mark.parametrize("key", ["discogs"])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
def test_discogs_is_told_who_asks(
    op: OAuth1StyleProvider,
    browser: Browser,
    settings: Settings,
    key: str,
    method: str,
) -> None:
    configure(settings, key, user_agent="Shop/1.0 +https://shop.example", signature_method=method)
    browser.sign_in(op, key, user="ada")
    OAuthConnection.objects.get().session().get(f"{op.base_url}/oauth/identity")

    assert {request.headers["user-agent"] for request in op.requests} == {"Shop/1.0 +https://shop.example"}
    assert len(op.requests) == 4


def test_discogs_without_a_user_agent_has_that_of_the_package() -> None:
    assert made(DiscogsProvider).request_headers == {}


# The documentation


@every_shape
def test_facts_are_stated(shape: Shape) -> None:
    facts = facts_of(shape.provider_class)
    assert json.dumps([facts["register_at"], *facts["sources"]]).count("https://") == 1 + len(facts["sources"]) >= 2
