"""OAuth 1.0a: signatures against the published examples and against a server of its own, and answers (RFC 5849)."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.common import Request as SignableRequest

from oidc_login.protocol import oauth1, oauth1_signature
from oidc_login.protocol.errors import (
    AuthorizationErrorResponse,
    AuthorizationResponseInvalid,
    MetadataInvalid,
    ProtocolError,
    ProviderUnavailable,
    TokenErrorResponse,
    TokenResponseInvalid,
)
from oidc_login.protocol.http.client import Request, Response
from oidc_login.protocol.oauth1 import Client, Clients, Token
from oidc_login.testing import ProviderRequest
from oidc_login.testing.oauth1_signature import Problem, SignedRequest, read_request
from tests.support.rsa_key import PRIVATE_KEY, PUBLIC_KEY
from tests.support.signing import ids

NOW = 1_800_000_000.0
NONCE = "7d8f3e4a"
API = "https://api.example/things"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECRETS = ("CANARY-client-secret", "CANARY-token", "CANARY-secret", "CANARY-verifier", "CANARY-state")

CLIENT = Client(client_id="client", client_secret="CANARY-client-secret")
RSA_CLIENT = Client(client_id="client", private_key=PRIVATE_KEY, signature_method="RSA-SHA1")
PLAIN_CLIENT = Client(client_id="client", client_secret="CANARY-client-secret", signature_method="PLAINTEXT")
TOKEN = Token(token="CANARY-token", secret="CANARY-secret")


def get(url: str = API, method: str = "GET") -> Request:
    return Request(method=method, url=url)


def post(body: bytes = b"", url: str = API, headers: Any = FORM) -> Request:
    return Request(method="POST", url=url, headers=headers, body=body)


def sign(request: Request, client: Client = CLIENT, **parts: Any) -> Request:
    return oauth1.sign(request, client=client, **{"token": TOKEN, "now": NOW, "nonce": NONCE, **parts})


def as_received(request: Request) -> SignedRequest:
    """The request as a server reads it, whose gateway has decoded the path."""
    parts = urlsplit(request.url)
    received = ProviderRequest(
        endpoint="things",
        method=request.method,
        path=unquote(parts.path, "latin-1") or "/",
        query=parts.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body or b"",
    )
    return read_request(received, f"{parts.scheme}://{parts.netloc}")


def verify(request: Request, *, client: Client = CLIENT, token: Token = TOKEN) -> SignedRequest:
    """Raise `Problem` unless the server accepts the signature."""
    signed = as_received(request)
    signed.check_signature(client_secret=client.client_secret, token_secret=token.secret, public_key=PUBLIC_KEY)
    return signed


# The published examples


# (name, method, URL, form, protocol parameters, client secret, token secret, signature)
EXAMPLES: list[tuple[str, str, str, str, dict[str, str], str, str, str]] = [
    (
        "RFC 5849 1.2, temporary credentials",
        "POST",
        "https://photos.example.net/initiate",
        "",
        {
            "oauth_consumer_key": "dpf43f3p2l4k3l03",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": "137131200",
            "oauth_nonce": "wIjqoS",
            "oauth_callback": "http://printer.example.com/ready",
        },
        "kd94hf93k423kf44",
        "",
        "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
    ),
    (
        "RFC 5849 1.2, token credentials",
        "POST",
        "https://photos.example.net/token",
        "",
        {
            "oauth_consumer_key": "dpf43f3p2l4k3l03",
            "oauth_token": "hh5s93j4hdidpola",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": "137131201",
            "oauth_nonce": "walatlh",
            "oauth_verifier": "hfdp7dh39dks9884",
        },
        "kd94hf93k423kf44",
        "hdhd0244k9j7ao03",
        "gKgrFCywp7rO0OXSjdot/IHF7IU=",
    ),
    (
        "RFC 5849 1.2, a resource",
        "GET",
        "http://photos.example.net/photos?file=vacation.jpg&size=original",
        "",
        {
            "oauth_consumer_key": "dpf43f3p2l4k3l03",
            "oauth_token": "nnch734d00sl2jdk",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": "137131202",
            "oauth_nonce": "chapoH",
        },
        "kd94hf93k423kf44",
        "pfkkdhi9sl3r4s00",
        "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
    ),
    (
        "RFC 5849 3.4.1.1, signed as its errata say",
        "POST",
        "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        "c2&a3=2+q",
        {
            "oauth_consumer_key": "9djdj82h48djs9d2",
            "oauth_token": "kkk9d7dh3k39sjv7",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": "137131201",
            "oauth_nonce": "7d8f3e4a",
        },
        "j49sk3j29djd",
        "dh893hdasih9",
        "r6/TJjbCOr97/+UU0NsvSne7s5g=",
    ),
    (
        "RFC 5849 2.1, PLAINTEXT",
        "POST",
        "https://server.example.com/request_temp_credentials",
        "",
        {
            "oauth_consumer_key": "jd83jd92dhsh93js",
            "oauth_signature_method": "PLAINTEXT",
            "oauth_callback": "http://client.example.net/cb?x=1",
        },
        "ja893SD9",
        "",
        "ja893SD9&",
    ),
    (
        "RFC 5849 2.3, PLAINTEXT",
        "POST",
        "https://server.example.com/request_token",
        "",
        {
            "oauth_consumer_key": "jd83jd92dhsh93js",
            "oauth_token": "hdk48Djdsa",
            "oauth_signature_method": "PLAINTEXT",
            "oauth_verifier": "473f82d3",
        },
        "ja893SD9",
        "xyz4992k83j47x0b",
        "ja893SD9&xyz4992k83j47x0b",
    ),
    (
        "the test cases of OAuth Core, RSA-SHA1",
        "GET",
        "http://photos.example.net/photos?file=vacaction.jpg&size=original",
        "",
        {
            "oauth_consumer_key": "dpf43f3p2l4k3l03",
            "oauth_signature_method": "RSA-SHA1",
            "oauth_timestamp": "1196666512",
            "oauth_nonce": "13917289812797014437",
            "oauth_version": "1.0",
        },
        "",
        "",
        "jvTp/wX1TYtByB1m+Pbyo0lnCOLIsyGCH7wke8AUs3BpnwZJtAuEJkvQL2/9n4s5wUmUl4aCI4BwpraNx4RtEXMe5qg5T1LVTGliMRpKasKs"
        "W//e+RinhejgCuzoH26dyF8iY2ZZ/5D1ilgeijhV/vBka5twt399mXwaYdCwFYE=",
    ),
    (
        "the documentation of X",
        "POST",
        "https://api.twitter.com/1.1/statuses/update.json?include_entities=true",
        "status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
        {
            "oauth_consumer_key": "xvz1evFS4wEEPTGEFPHBog",
            "oauth_nonce": "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": "1318622958",
            "oauth_token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            "oauth_version": "1.0",
        },
        "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        "hCtSmYh+iHYCEqBWrE7C7hYmtUk=",
    ),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=ids(EXAMPLES))
def test_signature_is_that_of_the_published_example(example: Any) -> None:
    _, method, url, form, parameters, client_secret, token_secret, expected = example
    signer = oauth1_signature._Signer(
        parameters["oauth_consumer_key"],
        client_secret=client_secret,
        resource_owner_secret=token_secret,
        signature_method=parameters["oauth_signature_method"],
        rsa_key=PRIVATE_KEY,
    )
    request = SignableRequest(url, method, form, FORM)
    request.oauth_params = list(parameters.items())

    assert signer.get_oauth_signature(request) == expected


def test_whole_request_of_the_published_example() -> None:
    """The one that has a version, as ours do."""
    _, method, url, form, parameters, client_secret, token_secret, expected = EXAMPLES[-1]
    signed = oauth1.sign(
        Request(method=method, url=url, headers=FORM, body=form.encode()),
        client=Client(client_id=parameters["oauth_consumer_key"], client_secret=client_secret),
        token=Token(token=parameters["oauth_token"], secret=token_secret),
        now=float(parameters["oauth_timestamp"]),
        nonce=parameters["oauth_nonce"],
    )

    assert as_received(signed).protocol == {**parameters, "oauth_signature": expected}
    assert (signed.url, signed.body) == (url, form.encode())


# The signature


METHODS = [CLIENT, RSA_CLIENT, PLAIN_CLIENT]
TYPES = ["HEADER", "QUERY", "BODY"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
PAIRS = st.lists(st.tuples(TEXT.filter(lambda name: not name.startswith("oauth_")), TEXT), max_size=5)


def client_with(client: Client, **changes: Any) -> Client:
    known = {name: getattr(client, name) for name in Client.__slots__}
    return Client(**{**known, **changes})


@pytest.mark.parametrize("client", METHODS, ids=lambda client: client.signature_method)
@pytest.mark.parametrize("signature_type", TYPES)
@settings(max_examples=25, deadline=None)
@given(
    query=PAIRS,
    form=PAIRS,
    token=TEXT.filter(bool),
    secret=TEXT,
    callback=TEXT,
    method=st.sampled_from(["POST", "PUT"]),
)
def test_server_accepts_whatever_is_in_a_request(
    client: Client, signature_type: str, query: Any, form: Any, token: str, secret: str, callback: str, method: str
) -> None:
    if (client, signature_type) == (PLAIN_CLIENT, "QUERY"):
        return  # not made
    client = client_with(client, signature_type=signature_type)
    asked = Request(method=method, url=f"{API}?{urlencode(query)}", headers=FORM, body=urlencode(form).encode())
    held = Token(token=token, secret=secret)

    signed = verify(sign(asked, client, token=held, callback=callback, verifier="v%2B+"), client=client, token=held)

    assert signed.place == signature_type
    assert sorted(signed.others) == sorted([*query, *form])
    assert (signed["oauth_token"], signed["oauth_callback"], signed["oauth_verifier"]) == (token, callback, "v%2B+")
    assert (signed["oauth_nonce"], signed["oauth_timestamp"]) == (NONCE, str(int(NOW)))


@pytest.mark.parametrize("signature_type", TYPES)
def test_request_without_a_form_is_signed_by_header_or_query(signature_type: str) -> None:
    """Nothing can be put into a body that is none of ours."""
    client = client_with(CLIENT, signature_type=signature_type)
    place = "QUERY" if signature_type == "QUERY" else "HEADER"

    for request in (get(), get(API + "?a=1"), post(b'{"a": 1}', headers={"Content-Type": "application/json"})):
        signed = sign(request, client)
        assert verify(signed).place == place
        assert signed.body == request.body


@pytest.mark.parametrize(
    "url",
    [
        API,
        API + "?a",
        API + "?a=&a=1&a=",
        API + "?fields[blogs]=a|b",
        API + "?q=%E2%98%83&r=a+b",
        API + "/%C3%A9;v=1",
        "https://API.example:443/x",
        "https://api.example:8443/x",
        "https://api.example",
    ],
)
def test_odd_urls_are_signed(url: str) -> None:
    for client in (CLIENT, client_with(CLIENT, signature_type="QUERY")):
        signed = sign(get(url), client)
        others = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        assert verify(signed).others == others


def test_charset_of_a_form_is_no_hindrance() -> None:
    request = post(b"a=1", headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"})

    assert verify(sign(request)).others == [("a", "1")]


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data; boundary=x"}]
)
def test_other_body_is_not_signed(headers: dict[str, str]) -> None:
    signed = sign(post(b"a=1&\xff", headers=headers))

    assert verify(signed).others == []
    assert signed.body == b"a=1&\xff"


@pytest.mark.parametrize("signature_type", TYPES)
def test_form_without_a_body_is_an_empty_one(signature_type: str) -> None:
    request = Request(method="POST", url=API, headers=FORM)

    assert verify(sign(request, client_with(CLIENT, signature_type=signature_type))).place == signature_type


def test_body_of_a_get_is_not_signed() -> None:
    signed = sign(Request(method="GET", url=API, headers=FORM, body=b"a=1"))

    assert as_received(signed).place == "HEADER"
    assert signed.body == b"a=1"


def test_headers_and_limit_of_the_request_are_kept() -> None:
    signed = sign(Request(method="GET", url=API, headers={"Accept": "application/json"}, max_bytes=5))

    assert (signed.headers["Accept"], signed.max_bytes) == ("application/json", 5)


def test_realm_stands_in_the_header_alone() -> None:
    client = client_with(CLIENT, realm="Photos, all")

    assert sign(get(), client).headers["Authorization"].startswith('OAuth realm="Photos, all", oauth_')
    verify(sign(get(), client))
    assert "realm" not in sign(get(), client_with(client, signature_type="QUERY")).url


@pytest.mark.parametrize("client", METHODS, ids=lambda client: client.signature_method)
@pytest.mark.parametrize(
    "url", ["http://api.example/", "http://192.0.2.1/", "ftp://api.example/", "HTTP://api.example/"]
)
def test_nothing_is_signed_that_goes_in_clear(client: Client, url: str) -> None:
    with pytest.raises(MetadataInvalid):
        sign(get(url), client)


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://127.0.0.1/x", "http://[::1]:8000/x"])
def test_loopback_may_be_in_clear(url: str) -> None:
    verify(sign(get(url), PLAIN_CLIENT), client=PLAIN_CLIENT)


def test_nonces_are_not_repeated() -> None:
    nonces = {oauth1.new_nonce() for _ in range(1000)}

    assert len(nonces) == 1000
    assert all(len(nonce) == 32 and nonce.isalnum() for nonce in nonces)


def test_signing_writes_nothing_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    for client in METHODS:
        sign(post(b"password=CANARY"), client, callback="https://site.example/?state=CANARY-state", verifier="CANARY")

    assert caplog.text == ""


def test_urls_in_the_log_have_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    """urllib3 writes each URL that it asks for at DEBUG."""
    caplog.set_level(logging.DEBUG)
    signed = sign(get(API + "?page=2"), client_with(CLIENT, signature_type="QUERY"), verifier="CANARY-verifier")
    target = signed.url.removeprefix("https://api.example")

    logging.getLogger("urllib3.connectionpool").debug('"%s %s HTTP/1.1" %s', "GET", target, 200)

    assert not [secret for secret in SECRETS if secret in caplog.text]
    assert "/things?page=2&oauth_nonce=...&" in caplog.text


@pytest.mark.parametrize(
    "value", [CLIENT, RSA_CLIENT, TOKEN, Token(token="CANARY", secret="CANARY", extras={"a": "CANARY"})]
)
def test_values_show_no_secret(value: object) -> None:
    assert "CANARY" not in repr(value)
    assert "PRIVATE" not in repr(value)


CLIENTS: list[tuple[str, dict[str, Any], str]] = [
    ("method", {"signature_method": "HMAC-MD5"}, "signature_method is none of"),
    ("method in small letters", {"signature_method": "hmac-sha1"}, "signature_method is none of"),
    ("type", {"signature_type": "FRAGMENT"}, "signature_type is none of"),
    ("RSA without a key", {"signature_method": "RSA-SHA1"}, "needs a client_key"),
    ("secrets in URLs", {"signature_method": "PLAINTEXT", "signature_type": "QUERY"}, "into URLs"),
    ("realm with a quote", {"realm": 'a" , oauth_token="b'}, "realm"),
    ("realm with a backslash", {"realm": "a\\"}, "realm"),
    ("realm of two lines", {"realm": "a\r\nX: y"}, "realm"),
    ("realm beyond ASCII", {"realm": "é"}, "realm"),
]


@pytest.mark.parametrize(("changes", "said"), [row[1:] for row in CLIENTS], ids=ids(CLIENTS))
def test_client_that_must_not_sign(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        client_with(CLIENT, **changes)
    assert "CANARY" not in str(caught.value)


# Several secrets


def answer(status: int = 200, body: str = "", **headers: str) -> Response:
    return Response(status=status, content_type="text/html", headers=headers, body=body.encode())


def test_next_secret_is_tried_after_a_refusal_and_then_first() -> None:
    clients = Clients([client_with(CLIENT, client_secret=secret) for secret in ("new", "old")])
    asked: list[str] = []

    def exchange(client: Client) -> Response:
        asked.append(client.client_secret)
        return answer(200 if client.client_secret == "old" else 401)

    assert clients.try_each(exchange).status == 200
    assert clients.try_each(exchange).status == 200

    assert asked == ["new", "old", "old"]
    assert clients.current.client_secret == "old"


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_other_answers_are_not_tried_again(status: int) -> None:
    clients = Clients([client_with(CLIENT, client_secret=secret) for secret in ("new", "old")])
    asked: list[str] = []

    def exchange(client: Client) -> Response:
        asked.append(client.client_secret)
        return answer(status)

    assert clients.try_each(exchange).status == status
    assert asked == ["new"]


def test_refusal_of_every_secret_is_a_refusal() -> None:
    clients = Clients([client_with(CLIENT, client_secret=secret) for secret in ("new", "old")])

    assert clients.try_each(lambda client: answer(401)).status == 401
    assert clients.current.client_secret == "new"


# The answers of the token endpoints


CREDENTIALS = "oauth_token=CANARY-token&oauth_token_secret=CANARY-secret"
CONFIRMED = f"{CREDENTIALS}&oauth_callback_confirmed=true"


def refusal(call: Any) -> tuple[type[ProtocolError], str]:
    """What is raised; never with anything of the answer in it."""
    with pytest.raises(ProtocolError) as caught:
        call()
    assert "CANARY" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"
    return type(caught.value), caught.value.reason


@pytest.mark.parametrize("body", [CONFIRMED, CONFIRMED + "&xoauth_request_auth_url=x", f"\r\n{CONFIRMED}\n"])
def test_request_token_is_read_whatever_its_media_type(body: str) -> None:
    token = oauth1.read_request_token(answer(body=body), now=NOW)

    assert (token.token, token.secret) == ("CANARY-token", "CANARY-secret")


def test_access_token_comes_with_what_the_provider_says_of_the_person() -> None:
    token = oauth1.read_access_token(answer(body=f"{CREDENTIALS}&user_id=42&screen_name=ada+b&empty="), now=NOW)

    assert token.extras == {"user_id": "42", "screen_name": "ada b", "empty": ""}
    assert Token.from_text(token.as_text()) == token


BAD_ANSWERS: list[tuple[str, Response, type[ProtocolError], str]] = [
    (
        "no token",
        answer(body="oauth_token_secret=s&oauth_callback_confirmed=true"),
        TokenResponseInvalid,
        "oauth_token",
    ),
    (
        "empty token",
        answer(body="oauth_token=&oauth_token_secret=s&oauth_callback_confirmed=true"),
        TokenResponseInvalid,
        "oauth_token",
    ),
    (
        "no secret",
        answer(body="oauth_token=CANARY&oauth_callback_confirmed=true"),
        TokenResponseInvalid,
        "oauth_token_secret",
    ),
    (
        "token with a line",
        answer(body="oauth_token=CANARY%0A&oauth_token_secret=s&oauth_callback_confirmed=true"),
        TokenResponseInvalid,
        "oauth_token",
    ),
    (
        "token beyond ASCII",
        answer(body="oauth_token=%C3%A9&oauth_token_secret=s&oauth_callback_confirmed=true"),
        TokenResponseInvalid,
        "oauth_token",
    ),
    (
        "secret with NUL",
        answer(body="oauth_token=CANARY&oauth_token_secret=%00&oauth_callback_confirmed=true"),
        TokenResponseInvalid,
        "oauth_token_secret",
    ),
    ("token twice", answer(body=f"oauth_token=other&{CONFIRMED}"), TokenResponseInvalid, "repeated"),
    ("a page", answer(body="<html><a href='?CANARY=1&amp;x=2'>"), TokenResponseInvalid, ""),
    ("JSON", answer(body='{"oauth_token": "CANARY"}'), TokenResponseInvalid, ""),
    ("nothing", answer(), TokenResponseInvalid, ""),
    ("a flood", answer(body="&".join(f"a{number}=" for number in range(101))), TokenResponseInvalid, "document"),
    ("an error inside 200", answer(body="oauth_problem=timestamp_refused"), TokenResponseInvalid, ""),
    ("created", answer(201, CONFIRMED), TokenResponseInvalid, "status"),
    ("redirect", answer(302, CONFIRMED, location="https://evil.example/"), TokenResponseInvalid, "status"),
    ("not found", answer(404, CONFIRMED), TokenResponseInvalid, "status"),
    ("broken", answer(500, CONFIRMED), ProviderUnavailable, "token_endpoint"),
    ("too many", answer(429, CONFIRMED), ProviderUnavailable, "token_endpoint"),
]


@pytest.mark.parametrize(("response", "kind", "reason"), [row[1:] for row in BAD_ANSWERS], ids=ids(BAD_ANSWERS))
@pytest.mark.parametrize("read", [oauth1.read_request_token, oauth1.read_access_token])
def test_answers_that_are_no_credentials(read: Any, response: Response, kind: type[ProtocolError], reason: str) -> None:
    found = refusal(lambda: read(response, now=NOW))

    assert found[0] is kind
    assert not reason or found[1] == reason


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refusal_is_about_the_client_first_and_about_the_verifier_later(status: int) -> None:
    """Nothing but the client's credentials is in the first request."""
    refused = answer(status, "oauth_problem=signature_invalid&debug_sbs=CANARY")

    assert refusal(lambda: oauth1.read_request_token(refused, now=NOW)) == (TokenErrorResponse, "invalid_client")
    assert refusal(lambda: oauth1.read_access_token(refused, now=NOW)) == (TokenErrorResponse, "invalid_grant")


