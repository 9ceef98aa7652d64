"""A served provider of each kind, and a client for them that is nobody's code but `requests`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from oidc_login.testing import GitHubEmail, GitHubStyleProvider, OAuth2StyleProvider, OpenIDProvider, User, serve

CALLBACK = "https://site.example/oauth/op/callback/"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

PEOPLE = [
    User("alice", name="Alice Ash", email="alice@example.org", email_verified=True, preferred_username="ash"),
    User(
        "bob",
        email="bob@example.org",
        github_id=42,
        claims={"department": "sales", "phone_number": "+41 1"},
        more_emails=(GitHubEmail(email="bob@users.noreply.example", visibility=None),),
    ),
]


class Client:
    """An OAuth client's half of the flow: only what the specifications say, nothing of the package."""

    def __init__(self, provider: OpenIDProvider | OAuth2StyleProvider) -> None:
        self.provider = provider
        self.http = requests.Session()
        self.http.trust_env = False

    def authorization_url(self, **changes: str | None) -> str:
        parameters = {
            "response_type": "code",
            "client_id": "client",
            "redirect_uri": CALLBACK,
            "scope": "openid email profile",
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        given = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.provider.authorization_endpoint}?{urlencode(given)}"

    def code(self, user: str = "alice", **changes: str | None) -> str:
        return parameters_of(self.provider.authorize(self.authorization_url(**changes), user))["code"]

    def redeem(self, code: str, *, auth: Any = ("client", "secret"), **changes: str | None) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        } | changes
        return self.post(self.provider.token_endpoint, form, auth=auth)

    def tokens(self, user: str = "alice", **changes: str | None) -> dict[str, Any]:
        answer = self.redeem(self.code(user, **changes))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, refresh_token: str, **changes: str | None) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token} | changes
        return self.post(self.provider.token_endpoint, form, auth=("client", "secret"))

    def post(self, url: str, form: dict[str, Any], *, auth: Any = None, **headers: str) -> requests.Response:
        given = {name: value for name, value in form.items() if value is not None}
        return self.http.post(url, data=given, auth=auth, headers=headers, timeout=5, allow_redirects=False)

    def get(self, url: str, *, token: str = "", **headers: str) -> requests.Response:
        sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.http.get(url, headers=sent, timeout=5, allow_redirects=False)


def parameters_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


@pytest.fixture
def op() -> Iterator[OpenIDProvider]:
    provider = OpenIDProvider(users=PEOPLE)
    with serve(provider):
        yield provider


@pytest.fixture
def client(op: OpenIDProvider) -> Client:
    return Client(op)


@pytest.fixture
def github() -> Iterator[GitHubStyleProvider]:
    provider = GitHubStyleProvider(users=PEOPLE)
    with serve(provider):
        yield provider


@pytest.fixture
def github_client(github: GitHubStyleProvider) -> Client:
    return Client(github)
