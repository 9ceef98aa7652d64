"""The authorization endpoint of the OpenID provider: checks the client, identifies the person, and responds."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from oidc_login.testing.application import Answer, ProviderRequest
from oidc_login.testing.authorize_page import (
    CANCEL,
    CHOSEN_USER,
    PUSHED_LIFETIME,
    AuthorizationAnswer,
    AuthorizationRefused,
    error_page,
    parameters_of,
    parameters_of_url,
    picker_page,
    single,
)
from oidc_login.testing.grants import Grant, as_names
from oidc_login.testing.pkce import check_challenge
from oidc_login.testing.users import SCOPES, User

if TYPE_CHECKING:
    from oidc_login.testing.openid import OpenIDProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser's session at the provider."""

    sub: str
    sid: str
    auth_time: int


class AuthorizationEndpoint:
    """OpenID Connect Core 3.1.2 with OAuth 2.0 Form Post Response Mode, PKCE, RFC 9126 and RFC 9207."""

    def __init__(self, provider: OpenIDProvider) -> None:
        self.provider = provider
        self.sessions: dict[str, Session] = {}
        self._pushed: dict[str, tuple[float, Mapping[str, str]]] = {}
        # Cookies are shared by all ports of a host, and two providers may run on localhost.
        self._cookie = f"openid_provider_{secrets.token_hex(4)}"

    def without_browser(self, url: str, user: str | None, *, auth_time: int | None) -> AuthorizationAnswer:
        """Go from the authorization URL to the response in one step; `None` cancels."""
        if url.partition("?")[0] != self.provider.authorization_endpoint:
            raise AuthorizationRefused("invalid_request", "this is not the provider's authorization endpoint")
        parameters = self._resolved(single(parameters_of_url(url)))
        self._check_client(parameters)
        self._check_request(parameters)
        if user is None:
            error = "login_required" if parameters.get("prompt") == "none" else "access_denied"
            return self._error(parameters, error, "the person cancelled")
        session = self._begin_session(self.provider.users.find(user), auth_time=auth_time)
        return self._allowed(parameters, session)

    def answer(self, request: ProviderRequest) -> Answer:
        """Show a page to choose a person, and the redirect after it."""
        try:
            pairs = parameters_of(request)
            parameters = self._resolved(single(pairs))
            self._check_client(parameters)
        except AuthorizationRefused as refused:
            # Never redirect to a URL that the client did not register (RFC 6749 4.1.2.1).
            return Answer.of_page(error_page(refused.error, refused.description), status=400)
        try:
            self._check_request(parameters)
        except AuthorizationRefused as refused:
            return self._error(parameters, refused.error, refused.description).as_http()
        if parameters.get("prompt") == "none":
            return self._silently(request, parameters)
        choice = request.form if request.method == "POST" else {}
        if CANCEL in choice:
            return self._error(parameters, "access_denied", "the person cancelled").as_http()
        person = self.provider.users.by_sub(choice.get(CHOSEN_USER, ""))
        if person is None:
            return Answer.of_page(self._picker(parameters, pairs))
        return self._signed_in(request, parameters, person)

    def cookie_of(self, request: ProviderRequest) -> str:
        """The name of the browser's session cookie, or ""."""
        pairs = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == self._cookie), "")

    def push(self, form: Mapping[str, str]) -> str:
        """Store the request of an authenticated client, and return a reference to it (RFC 9126 2)."""
        if "request_uri" in form:
            raise AuthorizationRefused("invalid_request", "request_uri cannot be pushed")
        self._check_client(form)
        self._check_request(form)
        request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        self._pushed[request_uri] = (self.provider.now() + PUSHED_LIFETIME, dict(form))
        return request_uri

    def _resolved(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """The pushed parameters instead of the received ones (RFC 9126 4), for a minute."""
        request_uri = parameters.get("request_uri", "")
        if not request_uri:
            if self.provider.require_pushed_authorization_requests:
                raise AuthorizationRefused("invalid_request", "this request has to be pushed")
            return parameters
        expires_at, pushed = self._pushed.get(request_uri, (0.0, {}))
        if expires_at < self.provider.now() or pushed.get("client_id") != parameters.get("client_id"):
            raise AuthorizationRefused("invalid_request_uri", "nothing was pushed under this name")
        return pushed

    def _check_client(self, parameters: Mapping[str, str]) -> None:
        """Check the client and the redirect URI (RFC 6749 3.1.2.4, RFC 9700 2.1: exact comparison)."""
        if parameters.get("client_id") != self.provider.client_id:
            raise AuthorizationRefused("invalid_client", "unknown client_id")
        check_redirect_uri(parameters.get("redirect_uri", ""))
        registered = self.provider.redirect_uris
        if registered is not None and parameters["redirect_uri"] not in registered:
            raise AuthorizationRefused("invalid_request", "redirect_uri is not registered")

    def _check_request(self, parameters: Mapping[str, str]) -> None:
        """Check an authentication request (Core 3.1.2.2)."""
        if parameters.get("response_type") != "code":
            raise AuthorizationRefused("unsupported_response_type", "response_type is not code")
        if parameters.get("response_mode", "query") not in ("query", "form_post"):
            raise AuthorizationRefused("invalid_request", "unknown response_mode")
        if "openid" not in parameters.get("scope", "").split():
            raise AuthorizationRefused("invalid_scope", "scope has no openid")
        if self.provider.require_state and not parameters.get("state"):
            raise AuthorizationRefused("invalid_request", "state is missing")
        if self.provider.require_nonce and not parameters.get("nonce"):
            raise AuthorizationRefused("invalid_request", "nonce is missing")
        check_challenge(parameters, required=self.provider.require_pkce)
        _requested_claims(parameters)

    def _picker(self, parameters: Mapping[str, str], pairs: list[tuple[str, str]]) -> str:
        return picker_page(
            title=f"Sign in at {self.provider.name}",
            client_id=self.provider.client_id,
            scopes=parameters["scope"].split(),
            users=self.provider.users,
            parameters=pairs,
        )

    def _signed_in(self, request: ProviderRequest, parameters: Mapping[str, str], person: User) -> Answer:
        previous = self.sessions.get(self.cookie_of(request))
        sid = previous.sid if previous is not None and previous.sub == person.sub else None
        session = self._begin_session(person, sid=sid)
        answer = self._allowed(parameters, session).as_http()
        secure = "; Secure" if self.provider.base_url.startswith("https:") else ""
        answer.headers["Set-Cookie"] = f"{self._cookie}={session.sid}; Path=/; HttpOnly; SameSite=Lax{secure}"
        return answer

    def _silently(self, request: ProviderRequest, parameters: Mapping[str, str]) -> Answer:
        """Respond to `prompt=none` without showing a page (Core 3.1.2.1)."""
        session = self.sessions.get(self.cookie_of(request))
        max_age = parameters.get("max_age", "")
        too_old = session is not None and max_age.isdigit() and self._age(session) > int(max_age)
        if session is None or too_old:
            return self._error(parameters, "login_required", "nobody is signed in").as_http()
        return self._allowed(parameters, session).as_http()

    def _age(self, session: Session) -> float:
        return self.provider.now() - session.auth_time

    def _begin_session(self, person: User, *, sid: str | None = None, auth_time: int | None = None) -> Session:
        sid = sid or secrets.token_urlsafe(16)
        when = int(self.provider.now()) if auth_time is None else auth_time
        self.sessions[sid] = session = Session(sub=person.sub, sid=sid, auth_time=when)
        return session

    def _allowed(self, parameters: Mapping[str, str], session: Session) -> AuthorizationAnswer:
        grant = Grant(
            sub=session.sub,
            redirect_uri=parameters["redirect_uri"],
            scope=" ".join(scope for scope in parameters["scope"].split() if scope in SCOPES),
            code_challenge=parameters.get("code_challenge", ""),
            nonce=parameters.get("nonce", ""),
            auth_time=session.auth_time,
            sid=session.sid,
            acr=parameters.get("acr_values", "").partition(" ")[0],
            claims=_requested_claims(parameters),
        )
        code = self.provider.grants.issue_code(grant, lifetime=self.provider.code_lifetime)
        return self._bent_answer(parameters, {"code": code})

    def _error(self, parameters: Mapping[str, str], error: str, description: str) -> AuthorizationAnswer:
        return self._bent_answer(parameters, {"error": error, "error_description": description})

    def _bent_answer(self, parameters: Mapping[str, str], answer: Mapping[str, str]) -> AuthorizationAnswer:
        state = {"state": parameters["state"]} if parameters.get("state") else {}
        # RFC 9207 2: every response contains the issuer, if the metadata promises it.
        promised = self.provider.metadata().get("authorization_response_iss_parameter_supported")
        issuer = {"iss": self.provider.issuer} if promised else {}
        good = AuthorizationAnswer(
            redirect_uri=parameters["redirect_uri"],
            parameters=[*answer.items(), *state.items(), *issuer.items()],
            response_mode=parameters.get("response_mode", "query"),
        )
        bent: AuthorizationAnswer = self.provider.bent("authorize", good)
        return bent


def check_redirect_uri(redirect_uri: str) -> None:
    """The redirect URI must be an absolute URL without a fragment (RFC 6749 3.1.2)."""
    parts = urlsplit(redirect_uri)
    if not (parts.scheme and parts.netloc) or parts.fragment:
        raise AuthorizationRefused("invalid_request", "redirect_uri is not an absolute URL without fragment")


def _requested_claims(parameters: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The names in the `claims` parameter (Core 5.5)."""
    if not parameters.get("claims"):
        return {}
    try:
        requested = json.loads(parameters["claims"])
        return {place: as_names(requested.get(place)) for place in ("id_token", "userinfo")}
    except (ValueError, AttributeError) as error:
        raise AuthorizationRefused("invalid_request", "claims is not a JSON object") from error