def test_time_to_wait_is_passed_on() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        oauth1.read_request_token(
            Response(status=503, content_type="", headers={"retry-after": "17"}, body=b""), now=NOW
        )

    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    "confirmed",
    [
        "",
        "&oauth_callback_confirmed=",
        "&oauth_callback_confirmed=false",
        "&oauth_callback_confirmed=1",
        "&oauth_callback_confirmed=True",
    ],
)
def test_callback_must_be_confirmed(confirmed: str) -> None:
    """A server of the older protocol would let an attacker finish somebody else's sign-in (RFC 5849 2.1)."""
    response = answer(body=CREDENTIALS + confirmed)

    assert refusal(lambda: oauth1.read_request_token(response, now=NOW)) == (
        TokenResponseInvalid,
        "oauth_callback_confirmed",
    )
    assert oauth1.read_access_token(response, now=NOW).token == "CANARY-token"


@pytest.mark.parametrize(("token", "secret", "fits"), [(512, 512, True), (513, 5, False), (5, 513, False)])
def test_request_token_has_to_fit_into_the_flow(token: int, secret: int, fits: bool) -> None:
    body = f"oauth_token={'t' * token}&oauth_token_secret={'s' * secret}&oauth_callback_confirmed=true"
    if fits:
        assert len(oauth1.read_request_token(answer(body=body), now=NOW).token) == token
        return
    assert refusal(lambda: oauth1.read_request_token(answer(body=body), now=NOW)) == (
        TokenResponseInvalid,
        "oauth_token",
    )


