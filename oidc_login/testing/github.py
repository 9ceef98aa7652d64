"""An OAuth 2.0 provider that responds like GitHub: no ID token, errors with HTTP 200, numeric user IDs."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from oidc_login.testing.application import FORM, Answer, Endpoint, ProviderRequest
from oidc_login.testing.grants import Grant
from oidc_login.testing.oauth2 import OAuth2StyleProvider
from oidc_login.testing.shapes import Fault, Resource, Shape
from oidc_login.testing.users import GitHubEmail, User

_EMAIL_SCOPES = {"user", "user:email"}

_ERRORS: Mapping[Fault, tuple[str, str]] = {
    "client": ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."),
    "code": ("bad_verification_code", "The code passed is incorrect or expired."),
    "verifier": ("bad_verification_code", "The code passed is incorrect or expired."),
    "redirect_uri": ("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL."),
    "refresh_token": ("bad_refresh_token", "The refresh token passed is incorrect or expired."),
    "grant_type": ("unsupported_grant_type", "The grant_type is not known."),
}


def _error(fault: Fault) -> Answer:
    """An error, with HTTP 200 as always."""
    error, description = _ERRORS.get(fault, ("invalid_request", "The request is malformed."))
    return Answer.of_json({"error": error, "error_description": description})


class GitHubStyleProvider(OAuth2StyleProvider):
    """GitHub's web application flow and the two API calls that a sign-in needs.

    The API answers at `/user` and, as GitHub Enterprise does, at `/api/v3/user`. With `expiring_tokens` tokens
    live eight hours and come with a refresh token, as a GitHub App's do. What can be bent: `token`, `user`,
    `emails` (each an `Answer`) and `authorize` (an `AuthorizationAnswer`). A person without a name, an address or
    a public address is a `User` without it.
    """

    title = "Sign in at the GitHub-style provider"

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
        super().__init__(
            client_id=client_id,
            client_secret=client_secret,
            users=users,
            redirect_uris=redirect_uris,
            shape=Shape(
                authorization_path="/login/oauth/authorize",
                token_path="/login/oauth/access_token",  # noqa: S106 - a path
                revocation_path="",
                auth_methods=("client_secret_post",),
                scope_separator=",",
                error=_error,
            ),
            resources={
                "user": Resource(path="/user", answer=lambda person, grant: self._profile(person)),
                "emails": Resource(path="/user/emails", answer=self._emails),
            },
            now=now,
        )
        self.expiring_tokens = expiring_tokens

    def endpoints(self) -> dict[str, Endpoint]:
        known = super().endpoints()
        enterprise = {f"/api/v3{resource.path}": known[resource.path] for resource in self.resources.values()}
        deletion = Endpoint("token_deletion", self._answer_token_deletion)
        return {**known, **enterprise, f"/api/v3/applications/{self.client_id}/token": deletion}

    def not_found(self, request: ProviderRequest) -> Answer:
        return Answer.of_json({"message": "Not Found"}, status=404)

    def scopes(self, parameters: Mapping[str, str]) -> list[str]:
        """GitHub accepts spaces or commas between scopes."""
        return parameters.get("scope", "").replace(",", " ").split()

    def answer_token(self, request: ProviderRequest) -> Answer:
        """A form, unless the request asks for JSON."""
        answer = super().answer_token(request)
        if request.method == "POST" and "application/json" not in request.headers.get("accept", ""):
            answer.headers["Content-Type"] = FORM
        return answer

    def granted(self, form: Mapping[str, str]) -> dict[str, Any]:
        return super().granted({"grant_type": "authorization_code", **form})

    def issue_tokens(self, grant: Grant, *, lifetime: int | None = None) -> dict[str, Any]:
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
        """REST: "Delete an app token", with HTTP Basic."""
        known = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.method != "DELETE" or request.headers.get("authorization") != f"Basic {known}":
            return self.not_found(request)
        token = json.loads(request.body or b"{}").get("access_token", "")
        if self.grants.of_access_token(token) is None:
            return self.not_found(request)
        self.grants.revoke(token)
        return Answer(status=204, body=b"")

    def for_person(self, request: ProviderRequest, answer: Callable[[User, Grant], Any]) -> Answer:
        if not request.headers.get("user-agent"):
            return Answer.of_json({"message": "Request forbidden: no User-Agent header"}, status=403)
        grant = self.grants.of_access_token(request.bearer_token)
        answered = super().for_person(request, answer)
        if grant is None or answered.status == 401:
            return Answer.of_json({"message": "Bad credentials"}, status=401)
        answered.headers["X-OAuth-Scopes"] = grant.scope.replace(",", ", ")
        return answered

    def _emails(self, person: User, grant: Grant) -> Any:
        if not _EMAIL_SCOPES & set(grant.scope.split(",")):
            return Answer.of_json({"message": "Not Found"}, status=404)
        return [_email(row) for row in _addresses(person)]

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
