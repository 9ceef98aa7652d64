"""The OAuth 1.0 provider: the published signatures are good, everything else is refused (RFC 5849 3.2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from oidc_login.testing import AuthorizationRefused, OAuth1StyleProvider, ProviderRequest, serve
from oidc_login.testing.oauth1_signature import Problem, base_string_uri, escape, read_request
from tests.protocol.test_oauth1 import EXAMPLES
from tests.support.rsa_key import PUBLIC_KEY
from tests.testing.conftest import PEOPLE

WRONG_KEY = (
    generate_private_key(public_exponent=65537, key_size=1024)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
CALLBACK = "https://site.example/callback/?state=s%2F1&x="


@pytest.fixture
def provider() -> Iterator[OAuth1StyleProvider]:
    made = OAuth1StyleProvider(users=PEOPLE, client_public_key=PUBLIC_KEY)
    with serve(made):
        yield made


class Client:
    """A client made of the specification alone: nothing of the package, and no library for signatures."""

    def __init__(self, provider: OAuth1StyleProvider) -> None:
        self.provider = provider
        self.http = requests.Session()
        self.http.trust_env = False

    def ask(
        self,
        url: str,
        *,
        method: str = "POST",
        secret: str = "secret",
        token: str = "",
        token_secret: str = "",
        **changes: str | None,
    ) -> requests.Response:
        parameters = {
            "oauth_consumer_key": "client",
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(time.time())),
            "oauth_nonce": str(time.monotonic_ns()),
            **({"oauth_token": token} if token else {}),
            **changes,
        }
        known = {name: value for name, value in parameters.items() if value is not None}
        base = "&".join(
            quote(part, safe="")
            for part in (
                method,
                url,
                "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(known.items())),
            )
        )
        key = f"{quote(secret, safe='')}&{quote(token_secret, safe='')}"
        made = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()
        known.setdefault("oauth_signature", made)
        header = ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in known.items())
        return self.http.request(method, url, headers={"Authorization": f"OAuth {header}"}, timeout=5)

    def request_token(self, **changes: Any) -> dict[str, str]:
        answer = self.ask(self.provider.request_token_endpoint, **{"oauth_callback": CALLBACK, **changes})
        assert answer.status_code == 200, answer.text
        return dict(parse_qsl(answer.text))

    def access_token(self, user: str = "alice") -> dict[str, str]:
        held, verifier = self.approved(user)
        answer = self.redeem(held, verifier)
        assert answer.status_code == 200, answer.text
        return dict(parse_qsl(answer.text))

    def approved(self, user: str = "alice") -> tuple[dict[str, str], str]:
        held = self.request_token()
        url = f"{self.provider.authorization_endpoint}?{urlencode({'oauth_token': held['oauth_token']})}"
        return held, dict(parse_qsl(urlsplit(self.provider.authorize(url, user)).query))["oauth_verifier"]

    def redeem(self, held: dict[str, str], verifier: str, **changes: str) -> requests.Response:
        parts = {"token": held["oauth_token"], "token_secret": held["oauth_token_secret"], "oauth_verifier": verifier}
        return self.ask(self.provider.access_token_endpoint, **{**parts, **changes})


@pytest.fixture
def client(provider: OAuth1StyleProvider) -> Client:
    return Client(provider)


def problem(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["WWW-Authenticate"].startswith("OAuth oauth_problem=")
    return answer.status_code, dict(parse_qsl(answer.text))["oauth_problem"]


# Signatures


@pytest.mark.parametrize("place", ["header", "query", "form"])
@pytest.mark.parametrize("example", EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_published_signatures_are_good_wherever_they_stand(example: Any, place: str) -> None:
    _, method, url, form, parameters, client_secret, token_secret, signature = example
    parts, signed = urlsplit(url), {**parameters, "oauth_signature": signature}
    fields = ", ".join(f'{escape(name)}="{escape(value)}"' for name, value in signed.items())
    headers = {"authorization": f'OAuth realm="Photos, all", {fields}'} if place == "header" else {}
    body = "&".join(filter(None, [form, urlencode(signed) if place == "form" else ""]))
    received = ProviderRequest(
        endpoint="x",
        method=method,
        path=parts.path,
        query="&".join(filter(None, [parts.query, urlencode(signed) if place == "query" else ""])),
        headers={**headers, "content-type": "application/x-www-form-urlencoded"},
        body=body.encode(),
    )

    read = read_request(received, f"{parts.scheme}://{parts.netloc}")

    read.check_signature(client_secret=client_secret, token_secret=token_secret, public_key=PUBLIC_KEY)
    with pytest.raises(Problem, match="signature_invalid"):
        read.check_signature(client_secret=client_secret + "x", token_secret=token_secret + "x", public_key=WRONG_KEY)


def test_base_string_of_the_specification() -> None:
    """RFC 5849 3.4.1.1."""
    _, method, url, form, parameters, *_ = EXAMPLES[3]
    parts = urlsplit(url)
    fields = ", ".join(f'{name}="{escape(value)}"' for name, value in {**parameters, "oauth_signature": "x"}.items())
    received = ProviderRequest(
        endpoint="x",
        method=method,
        path=parts.path,
        query=parts.query,
        headers={"authorization": f"OAuth {fields}", "content-type": "application/x-www-form-urlencoded"},
        body=form.encode(),
    )

    assert read_request(received, "http://EXAMPLE.com:80").base_string == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("base_url", "path", "uri"),
    [
        ("https://Example.COM", "/a", "https://example.com/a"),
        ("https://example.com:443", "/a", "https://example.com/a"),
        ("http://example.com:443", "/a", "http://example.com:443/a"),
        ("http://[::1]:8000", "/a b", "http://[::1]:8000/a%20b"),
        ("https://example.com", "/\xc3\xa9;v=1", "https://example.com/%C3%A9;v=1"),
    ],
)
def test_uri_of_the_base_string(base_url: str, path: str, uri: str) -> None:
    """RFC 5849 3.4.1.2."""
    assert base_string_uri(base_url, path) == uri


# The three steps


def test_whole_flow(provider: OAuth1StyleProvider, client: Client) -> None:
    provider.token_extras = lambda person: {"user_id": str(person.numeric_id)}

    held = client.access_token("bob")
    answer = client.ask(
        f"{provider.base_url}/user", method="GET", token=held["oauth_token"], token_secret=held["oauth_token_secret"]
    )

    assert held["user_id"] == "42"
    assert answer.json() == {"id": 42, "screen_name": "bob", "name": ""}
    assert provider.asked() == ["request_token", "access_token", "resource"]


def test_callback_keeps_its_query(provider: OAuth1StyleProvider, client: Client) -> None:
    url = f"{provider.authorization_endpoint}?oauth_token={client.request_token()['oauth_token']}"

    answer = provider.authorization_answer(url)

    assert answer.url.startswith("https://site.example/callback/?state=s%2F1&x=&oauth_token=")
    assert answer["oauth_verifier"]


def test_cancelling(provider: OAuth1StyleProvider, client: Client) -> None:
    token = client.request_token()["oauth_token"]

    url = provider.authorize(f"{provider.authorization_endpoint}?oauth_token={token}", None)

    assert url == f"https://site.example/callback/?state=s%2F1&x=&denied={token}"


REQUESTS: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("wrong secret", {"secret": "other"}, (401, "signature_invalid")),
    ("no signature", {"oauth_signature": ""}, (400, "parameter_absent")),
    ("wrong signature", {"oauth_signature": "AAAA"}, (401, "signature_invalid")),
    ("secret as a HMAC", {"oauth_signature": "secret&"}, (401, "signature_invalid")),
    ("wrong PLAINTEXT", {"oauth_signature_method": "PLAINTEXT"}, (401, "signature_invalid")),
    ("RSA by another key", {"oauth_signature_method": "RSA-SHA1"}, (401, "signature_invalid")),
    ("RSA of no base64", {"oauth_signature_method": "RSA-SHA1", "oauth_signature": "é"}, (401, "signature_invalid")),
    ("another client", {"oauth_consumer_key": "other"}, (401, "consumer_key_unknown")),
    ("unknown method", {"oauth_signature_method": "HMAC-MD5"}, (400, "signature_method_rejected")),
    ("other version", {"oauth_version": "2.0"}, (400, "parameter_absent")),
    ("too old", {"oauth_timestamp": "137131200"}, (401, "timestamp_refused")),
    ("in the future", {"oauth_timestamp": "9999999999"}, (401, "timestamp_refused")),
    ("no time", {"oauth_timestamp": None}, (401, "timestamp_refused")),
    ("no nonce", {"oauth_nonce": ""}, (401, "nonce_used")),
    ("unknown token", {"token": "other"}, (401, "token_rejected")),
    ("no callback", {"oauth_callback": None}, (400, "parameter_rejected")),
    ("callback of no host", {"oauth_callback": "oob"}, (400, "parameter_rejected")),
    ("by GET", {"method": "GET"}, (400, "parameter_rejected")),
]


@pytest.mark.parametrize(("changes", "expected"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_refused(provider: OAuth1StyleProvider, client: Client, changes: dict[str, Any], expected: Any) -> None:
    answer = client.ask(provider.request_token_endpoint, **{"oauth_callback": CALLBACK, **changes})

    assert problem(answer) == expected
    assert provider.request_tokens == {}


def test_nonce_works_once(provider: OAuth1StyleProvider, client: Client) -> None:
    same = {"oauth_callback": CALLBACK, "oauth_nonce": "n", "oauth_timestamp": str(int(time.time()))}

    assert client.ask(provider.request_token_endpoint, **same).status_code == 200
    assert problem(client.ask(provider.request_token_endpoint, **same)) == (401, "nonce_used")


def test_methods_can_be_left_out(provider: OAuth1StyleProvider, client: Client) -> None:
    provider.signature_methods = ["PLAINTEXT"]

    answer = client.ask(provider.request_token_endpoint, oauth_callback=CALLBACK)

    assert problem(answer) == (400, "signature_method_rejected")


@pytest.mark.parametrize(
    "changes", [{"oauth_verifier": "x"}, {"oauth_verifier": ""}, {"token_secret": "x"}, {"method": "GET"}]
)
def test_access_token_needs_all_that_was_given(client: Client, changes: dict[str, str]) -> None:
    held, verifier = client.approved()

    assert client.redeem(held, verifier, **changes).status_code == 401
    assert client.redeem(held, verifier).status_code == 200


def test_request_token_that_nobody_approved(client: Client) -> None:
    held = client.request_token()

    assert problem(client.redeem(held, "")) == (401, "verifier_invalid")


def test_request_token_is_exchanged_once(client: Client) -> None:
    held, verifier = client.approved()
    client.redeem(held, verifier)

    assert problem(client.redeem(held, verifier)) == (401, "token_rejected")


def test_request_token_is_no_access_token(provider: OAuth1StyleProvider, client: Client) -> None:
    held = client.request_token()

    answer = client.ask(
        f"{provider.base_url}/user", method="GET", token=held["oauth_token"], token_secret=held["oauth_token_secret"]
    )

    assert problem(answer) == (401, "token_rejected")


def test_two_places_or_none(provider: OAuth1StyleProvider) -> None:
    http = requests.Session()
    header = {"Authorization": 'OAuth oauth_consumer_key="client"'}
    two = http.post(provider.request_token_endpoint, headers=header, params={"oauth_nonce": "n"}, timeout=5)
    twice = http.post(f"{provider.request_token_endpoint}?oauth_nonce=n&oauth_nonce=n", timeout=5)
    none = http.post(provider.request_token_endpoint, headers={"Authorization": "Bearer x"}, timeout=5)

    assert [problem(answer) for answer in (two, twice, none)] == [
        (400, "parameter_rejected"),
        (400, "parameter_rejected"),
        (401, "parameter_absent"),
    ]


# What people see


def test_page_of_the_provider(provider: OAuth1StyleProvider, client: Client) -> None:
    token = client.request_token()["oauth_token"]
    url = f"{provider.authorization_endpoint}?oauth_token={token}"

    page = requests.get(url, timeout=5)
    chosen = requests.post(url, data={"chosen_user": "bob"}, timeout=5, allow_redirects=False)
    again = requests.get(url, timeout=5)

    assert page.status_code == 200 and "Continue as bob" in page.text
    assert "oauth_verifier=" in chosen.headers["Location"]
    assert again.status_code == 400


@pytest.mark.parametrize("query", ["", "oauth_token=unknown"])
def test_page_of_no_request_token(provider: OAuth1StyleProvider, query: str) -> None:
    url = f"{provider.authorization_endpoint}?{query}"

    assert requests.get(url, timeout=5).status_code == 400
    with pytest.raises(AuthorizationRefused):
        provider.authorize(url)
    with pytest.raises(AuthorizationRefused):
        provider.authorize(f"{provider.base_url}/elsewhere?{query}")
