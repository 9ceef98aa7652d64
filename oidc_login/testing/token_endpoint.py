"""The OpenID provider's endpoints with client authentication: token, revocation and introspection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from oidc_login.testing.application import Answer, ProviderRequest
from oidc_login.testing.authorize_page import PUSHED_LIFETIME, AuthorizationRefused
from oidc_login.testing.client_auth import ClientAuthentication, ClientRefused
from oidc_login.testing.grants import Grant, narrowed
from oidc_login.testing.pkce import verifier_matches
from oidc_login.testing.signing import UnsignedToken, left_half_hash

if TYPE_CHECKING:
    from oidc_login.testing.openid import OpenIDProvider


class _TokenError(Exception):
    """An error of the token endpoint (RFC 6749 5.2)."""


class TokenEndpoint:
    """OpenID Connect Core 3.1.3 and 12, RFC 6749 4.1.3 and 6, RFC 7009, RFC 7662, RFC 9126."""

    def __init__(self, provider: OpenIDProvider, *, push: Callable[[Mapping[str, str]], str]) -> None:
        self.provider = provider
        self._push = push
        self._client_authentication = ClientAuthentication()

    def token(self, request: ProviderRequest) -> Answer:
        """Tokens for a code or a refresh token."""
        return self._for_client(request, self._by_grant_type)

    def revocation(self, request: ProviderRequest) -> Answer:
        """Respond with 200, also for an unknown token (RFC 7009 2.2)."""
        return self._for_client(request, self._revoke)

    def introspection(self, request: ProviderRequest) -> Answer:
        """Whether a token is active, and its claims (RFC 7662 2)."""
        return self._for_client(request, self._introspect)

    def pushed_authorization_request(self, request: ProviderRequest) -> Answer:
        """Return a reference to an authorization request, for the authorization endpoint (RFC 9126 2)."""
        return self._for_client(request, self._keep_request)

    def _keep_request(self, form: Mapping[str, str]) -> Answer:
        try:
            request_uri = self._push(form)
        except AuthorizationRefused as refused:
            return _error(refused.error, description=refused.description)
        return Answer.of_json(
            {"request_uri": request_uri, "expires_in": PUSHED_LIFETIME}, status=201, cache_control="no-store"
        )

    def _for_client(self, request: ProviderRequest, answer: Callable[[Mapping[str, str]], Answer]) -> Answer:
        form = request.form
        if request.method != "POST":
            return _error("invalid_request", status=405)
        if len(form) != len(request.form_pairs):
            return _error("invalid_request")
        try:
            self._authenticate(request)
            return answer(form)
        except ClientRefused as refused:
            return _error("invalid_client", status=401, description=str(refused))
        except _TokenError as error:
            return _error(str(error))

    def _authenticate(self, request: ProviderRequest) -> None:
        self._client_authentication.check(
            request,
            client_id=self.provider.client_id,
            client_secret=self.provider.client_secret,
            client_jwks=self.provider.client_jwks,
            audiences=[self.provider.issuer, self.provider.base_url + request.path, self.provider.token_endpoint],
            methods=self.provider.auth_methods,
        )

    def _by_grant_type(self, form: Mapping[str, str]) -> Answer:
        if form.get("grant_type") == "authorization_code":
            return self._exchange_code(form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form)
        raise _TokenError("unsupported_grant_type")

    def _exchange_code(self, form: Mapping[str, str]) -> Answer:
        grant = self.provider.grants.redeem_code(form.get("code", ""))
        if grant is None or form.get("redirect_uri", "") != grant.redirect_uri:
            raise _TokenError("invalid_grant")
        if not verifier_matches(form.get("code_verifier", ""), grant.code_challenge):
            raise _TokenError("invalid_grant")
        offline = self.provider.always_refresh_token or "offline_access" in grant.scope.split()
        return self._tokens(grant, refresh_token=self._new_refresh_token(grant) if offline else "")

    def _refresh(self, form: Mapping[str, str]) -> Answer:
        rotate = self.provider.rotate_refresh_tokens
        grant = self.provider.grants.redeem_refresh_token(form.get("refresh_token", ""), rotate=rotate)
        if grant is None or self.provider.users.by_sub(grant.sub) is None:
            raise _TokenError("invalid_grant")
        narrow = narrowed(grant, form.get("scope", ""))
        if narrow is None:
            raise _TokenError("invalid_scope")
        return self._tokens(narrow, refresh_token=self._new_refresh_token(grant) if rotate else "", again=True)

    def _new_refresh_token(self, grant: Grant) -> str:
        return self.provider.grants.issue_refresh_token(grant, lifetime=self.provider.refresh_token_lifetime)

    def _tokens(self, grant: Grant, *, refresh_token: str, again: bool = False) -> Answer:
        lifetime = self.provider.access_token_lifetime
        access_token = self.provider.grants.issue_access_token(grant, lifetime=lifetime)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": grant.scope,
            "id_token": self._id_token(grant, access_token, again=again),
        }
        if refresh_token:
            answer["refresh_token"] = refresh_token
        return Answer.of_json(answer, cache_control="no-store")

    def _id_token(self, grant: Grant, access_token: str, *, again: bool) -> Any:
        now = int(self.provider.now())
        claims: dict[str, Any] = {
            "iss": self.provider.issuer,
            "sub": grant.sub,
            "aud": self.provider.client_id,
            "exp": now + self.provider.id_token_lifetime,
            "iat": now,
            "auth_time": grant.auth_time,
            "at_hash": left_half_hash(access_token, alg=self.provider.signing_alg),
            "sid": grant.sid,
        }
        # A refreshed id_token should carry no nonce (Core 12.2).
        if grant.nonce and self.provider.returns_nonce and not again:
            claims["nonce"] = grant.nonce
        if grant.acr:
            claims["acr"] = grant.acr
        scope = grant.scope.split() if self.provider.claims_in_id_token else ()
        claims |= self.provider.claims_of(grant, scope=scope, place="id_token")
        token = self.provider.bent("id_token", self.provider.unsigned_token(claims))
        return token.signed() if isinstance(token, UnsignedToken) else token

    def _revoke(self, form: Mapping[str, str]) -> Answer:
        self.provider.grants.revoke(form.get("token", ""))
        return Answer(status=200, headers={"Cache-Control": "no-store"}, body=b"")

    def _introspect(self, form: Mapping[str, str]) -> Answer:
        token = form.get("token", "")
        of_access_token = self.provider.grants.of_access_token(token)
        grant = of_access_token or self.provider.grants.of_refresh_token(token)
        if grant is None:
            return Answer.of_json({"active": False}, cache_control="no-store")
        answer = {
            "active": True,
            "iss": self.provider.issuer,
            "sub": grant.sub,
            "aud": self.provider.client_id,
            "client_id": self.provider.client_id,
            "scope": grant.scope,
            "exp": int(self.provider.grants.expires_at(token)),
        }
        if of_access_token:  # like many providers, which do not state the type of a refresh token
            answer["token_type"] = "Bearer"  # noqa: S105
        return Answer.of_json(answer, cache_control="no-store")


def _error(error: str, *, status: int = 400, description: str = "") -> Answer:
    body = {"error": error} | ({"error_description": description} if description else {})
    answer = Answer.of_json(body, status=status, cache_control="no-store")
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Basic"
    return answer
