"""An OAuth 2.0 provider that answers as GitHub does: no id_token, errors inside HTTP 200, numbers for people."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .application import FORM, Answer, Endpoint, ProviderApplication, ProviderRequest
from .authorization_endpoint import check_redirect_uri
from .authorize_page import (
    CANCEL,
    CHOSEN_USER,
    AuthorizationAnswer,
    AuthorizationRefused,
    error_page,
    parameters_of,
    parameters_of_url,
    picker_page,
    single,
)
from .grants import Grant, Grants
from .pkce import check_challenge, verifier_matches
from .users import GitHubEmail, User, Users

_USER_SCOPES = {"user", "read:user"}
_EMAIL_SCOPES = {"user", "user:email"}


class GitHubStyleProvider(ProviderApplication):
    """GitHub's web application flow and the two API calls that a sign-in needs.

    The API answers at `/user` and, as GitHub Enterprise does, at `/api/v3/user`. With `expiring_tokens` tokens
    live eight hours and come with a refresh token, as a GitHub App's do. What can be bent: `token`, `user`,
    `emails` (each an `Answer`) and `authorize` (an `AuthorizationAnswer`). A person without a name, an address or
    a public address is a `User` without it.
    """

    bendable_values = ("authorize",)

    def __init__(
        self,
        *,
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107 - everything here is made up
        users: Iterable[User] = (),
        redirect_uris: Sequence[str] | None = None,
        expiring_tokens: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.client_id = client_id
        self.client_secret = client_secret
        self.users = Users(users)
        self.redirect_uris = redirect_uris
        self.expiring_tokens = expiring_tokens
        self.now = now
        self.grants = Grants(now=lambda: self.now())

    @property
    def authorization_endpoint(self) -> str:
        return f"{self.base_url}/login/oauth/authorize"

    @property
    def token_endpoint(self) -> str:
        return f"{self.base_url}/login/oauth/access_token"

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            "/login/oauth/authorize": Endpoint("authorize", self._answer_authorize, back_channel=False),
            "/login/oauth/access_token": Endpoint("token", self._answer_token),
            "/user": Endpoint("user", self._answer_user),
            "/user/emails": Endpoint("emails", self._answer_emails),
            "/api/v3/user": Endpoint("user", self._answer_user),
            "/api/v3/user/emails": Endpoint("emails", self._answer_emails),
            f"/api/v3/applications/{self.client_id}/token": Endpoint("token_deletion", self._answer_token_deletion),
        }

    def not_found(self, request: ProviderRequest) -> Answer:
        return Answer.of_json({"message": "Not Found"}, status=404)

    def authorize(self, url: str, user: str | None = "alice") -> str:
        """What a person does at the provider, without a browser: from the authorization URL to the callback URL.

        `user=None` cancels. An authorization request that this provider does not accept raises `AuthorizationRefused`.
        """
        return self.authorization_answer(url, user).url

    def authorization_answer(self, url: str, user: str | None = "alice") -> AuthorizationAnswer:
        """The same as `authorize` with its parts apart."""
        if url.partition("?")[0] != self.authorization_endpoint:
            raise AuthorizationRefused("invalid_request", "this is not the provider's authorization endpoint")
        parameters = self._checked(parameters_of_url(url))
        return self._decided(parameters, None if user is None else self.users.find(user))

    def _answer_authorize(self, request: ProviderRequest) -> Answer:
        pairs = parameters_of(request)
        try:
            parameters = self._checked(pairs)
        except AuthorizationRefused as refused:
            return Answer.of_page(error_page(refused.error, refused.description), status=400)
        choice = request.form if request.method == "POST" else {}
        person = self.users.by_sub(choice.get(CHOSEN_USER, ""))
        if person is None and CANCEL not in choice:
            return Answer.of_page(self._picker(parameters, pairs))
        return self._decided(parameters, person).as_http()

    def _checked(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """The request's parameters; PKCE is optional, and S256 where it is used."""
        parameters = single(pairs)
        if parameters.get("client_id") != self.client_id:
            raise AuthorizationRefused("invalid_client", "unknown client_id")
        check_redirect_uri(parameters.get("redirect_uri", ""))
        if self.redirect_uris is not None and parameters["redirect_uri"] not in self.redirect_uris:
            raise AuthorizationRefused("redirect_uri_mismatch", "redirect_uri is not registered")
        check_challenge(parameters, required=False)
        return parameters

    def _picker(self, parameters: Mapping[str, str], pairs: list[tuple[str, str]]) -> str:
        return picker_page(
            title="Sign in at the GitHub-style provider",
            client_id=self.client_id,
            scopes=_scopes(parameters),
            users=self.users,
            parameters=pairs,
        )

    def _decided(self, parameters: Mapping[str, str], person: User | None) -> AuthorizationAnswer:
        answer = {"code": self._new_code(parameters, person)} if person else _ACCESS_DENIED
        state = {"state": parameters["state"]} if "state" in parameters else {}
        good = AuthorizationAnswer(
            redirect_uri=parameters["redirect_uri"], parameters=list({**answer, **state}.items())
        )
        bent: AuthorizationAnswer = self.bent("authorize", good)
        return bent

    def _new_code(self, parameters: Mapping[str, str], person: User) -> str:
        grant = Grant(
            sub=person.sub,
            redirect_uri=parameters["redirect_uri"],
            scope=",".join(_scopes(parameters)),
            code_challenge=parameters.get("code_challenge", ""),
        )
        return self.grants.issue_code(grant, lifetime=600)

    def _answer_token(self, request: ProviderRequest) -> Answer:
        """A form unless JSON is asked for, and HTTP 200 whatever happened."""
        result = self._tokens(request.form) if request.method == "POST" else None
        if result is None:
            return self.not_found(request)
        json = "application/json" in request.headers.get("accept", "")
        return Answer(headers={"Content-Type": "application/json" if json else FORM}, json=result)

    def _tokens(self, form: Mapping[str, str]) -> dict[str, Any]:
        known_secret = secrets.compare_digest(form.get("client_secret", "").encode(), self.client_secret.encode())
        if form.get("client_id") != self.client_id or not known_secret:
            return _error("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form)
        grant = self.grants.redeem_code(form.get("code", ""))
        if grant is None or not verifier_matches(form.get("code_verifier", ""), grant.code_challenge):
            return _error("bad_verification_code", "The code passed is incorrect or expired.")
        if form.get("redirect_uri", grant.redirect_uri) != grant.redirect_uri:
            return _error("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL.")
        return self._issue_tokens(grant)

    def _refreshed(self, form: Mapping[str, str]) -> dict[str, Any]:
        # A refresh token of a GitHub App works once.
        grant = self.grants.redeem_refresh_token(form.get("refresh_token", ""), rotate=True)
        if grant is None:
            return _error("bad_refresh_token", "The refresh token passed is incorrect or expired.")
        return self._issue_tokens(grant)

    def _issue_tokens(self, grant: Grant) -> dict[str, Any]:
        scope_and_type = {"scope": grant.scope, "token_type": "bearer"}
        if not self.expiring_tokens:
            access_token = self.grants.issue_access_token(grant, lifetime=10 * 365 * 86_400, prefix="gho_")
            return {"access_token": access_token, **scope_and_type}
        return {
            "access_token": self.grants.issue_access_token(grant, lifetime=28_800, prefix="ghu_"),
            "expires_in": 28_800,
            "refresh_token": self.grants.issue_refresh_token(grant, lifetime=15_897_600, prefix="ghr_"),
            "refresh_token_expires_in": 15_897_600,
            **scope_and_type,
        }

    def _answer_token_deletion(self, request: ProviderRequest) -> Answer:
        """REST: "Delete an app token", by HTTP Basic."""
        known = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.method != "DELETE" or request.headers.get("authorization") != f"Basic {known}":
            return self.not_found(request)
        token = json.loads(request.body or b"{}").get("access_token", "")
        if self.grants.of_access_token(token) is None:
            return self.not_found(request)
        self.grants.revoke(token)
        return Answer(status=204, body=b"")

    def _answer_user(self, request: ProviderRequest) -> Answer:
        return self._for_person(request, lambda person, grant: Answer.of_json(self._profile(person)))

    def _answer_emails(self, request: ProviderRequest) -> Answer:
        def emails(person: User, grant: Grant) -> Answer:
            if not _EMAIL_SCOPES & set(grant.scope.split(",")):
                return self.not_found(request)
            return Answer.of_json([_email(row) for row in _addresses(person)])

        return self._for_person(request, emails)

    def _for_person(self, request: ProviderRequest, answer: Callable[[User, Grant], Answer]) -> Answer:
        if not request.headers.get("user-agent"):
            return Answer.of_json({"message": "Request forbidden: no User-Agent header"}, status=403)
        grant = self.grants.of_access_token(request.bearer_token)
        person = self.users.by_sub(grant.sub) if grant else None
        if grant is None or person is None:
            return Answer.of_json({"message": "Bad credentials"}, status=401)
        answered = answer(person, grant)
        answered.headers["X-OAuth-Scopes"] = grant.scope.replace(",", ", ")
        return answered

    def _profile(self, person: User) -> dict[str, Any]:
        return {
            "login": person.username,
            "id": person.numeric_id,
            "node_id": f"U_{person.numeric_id:x}",
            "avatar_url": person.picture or f"{self.base_url}/avatars/{person.numeric_id}",
            "html_url": f"{self.base_url}/{person.username}",
            "type": "User",
            "site_admin": False,
            "name": person.name or None,
            "email": person.email if person.public_email and person.email else None,
            **person.claims,
        }


_ACCESS_DENIED = {
    "error": "access_denied",
    "error_description": "The user has denied your application access.",
}


def _error(error: str, description: str) -> dict[str, Any]:
    return {"error": error, "error_description": description}


def _scopes(parameters: Mapping[str, str]) -> list[str]:
    """GitHub takes scopes with spaces or commas between them."""
    return parameters.get("scope", "").replace(",", " ").split()


def _addresses(person: User) -> list[GitHubEmail]:
    primary = GitHubEmail(
        email=person.email,
        verified=person.email_verified,
        primary=True,
        visibility="public" if person.public_email else "private",
    )
    return [*([primary] if person.email else []), *person.more_emails]


def _email(row: GitHubEmail) -> dict[str, Any]:
    return {"email": row.email, "primary": row.primary, "verified": row.verified, "visibility": row.visibility}