@pytest.mark.parametrize("text", ["", "an access token of OAuth 2.0", "oauth_token=CANARY", "\ud800", "&&&"])
def test_text_that_is_no_token(text: str) -> None:
    assert refusal(lambda: Token.from_text(text))[0] is TokenResponseInvalid


# The authorization response


GOOD = [("state", "s"), ("oauth_token", "CANARY-token"), ("oauth_verifier", "CANARY-verifier")]


def read(pairs: list[tuple[str, str]], request_token: str = "CANARY-token") -> Any:
    return oauth1.read_authorization_response(pairs, request_token=request_token)


def without(*names: str) -> list[tuple[str, str]]:
    return [pair for pair in GOOD if pair[0] not in names]


def test_verifier_is_the_code() -> None:
    response = read([*GOOD, ("other", "x"), ("other", "y")])

    assert (response.state, response.code, response.error) == ("s", "CANARY-verifier", "")


REFUSED: list[tuple[str, list[tuple[str, str]], str]] = [
    ("no token", without("oauth_token"), "oauth_token"),
    ("empty token", [*without("oauth_token"), ("oauth_token", "")], "oauth_token"),
    ("another token", [*without("oauth_token"), ("oauth_token", "other")], "oauth_token"),
    ("longer token", [*without("oauth_token"), ("oauth_token", "CANARY-token ")], "oauth_token"),
    ("surrogate", [*without("oauth_token"), ("oauth_token", "\ud800")], "oauth_token"),
    ("no verifier", without("oauth_verifier"), "code_or_error"),
    ("empty verifier", [*without("oauth_verifier"), ("oauth_verifier", "")], "code_or_error"),
    ("verifier with a line", [*without("oauth_verifier"), ("oauth_verifier", "a\nb")], "code"),
    ("verifier and refusal", [*GOOD, ("denied", "CANARY-token")], "code_or_error"),
    ("token twice", [*GOOD, ("oauth_token", "CANARY-token")], "repeated"),
    ("verifier twice", [*GOOD, ("oauth_verifier", "CANARY-verifier")], "repeated"),
    ("token too long", [*without("oauth_token"), ("oauth_token", "t" * 8193)], "oversized"),
    ("nothing", [], "code_or_error"),
]


