"""What a row of `oauth2_table` consists of, and the ways in which providers write errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_login.providers import OAuth2Provider
from oidc_login.testing import Answer, OAuth2StyleProvider, ProviderRequest, Resource, Shape
from oidc_login.testing.application import Endpoint
from oidc_login.testing.shapes import Fault, TokenRefused

EMAIL = "ada.canary@example.org"
DAY = 86_400

Change = Mapping[str, Any]
MISSING = object()  # the value of a change that takes a member away


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One provider. A change is by the name of an answer and a dotted path: `{"user/data.username": "new"}`."""

    provider_class: type[OAuth2Provider]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: Shape
    # The calls of its API that a sign-in makes, by name: path and answer. The first is the user info.
    answers: Mapping[str, tuple[str, Any]]
    methods: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    server_class: type[OAuth2StyleProvider] = OAuth2StyleProvider

    # Who it is.
    identity: str
    identity_at: str
    email: str = ""
    vouches: bool = False  # the provider says that the address is a checked one
    username: str = ""
    name: str = ""
    picture: str = ""

    # What may change, and stays the same person; and what an account without an address, or a checked one, lacks.
    renamed: Change
    without_email: Change = field(default_factory=dict)
    unverified: Change = field(default_factory=dict)
    refused: Change = field(default_factory=dict)  # an account that must not get in

    # What the scope of a sign-in has to be, for it to bring a refresh token.
    scope: str | None = None
    cancellation: str = "access_denied"

    @property
    def id(self) -> str:
        return self.provider_class.__name__.removesuffix("Provider")


def changed(document: Any, path: str, value: Any) -> Any:
    """A copy of a JSON document with another value at a dotted path."""
    step, _, rest = path.partition(".")
    key: Any = int(step) if isinstance(document, list) else step
    copy = list(document) if isinstance(document, list) else dict(document)
    if value is MISSING and not rest:
        del copy[key]
    else:
        copy[key] = changed(copy[key], rest, value) if rest else value
    return copy


def answers_of(row: Row, change: Change) -> dict[str, Any]:
    """The answers of a row after a change."""
    found = {name: answer for name, (_, answer) in row.answers.items()}
    for where, value in change.items():
        name, _, path = where.partition("/")
        found[name] = changed(found[name], path, value)
    return found


def resources_of(row: Row, current: Mapping[str, Any]) -> dict[str, Resource]:
    """The calls of the API, which answer what is current."""

    def answering(name: str) -> Callable[..., Any]:
        return lambda person, grant: current[name]

    return {
        name: Resource(
            path=path,
            answer=answering(name),
            method=row.methods.get(name, "GET"),
            query=row.queries.get(name, {}),
        )
        for name, (path, _) in row.answers.items()
    }


# Ways to write an error.


def errors(*, status: int = 400, client_status: int = 401, **texts: Any) -> Callable[[Fault], Answer]:
    """The answer of each fault, "other" for those that are not named."""

    def error(fault: Fault) -> Answer:
        answer = texts.get(fault, texts.get("other"))
        return Answer.of_json(answer, status=client_status if fault == "client" else status)

    return error


def described(error: str, description: str, **more: Any) -> dict[str, Any]:
    return {"error": error, "error_description": description, **more}


def graph_error(message: str, code: int, subcode: int | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbC"}
    return {"error": error if subcode is None else {**error, "error_subcode": subcode}}


def strava_error(resource: str, name: str, message: str = "Bad Request") -> dict[str, Any]:
    return {"message": message, "errors": [{"resource": resource, "field": name, "code": "invalid"}]}


SESSION_ENDED = graph_error("Error validating access token: Session has expired.", 190, 463)


class InstagramStyleProvider(OAuth2StyleProvider):
    """Tokens are exchanged by GET, each kind at an address of its own and with all of it in the query."""

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            **super().endpoints(),
            "/graph.instagram.com/access_token": Endpoint("long_lived", self._answer_long_lived),
            "/graph.instagram.com/refresh_access_token": Endpoint("refresh", self._answer_refresh),
        }

    def _answer_long_lived(self, request: ProviderRequest) -> Answer:
        query = dict(request.query_pairs)
        good = query.get("grant_type") == "ig_exchange_token" and query.get("client_secret") == self.client_secret
        return self._exchange(query.get("access_token", "")) if good else Answer.of_json(SESSION_ENDED, status=400)

    def _answer_refresh(self, request: ProviderRequest) -> Answer:
        query = dict(request.query_pairs)
        good = query.get("grant_type") == "ig_refresh_token"
        return self._exchange(query.get("access_token", "")) if good else Answer.of_json(SESSION_ENDED, status=400)

    def _exchange(self, access_token: str) -> Answer:
        try:
            tokens = self.exchanged(access_token)
        except TokenRefused:
            return Answer.of_json(SESSION_ENDED, status=400)
        return Answer.of_json({"access_token": tokens["access_token"], "token_type": "bearer", "expires_in": 60 * DAY})


def instagram_tokens(tokens: dict[str, Any]) -> Any:
    """https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login"""
    return {
        "data": [{"access_token": tokens["access_token"], "user_id": "24012", "permissions": tokens["scope"]}],
    }


def without(*names: str, **more: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Token answers that lack some members of RFC 6749 5.1 and have others."""
    return lambda tokens: {**{name: value for name, value in tokens.items() if name not in names}, **more}
