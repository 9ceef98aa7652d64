"""An OAuth 1.0a provider (RFC 5849) that verifies every signature and rejects reused nonces."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oidc_login.testing.application import FORM, Answer, Endpoint, ProviderRequest
from oidc_login.testing.authorize_page import AuthorizationAnswer, AuthorizationRefused, single
from oidc_login.testing.oauth1_signature import Problem, SignedRequest, read_request
from oidc_login.testing.picking import PickingProvider
from oidc_login.testing.users import User, Users

ALLOWED_CLOCK_SKEW = 300  # seconds

# Returns the JSON of a resource, or a whole `Answer`, for the owner of a token.
Resource = Callable[[User, ProviderRequest], Any]


@dataclass(slots=True, kw_only=True)
class Credentials:
    """A token and its secret; a request token has a callback and, after the person agreed, a person and a verifier."""

    secret: str = field(repr=False)
    callback: str = ""
    sub: str = ""
    verifier: str = field(default="", repr=False)


class OAuth1StyleProvider(PickingProvider):
    """A server of RFC 5849 with one client.

    `paths` names where the three steps are, for a provider's class to find them at their usual paths; `resources`
    are the paths of an API, by default `/user`; `token_extras` says what comes with an access token. With
    `client_public_key` (PEM) RSA-SHA1 is taken. What can be bent: `request_token`, `access_token` and `resource`
    (each an `Answer`, whose `json` is a form), and `authorize` (an `AuthorizationAnswer`).
    """

    bendable_values = ("authorize",)
    title = "Sign in at the OAuth 1.0 provider"

    def __init__(
        self,
        *,
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107 - everything here is made up
        client_public_key: str = "",
        users: Iterable[User] = (),
        signature_methods: Sequence[str] = ("HMAC-SHA1", "RSA-SHA1", "PLAINTEXT"),
        paths: Mapping[str, str] | None = None,
        resources: Mapping[str, Resource] | None = None,
        token_extras: Callable[[User], Mapping[str, str]] = lambda person: {},
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.client_id = client_id
        self.client_secret = client_secret
        self.client_public_key = client_public_key
        self.users = Users(users)
        self.signature_methods = signature_methods
        self.paths = {
            "request_token": "/oauth/request_token",
            "authorize": "/oauth/authorize",
            "access_token": "/oauth/access_token",
            **(paths or {}),
        }
        self.resources = {"/user": _profile} if resources is None else dict(resources)
        self.token_extras = token_extras
        self.now = now
        self.forget()

    def forget(self) -> None:
        """Revoke all tokens and clear the nonces."""
        self.request_tokens: dict[str, Credentials] = {}
        self.access_tokens: dict[str, Credentials] = {}
        self.seen_nonces: set[tuple[str, str, str]] = set()

    @property
    def request_token_endpoint(self) -> str:
        return self.base_url + self.paths["request_token"]

    @property
    def authorization_endpoint(self) -> str:
        return self.base_url + self.paths["authorize"]

    @property
    def access_token_endpoint(self) -> str:
        return self.base_url + self.paths["access_token"]

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            self.paths["request_token"]: Endpoint("request_token", self._verified(self._answer_request_token)),
            self.paths["authorize"]: Endpoint("authorize", self.answer_authorize, back_channel=False),
            self.paths["access_token"]: Endpoint("access_token", self._verified(self._answer_access_token)),
            **{path: Endpoint("resource", self._verified(self._answer_resource)) for path in self.resources},
        }

    # The person's decision.

    def checked(self, pairs: list[tuple[str, str]]) -> str:
        token = single(pairs).get("oauth_token", "")
        if token not in self.request_tokens or self.request_tokens[token].verifier:
            raise AuthorizationRefused("invalid_request", "this request token is not known, or was used")
        return token

    def decided(self, token: str, person: User | None) -> AuthorizationAnswer:
        asked = self.request_tokens[token]
        answer = [("denied", token)]
        if person is not None:
            asked.sub, asked.verifier = person.sub, secrets.token_urlsafe(16)
            answer = [("oauth_token", token), ("oauth_verifier", asked.verifier)]
        parts = urlsplit(asked.callback)
        good = AuthorizationAnswer(
            redirect_uri=parts._replace(query="").geturl(),
            parameters=[*parse_qsl(parts.query, keep_blank_values=True), *answer],
        )
        bent: AuthorizationAnswer = self.bent("authorize", good)
        return bent

    # The client's requests, after verifying their signature (RFC 5849 3.2).

    def _verified(self, answer: Callable[[SignedRequest], Answer]) -> Callable[[ProviderRequest], Answer]:
        def verify(request: ProviderRequest) -> Answer:
            try:
                signed = read_request(request, self.base_url)
                self._check(signed)
                return answer(signed)
            except Problem as problem:
                challenge = {"WWW-Authenticate": f'OAuth oauth_problem="{problem.name}"'}
                return Answer(
                    status=problem.status,
                    headers={"Content-Type": FORM, **challenge},
                    json={"oauth_problem": problem.name},
                )

        return verify

    def _check(self, signed: SignedRequest) -> None:
        if signed["oauth_consumer_key"] != self.client_id:
            raise Problem("consumer_key_unknown")
        if signed["oauth_signature_method"] not in self.signature_methods:
            raise Problem("signature_method_rejected", status=400)
        known = {**self.request_tokens, **self.access_tokens}
        if signed["oauth_token"] and signed["oauth_token"] not in known:
            raise Problem("token_rejected")
        token = known.get(signed["oauth_token"], Credentials(secret=""))
        signed.check_signature(
            client_secret=self.client_secret, token_secret=token.secret, public_key=self.client_public_key
        )
        self._check_nonce(signed)

    def _check_nonce(self, signed: SignedRequest) -> None:
        """Reject a repeated request (3.3)."""
        timestamp = signed["oauth_timestamp"]
        if not timestamp.isdecimal() or abs(self.now() - int(timestamp)) > ALLOWED_CLOCK_SKEW:
            raise Problem("timestamp_refused")
        seen = (timestamp, signed["oauth_nonce"], signed["oauth_token"])
        if not signed["oauth_nonce"] or seen in self.seen_nonces:
            raise Problem("nonce_used")
        self.seen_nonces.add(seen)

    def _answer_request_token(self, signed: SignedRequest) -> Answer:
        callback = signed["oauth_callback"]
        if signed.request.method != "POST" or not urlsplit(callback).netloc or signed["oauth_token"]:
            raise Problem("parameter_rejected", status=400)
        token, made = secrets.token_urlsafe(20), Credentials(secret=secrets.token_urlsafe(20), callback=callback)
        self.request_tokens[token] = made
        return _form({"oauth_token": token, "oauth_token_secret": made.secret, "oauth_callback_confirmed": "true"})

    def _answer_access_token(self, signed: SignedRequest) -> Answer:
        """Exchange a request token once, for the holder of the verifier (2.3)."""
        asked = self.request_tokens.get(signed["oauth_token"])
        if signed.request.method != "POST" or asked is None:
            raise Problem("token_rejected")
        if not asked.verifier or not secrets.compare_digest(signed["oauth_verifier"].encode(), asked.verifier.encode()):
            raise Problem("verifier_invalid")
        del self.request_tokens[signed["oauth_token"]]
        person = self.users.by_sub(asked.sub)
        if person is None:
            raise Problem("token_rejected")
        token = self.issue_access_token(person.sub)
        made = {"oauth_token": token, "oauth_token_secret": self.access_tokens[token].secret}
        return _form({**made, **self.token_extras(person)})

    def issue_access_token(self, sub: str) -> str:
        """Issue an access token for a person, as a sign-in does; `access_tokens` contains its secret."""
        token = secrets.token_urlsafe(20)
        self.access_tokens[token] = Credentials(secret=secrets.token_urlsafe(20), sub=sub)
        return token

    def _answer_resource(self, signed: SignedRequest) -> Answer:
        held = self.access_tokens.get(signed["oauth_token"])
        person = self.users.by_sub(held.sub) if held else None
        if person is None:
            raise Problem("token_rejected")
        value = self.resources[signed.request.path](person, signed.request)
        return value if isinstance(value, Answer) else Answer.of_json(value)


def _profile(person: User, request: ProviderRequest) -> dict[str, Any]:
    return {"id": person.numeric_id, "screen_name": person.username, "name": person.name}


def _form(parameters: Mapping[str, str]) -> Answer:
    return Answer(headers={"Content-Type": FORM, "Cache-Control": "no-store"}, json=dict(parameters))