@pytest.mark.parametrize(("pairs", "reason"), [row[1:] for row in REFUSED], ids=ids(REFUSED))
def test_responses_that_no_provider_sends(pairs: list[tuple[str, str]], reason: str) -> None:
    assert refusal(lambda: read(pairs)) == (AuthorizationResponseInvalid, reason)


@pytest.mark.parametrize("pairs", [GOOD, [*without("oauth_token"), ("oauth_token", "")]])
def test_flow_without_a_request_token_ends_in_nothing(pairs: list[tuple[str, str]]) -> None:
    assert refusal(lambda: read(pairs, request_token="")) == (AuthorizationResponseInvalid, "oauth_token")


ERRORS: list[tuple[str, tuple[str, str], str]] = [
    ("denied", ("denied", "CANARY-token"), "access_denied"),
    ("denied without a token", ("denied", ""), "access_denied"),
    ("user_refused", ("oauth_problem", "user_refused"), "access_denied"),
    ("permission_denied", ("oauth_problem", "permission_denied"), "access_denied"),
    ("another problem", ("oauth_problem", "token_expired"), "token_expired"),
    ("no problem name", ("oauth_problem", "CANARY\n"), "unprintable"),
]


@pytest.mark.parametrize(("pair", "reason"), [row[1:] for row in ERRORS], ids=ids(ERRORS))
def test_errors_of_a_response(pair: tuple[str, str], reason: str) -> None:
    assert refusal(lambda: read([("state", "s"), pair])) == (AuthorizationErrorResponse, reason)


# The server that the signatures are verified by is no friend of ours.


def test_server_notices_every_change() -> None:
    request = sign(post(b"a=1", url=API + "?b=2"))
    header = request.headers["Authorization"]
    changed = [
        post(b"a=2", url=API + "?b=2", headers={**FORM, "Authorization": header}),
        post(b"a=1", url=API + "?b=3", headers={**FORM, "Authorization": header}),
        post(b"a=1", url=API + "s?b=2", headers={**FORM, "Authorization": header}),
        post(b"a=1&c=", url=API + "?b=2", headers={**FORM, "Authorization": header}),
        post(b"a=1", url="https://api.example:8443/things?b=2", headers={**FORM, "Authorization": header}),
        Request(method="PUT", url=API + "?b=2", headers={**FORM, "Authorization": header}, body=b"a=1"),
        post(b"a=1", url=API + "?b=2", headers={**FORM, "Authorization": header.replace(NONCE, "8d8f3e4a")}),
    ]

    verify(request)
    for other in changed:
        with pytest.raises(Problem, match="signature_invalid"):
            verify(other)
