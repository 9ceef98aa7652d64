"""An OpenID provider with one client: the code flow of OpenID Connect Core, Discovery and related specifications."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from oidc_login.testing import client_auth
from oidc_login.testing.application import Answer, Endpoint, ProviderApplication, ProviderRequest
from oidc_login.testing.authorization_endpoint import AuthorizationEndpoint, Session
from oidc_login.testing.authorize_page import AuthorizationAnswer
from oidc_login.testing.documents import PATHS, moved, paths_of
from oidc_login.testing.end_session import EndSessionEndpoint
from oidc_login.testing.grants import Grant, Grants
from oidc_login.testing.logout_notices import LogoutNotices
from oidc_login.testing.signing import KEY_TYPE_OF_ALG, KeyType, SigningKey, UnsignedToken, generate_key, key_rings
from oidc_login.testing.token_endpoint import TokenEndpoint
from oidc_login.testing.users import SCOPE_CLAIMS, SCOPES, User, Users


class OpenIDProvider(ProviderApplication):
    """A certified provider's behaviour in little, with real keys.

    `redirect_uris=None` admits any; `client_secret=""` makes the client public; `token_endpoint_auth_method=None`
    admits every method that the client has credentials for (`client_jwks`: its public keys, for private_key_jwt).
    Profile and email come from userinfo, as at most certified providers, unless `claims_in_id_token`.
    `issuer_path` is for issuers like `https://host/tenant` and `https://host/`. `document` makes it look like another
    provider: it publishes that discovery document with addresses of its own, under the same paths, and signs and
    authenticates as the document says. All options are attributes and may be changed between requests.

    What can be bent: the endpoints that servers ask (`discovery`, `jwks`, `token`, `userinfo`, `revocation`,
    `introspection`, `par`: each an `Answer`); `authorize`, the `AuthorizationAnswer` that goes through the browser;
    `id_token` and `logout_token`, each an `UnsignedToken` (return a string, or any JSON value, to put that in its
    place); and `end_session`, the URL that follows it.

    When a session ends, the provider notifies the site at `backchannel_logout_uri` and `frontchannel_logout_uri`, if
    these are set. With `logout_everywhere`, signing out ends all sessions of the person.
    """

    bendable_values = ("authorize", "end_session", "id_token", "logout_token")
    name = "the test provider"  # on its pages

    def __init__(
        self,
        *,
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107 - everything here is made up
        users: Iterable[User] = (),
        redirect_uris: Sequence[str] | None = None,
        post_logout_redirect_uris: Sequence[str] | None = None,
        backchannel_logout_uri: str = "",
        frontchannel_logout_uri: str = "",
        logout_everywhere: bool = False,
        signing_alg: str = "",
        token_endpoint_auth_method: str | None = None,
        client_jwks: Mapping[str, Any] | None = None,
        claims_in_id_token: bool = False,
        require_pkce: bool = True,
        require_nonce: bool = True,
        require_state: bool = True,
        require_pushed_authorization_requests: bool = False,
        returns_nonce: bool = True,
        always_refresh_token: bool = False,
        rotate_refresh_tokens: bool = False,
        access_token_lifetime: int = 3600,
        refresh_token_lifetime: int = 30 * 86_400,
        id_token_lifetime: int = 300,
        code_lifetime: int = 60,
        max_age: int = 3600,
        issuer_path: str = "",
        discovery_path: str = "",
        document: Mapping[str, Any] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.client_id = client_id
        self.client_secret = client_secret
        self.users = Users(users)
        self.redirect_uris = redirect_uris
        self.post_logout_redirect_uris = post_logout_redirect_uris
        self.backchannel_logout_uri = backchannel_logout_uri
        self.frontchannel_logout_uri = frontchannel_logout_uri
        self.logout_everywhere = logout_everywhere
        self.document = document
        self.signing_alg = signing_alg or self._first_algorithm()
        self.token_endpoint_auth_method = token_endpoint_auth_method
        self.client_jwks = client_jwks
        self.claims_in_id_token = claims_in_id_token
        self.require_pkce = require_pkce
        self.require_nonce = require_nonce
        self.require_state = require_state
        self.require_pushed_authorization_requests = require_pushed_authorization_requests
        self.returns_nonce = returns_nonce
        self.always_refresh_token = always_refresh_token
        self.rotate_refresh_tokens = rotate_refresh_tokens
        self.access_token_lifetime = access_token_lifetime
        self.refresh_token_lifetime = refresh_token_lifetime
        self.id_token_lifetime = id_token_lifetime
        self.code_lifetime = code_lifetime
        self.max_age = max_age
        self.issuer_path = urlsplit(document["issuer"]).path if document else issuer_path
        self.discovery_path = discovery_path
        self.now = now
        self.grants = Grants(now=lambda: self.now())
        self.signing_keys: dict[KeyType, SigningKey] = dict(key_rings.lend(self))
        self.published_keys = list(self.signing_keys.values())
        self._authorization = AuthorizationEndpoint(self)
        self._token = TokenEndpoint(self, push=self._authorization.push)
        self._end_session = EndSessionEndpoint(self)
        self.logout_notices = LogoutNotices(self)

    @property
    def issuer(self) -> str:
        return self.base_url + self.issuer_path

    @property
    def discovery_url(self) -> str:
        return self.base_url + (self.discovery_path or f"{self._prefix}/.well-known/openid-configuration")

    @property
    def authorization_endpoint(self) -> str:
        return self.base_url + self.paths["authorization_endpoint"]

    @property
    def token_endpoint(self) -> str:
        return self.base_url + self.paths["token_endpoint"]

    @property
    def paths(self) -> dict[str, str]:
        """The provider's paths, by metadata name."""
        if self.document is not None:
            return paths_of(self.document)
        return {name: self._prefix + path for name, path in PATHS.items()}

    def _first_algorithm(self) -> str:
        """The first algorithm in the document that needs no secret, or RS256 without a document."""
        named = (self.document or {}).get("id_token_signing_alg_values_supported", ())
        return next((alg for alg in named if alg in KEY_TYPE_OF_ALG), "RS256")

    @property
    def sessions(self) -> dict[str, Session]:
        """The sessions at the provider, by `sid`."""
        return self._authorization.sessions

    @property
    def auth_methods(self) -> list[str]:
        """The client authentication methods that the provider allows (Core 9)."""
        if self.token_endpoint_auth_method is not None:
            return [self.token_endpoint_auth_method]
        if self.document is not None:
            return list(self.document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]))
        methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt"] if self.client_secret else []
        if self.client_jwks is not None:
            methods.append("private_key_jwt")
        return methods or ["none"]

    def url(self, path: str) -> str:
        return self.base_url + self._prefix + path

    @property
    def _prefix(self) -> str:
        return self.issuer_path.rstrip("/")

    def endpoints(self) -> dict[str, Endpoint]:
        answers = {
            "jwks_uri": Endpoint("jwks", self._answer_jwks),
            "token_endpoint": Endpoint("token", self._token.token),
            "userinfo_endpoint": Endpoint("userinfo", self._answer_userinfo),
            "revocation_endpoint": Endpoint("revocation", self._token.revocation),
            "introspection_endpoint": Endpoint("introspection", self._token.introspection),
            "pushed_authorization_request_endpoint": Endpoint("par", self._token.pushed_authorization_request),
            "authorization_endpoint": Endpoint("authorize", self._authorization.answer, back_channel=False),
            "end_session_endpoint": Endpoint("end_session", self._end_session.answer, back_channel=False),
        }
        return {
            urlsplit(self.discovery_url).path: Endpoint("discovery", self._answer_discovery),
            **{path: answers[name] for name, path in self.paths.items()},
            f"{self._prefix}/signed_out": Endpoint("signed_out", self._end_session.signed_out, back_channel=False),
        }

    def authorize(self, url: str, user: str | None = "alice", *, auth_time: int | None = None) -> str:
        """Act as a person at the provider, without a browser: go from the authorization URL to the callback URL.

        `user=None` cancels. Raise `AuthorizationRefused` if the provider rejects the authorization request.
        """
        return self.authorization_answer(url, user, auth_time=auth_time).url

    def authorization_answer(
        self, url: str, user: str | None = "alice", *, auth_time: int | None = None
    ) -> AuthorizationAnswer:
        """Like `authorize`, but return the response itself; with `form_post` it is not a URL."""
        return self._authorization.without_browser(url, user, auth_time=auth_time)

    def end_session(self, url: str) -> str:
        """Act as a person who signs out, without a browser: go from the logout URL to the final URL."""
        return self._end_session.without_browser(url)

    def sign_out(self, user: str) -> None:
        """Act as a person who signs out at the provider itself, which ends all their sessions there."""
        sub = self.users.find(user).sub
        self._end_session.end(*(session.sid for session in list(self.sessions.values()) if session.sub == sub))

    def logout_token(self, *, user: str = "", sid: str = "") -> Any:
        """A logout token for one session or for all sessions of a person, as it is posted (Back-Channel Logout 2.4)."""
        return self.logout_notices.token(sub=self.users.find(user).sub if user else "", sid=sid)

    def cookie_of(self, request: ProviderRequest) -> str:
        return self._authorization.cookie_of(request)

    def metadata(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 3, RFC 8414 2, RFC 9207 3)."""
        if self.document is not None:
            return moved(self.document, self.base_url)
        return {
            "issuer": self.issuer,
            **{name: self.base_url + path for name, path in self.paths.items()},
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "scopes_supported": list(SCOPES),
            "claims_supported": sorted({"sub"}.union(*SCOPE_CLAIMS.values())),
            "id_token_signing_alg_values_supported": list(KEY_TYPE_OF_ALG),
            "token_endpoint_auth_methods_supported": self.auth_methods,
            "token_endpoint_auth_signing_alg_values_supported": [*client_auth.SYMMETRIC, *client_auth.ASYMMETRIC],
            "code_challenge_methods_supported": ["S256"],
            "claims_parameter_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "require_pushed_authorization_requests": self.require_pushed_authorization_requests,
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "frontchannel_logout_supported": True,
            "frontchannel_logout_session_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        """The published key set (RFC 7517 5)."""
        return {"keys": [key.public_jwk() for key in self.published_keys]}

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on; the old ones remain published unless `keep_old=False`."""
        old = self.published_keys if keep_old else []
        self.signing_keys = {name: generate_key(key.key_type) for name, key in self.signing_keys.items()}
        self.published_keys = [*self.signing_keys.values(), *old]

    def unsigned_token(self, claims: Mapping[str, Any]) -> UnsignedToken:
        """Claims ready to be signed by this provider, for ID tokens, logout tokens, signed userinfo and forgeries."""
        alg = self.signing_alg
        if alg not in KEY_TYPE_OF_ALG:
            # HS256 and similar algorithms sign with the client secret (Core 10.1).
            key: SigningKey | bytes = self.client_secret.encode()
            return UnsignedToken(header={"alg": alg, "typ": "JWT"}, claims=dict(claims), alg=alg, key=key)
        key = self.signing_keys[KEY_TYPE_OF_ALG[alg]]
        return UnsignedToken(header={"alg": alg, "kid": key.kid, "typ": "JWT"}, claims=dict(claims), alg=alg, key=key)

    def claims_of(self, grant: Grant, *, scope: Iterable[str], place: str) -> dict[str, Any]:
        """The claims about a person: by scope, and by name for the ID token or userinfo (Core 5.4, 5.5)."""
        person = self.users.by_sub(grant.sub)
        return person.claims_for(scope, also=grant.claims.get(place, ())) if person else {}

    def _answer_discovery(self, request: ProviderRequest) -> Answer:
        return Answer.of_json(self.metadata(), cache_control=f"public, max-age={self.max_age}")

    def _answer_jwks(self, request: ProviderRequest) -> Answer:
        return Answer.of_json(self.jwks(), cache_control=f"public, max-age={self.max_age}")

    def _answer_userinfo(self, request: ProviderRequest) -> Answer:
        """Respond to a bearer token in the header (Core 5.3, RFC 6750 2.1)."""
        grant = self.grants.of_access_token(request.bearer_token)
        if grant is None or self.users.by_sub(grant.sub) is None:
            challenge = 'Bearer error="invalid_token"' if request.bearer_token else "Bearer"
            return Answer.of_json({"error": "invalid_token"}, status=401, www_authenticate=challenge)
        claims = self.claims_of(grant, scope=grant.scope.split(), place="userinfo")
        return Answer.of_json({"sub": grant.sub, **claims}, cache_control="no-store")
