"""An OAuth 2.0 provider of any form: its paths, its requests, and its responses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from oidc_login.testing.application import Answer, Endpoint, ProviderRequest
from oidc_login.testing.authorization_endpoint import check_redirect_uri
from oidc_login.testing.authorize_page import AuthorizationAnswer, AuthorizationRefused, single
from oidc_login.testing.client_auth import ClientAuthentication, ClientRefused
from oidc_login.testing.grants import Grant, Grants
from oidc_login.testing.picking import PickingProvider
from oidc_login.testing.pkce import check_challenge, verifier_matches
from oidc_login.testing.shapes import Resource, Shape, TokenRefused
from oidc_login.testing.users import User, Users


class OAuth2StyleProvider(PickingProvider):
    """An OAuth 2.0 provider with the authorization code grant, in a given shape.

        op = OAuth2StyleProvider(
            users=[User("alice")],
            resources={"user": Resource(path="/api/user", answer=lambda person, grant: {"id": person.numeric_id})},
        )

    What can be bent: `token`, `revocation`, each resource by its name (an `Answer`), and `authorize` (an
    `AuthorizationAnswer`).
    """

    bendable_values = ("authorize",)
    title = "Sign in at the OAuth 2.0 provider"

    def __init__(
        self,
        *,
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107 - everything here is made up
        users: Iterable[User] = (),
        redirect_uris: Sequence[str] | None = None,
        shape: Shape | None = None,
        resources: Mapping[str, Resource] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.client_id = client_id
        self.client_secret = client_secret
        self.users = Users(users)
        self.redirect_uris = redirect_uris
        self.shape = shape or Shape()
        self.resources = dict(resources or {})
        self.now = now
        self.grants = Grants(now=lambda: self.now())
        self._clients = ClientAuthentication()

    @property
    def authorization_endpoint(self) -> str:
        return f"{self.base_url}{self.shape.authorization_path}"

    @property
    def token_endpoint(self) -> str:
        return f"{self.base_url}{self.shape.token_path}"

    def endpoints(self) -> dict[str, Endpoint]:
        own = {
            self.shape.authorization_path: Endpoint("authorize", self.answer_authorize, back_channel=False),
            self.shape.token_path: Endpoint("token", self.answer_token),
            self.shape.revocation_path: Endpoint("revocation", self._answer_revocation),
        }
        resources = {
            resource.path: Endpoint(name, partial(self._answer_resource, resource))
            for name, resource in self.resources.items()
        }
        return {**own, **resources}

    # The authorization endpoint.

    def checked(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """Return the request's parameters, or raise `AuthorizationRefused`."""
        parameters = single(pairs)
        if parameters.get(self.shape.client_id_name) != self.client_id:
            raise AuthorizationRefused("invalid_client", f"unknown {self.shape.client_id_name}")
        if self.shape.client_id_name != "client_id" and "client_id" in parameters:
            raise AuthorizationRefused("invalid_request", "client_id is not known here")
        check_redirect_uri(parameters.get("redirect_uri", ""))
        if self.redirect_uris is not None and parameters["redirect_uri"] not in self.redirect_uris:
            raise AuthorizationRefused("redirect_uri_mismatch", "redirect_uri is not registered")
        if self.shape.pkce == "refused" and "code_challenge" in parameters:
            raise AuthorizationRefused("invalid_request", "code_challenge is not known here")
        check_challenge(parameters, required=self.shape.pkce == "required")
        for scope in self.scopes(parameters):
            if "," in scope or " " in scope:
                raise AuthorizationRefused("invalid_scope", f"{scope} is no scope")
        return parameters

    def scopes(self, parameters: Mapping[str, str]) -> list[str]:
        """The requested scopes."""
        return [scope for scope in parameters.get("scope", "").split(self.shape.scope_separator) if scope]

    def decided(self, parameters: Mapping[str, str], person: User | None) -> AuthorizationAnswer:
        answer = {"code": self._new_code(parameters, person)} if person else _ACCESS_DENIED
        state = {"state": parameters["state"]} if "state" in parameters else {}
        good = AuthorizationAnswer(
            redirect_uri=parameters["redirect_uri"], parameters=list({**answer, **state}.items())
        )
        bent: AuthorizationAnswer = self.bent("authorize", good)
        return bent

    def _new_code(self, parameters: Mapping[str, str], person: User) -> str:
        name, word = self.shape.offline
        grant = Grant(
            sub=person.sub,
            redirect_uri=parameters["redirect_uri"],
            scope=self.shape.scope_separator.join(self.scopes(parameters)),
            code_challenge=parameters.get("code_challenge", ""),
            offline=not name or word in parameters.get(name, "").split(self.shape.scope_separator),
        )
        return self.grants.issue_code(grant, lifetime=600)

    # The token endpoint.

    def answer_token(self, request: ProviderRequest) -> Answer:
        """Tokens or an error, in the provider's own format."""
        if request.method != "POST":
            return self.not_found(request)
        try:
            tokens = self.granted(self._form_of_client(request))
        except TokenRefused as refused:
            return self.shape.error(refused.fault)
        return Answer.of_json(self.shape.tokens(tokens), cache_control="no-store")

    def _form_of_client(self, request: ProviderRequest) -> dict[str, str]:
        """The parameters of a request from the registered client."""
        request = self._standard_request(request)
        methods = self.shape.auth_methods
        known = {"client_id": self.client_id, "client_secret": self.client_secret}
        try:
            self._clients.check(request, **known, client_jwks=None, audiences=(), methods=methods)
        except ClientRefused as refused:
            raise TokenRefused("client") from refused
        return request.form

    def _standard_request(self, request: ProviderRequest) -> ProviderRequest:
        """The same request in the form of RFC 6749: form-encoded and with a `client_id`."""
        self._check_headers(request)
        is_json = request.headers.get("content-type", "").startswith("application/json")
        if is_json != self.shape.takes_json:
            raise TokenRefused("request")
        form: Mapping[str, str] = json.loads(request.body) if is_json else request.form
        if self.shape.client_id_name != "client_id" and "client_id" in form:
            raise TokenRefused("client")
        renamed = {"client_id" if name == self.shape.client_id_name else name: text for name, text in form.items()}
        return replace(request, body=urlencode(renamed).encode())

    def _check_headers(self, request: ProviderRequest) -> None:
        for name, expected in self.shape.headers.items():
            if not re.fullmatch(expected, request.headers.get(name, "")):
                raise TokenRefused("request")

    def granted(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the tokens for a grant, or raise `TokenRefused`."""
        grant_type = form.get("grant_type", "")
        if grant_type == "refresh_token" and self.shape.refresh_token_lifetime is not None:
            return self._refreshed(form.get("refresh_token", ""))
        if grant_type and grant_type == self.shape.exchange_grant:
            return self.exchanged(form.get(grant_type, ""))
        if grant_type != "authorization_code":
            raise TokenRefused("grant_type")
        return self.issue_tokens(self.redeemed(form))

    def redeemed(self, form: Mapping[str, str]) -> Grant:
        """Return the grant of a code, which works once (RFC 6749 4.1.3, RFC 7636 4.6)."""
        if self.shape.pkce == "refused" and "code_verifier" in form:
            raise TokenRefused("request")
        grant = self.grants.redeem_code(form.get("code", ""))
        if grant is None:
            raise TokenRefused("code")
        if not verifier_matches(form.get("code_verifier", ""), grant.code_challenge):
            raise TokenRefused("verifier")
        if form.get("redirect_uri", grant.redirect_uri) != grant.redirect_uri:
            raise TokenRefused("redirect_uri")
        return grant

    def _refreshed(self, refresh_token: str) -> dict[str, Any]:
        rotates = self.shape.rotates_refresh_tokens
        grant = self.grants.redeem_refresh_token(refresh_token, rotate=rotates)
        if grant is None:
            raise TokenRefused("refresh_token")
        return self.issue_tokens(replace(grant, offline=rotates))

    def exchanged(self, access_token: str) -> dict[str, Any]:
        """Return a newer token for one that is still valid."""
        grant = self.grants.of_access_token(access_token)
        if grant is None:
            raise TokenRefused("access_token")
        return self.issue_tokens(grant, lifetime=self.shape.exchanged_token_lifetime)

    def issue_tokens(self, grant: Grant, *, lifetime: int | None = None) -> dict[str, Any]:
        """A successful response (RFC 6749 5.1)."""
        lifetime = lifetime or self.shape.access_token_lifetime
        refresh_lifetime = self.shape.refresh_token_lifetime
        access_token = self.grants.issue_access_token(grant, lifetime=lifetime or 10 * 365 * 86_400)
        tokens: dict[str, Any] = {"access_token": access_token, "token_type": "Bearer", "scope": grant.scope}
        if lifetime is not None:
            tokens["expires_in"] = lifetime
        if refresh_lifetime is not None and grant.offline:
            tokens["refresh_token"] = self.grants.issue_refresh_token(grant, lifetime=refresh_lifetime)
        return tokens

    # Revocation and the API.

    def _answer_revocation(self, request: ProviderRequest) -> Answer:
        try:
            token = self._token_to_revoke(request)
        except TokenRefused as refused:
            return self.shape.error(refused.fault)
        self.grants.revoke(token)
        return Answer(body=b"")

    def _token_to_revoke(self, request: ProviderRequest) -> str:
        if not self.shape.revocation_method:
            token = self._form_of_client(request).get("token", "")
            if not self.shape.revokes_refresh_tokens and self.grants.of_access_token(token) is None:
                raise TokenRefused("access_token")
            return token
        self._check_headers(request)
        if request.method != self.shape.revocation_method or self.grants.of_access_token(request.bearer_token) is None:
            raise TokenRefused("access_token")
        return request.bearer_token

    def _answer_resource(self, resource: Resource, request: ProviderRequest) -> Answer:
        try:
            self._check_headers(request)
        except TokenRefused:
            return Answer.of_json({"error": "bad_request"}, status=400)
        if request.method != resource.method:
            return Answer.of_json({"error": "method_not_allowed"}, status=405)
        query = dict(request.query_pairs)
        if not all(re.fullmatch(expected, query.get(name, "")) for name, expected in resource.query.items()):
            return Answer.of_json({"error": "bad_request"}, status=400)
        return self.for_person(request, resource.answer)

    def for_person(self, request: ProviderRequest, answer: Callable[[User, Grant], Any]) -> Answer:
        """The API's response to the holder of an access token."""
        grant = self.grants.of_access_token(request.bearer_token)
        person = self.users.by_sub(grant.sub) if grant else None
        if grant is None or person is None:
            return Answer.of_json({"error": "invalid_token"}, status=401, www_authenticate="Bearer")
        answered = answer(person, grant)
        return answered if isinstance(answered, Answer) else Answer.of_json(answered)


_ACCESS_DENIED = {
    "error": "access_denied",
    "error_description": "The user has denied your application access.",
}
