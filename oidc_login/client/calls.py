"""OAuth 2.0 tokens: refresh, other grants, and userinfo."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from oidc_login.client.api import ApiCalls, TokenLike
from oidc_login.client.claims import check_admission
from oidc_login.client.errors import InvalidTokenError, MissingTokenError, OAuthError, translate_errors
from oidc_login.client.tokens import AHEAD, OAuth2Token, as_dictionary, as_token, seconds_left, token_update
from oidc_login.client.userinfo import UserInfo
from oidc_login.flow.pending import attach_flow
from oidc_login.protocol.errors import TokenResponseInvalid, UserInfoInvalid
from oidc_login.protocol.id_token import auth_time_of, is_subject
from oidc_login.protocol.userinfo import merge_claims
from oidc_login.providers.answers import answers_of
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken

logger = logging.getLogger(__name__)


class TokenCalls(ApiCalls):
    """The methods that need or obtain a token."""

    def _source(self, token: TokenLike) -> TokenOfCall:
        return TokenOfCall(self, token)

    def _check_token(self, token: TokenLike) -> None:
        as_token(token)

    @sensitive_variables()
    def ensure_active_token(self, token: TokenLike) -> TokenLike:
        """Return a valid token; a token that is about to expire is refreshed first."""
        left = seconds_left(token)
        if left is None or left > self._option("client_kwargs", {}).get("leeway", AHEAD):
            return token
        try:
            renewed = self.renew(token)
        except OAuthError as error:
            if left <= 0:
                raise
            logger.info("token not refreshed, still valid: error=%s", error.code)
            return token
        if renewed is None and left <= 0:
            raise InvalidTokenError(description="The token has expired, and there is no way to a new one")
        return token if renewed is None else renewed

    @translate_errors()
    @sensitive_variables()
    def renew(self, token: TokenLike) -> OAuth2Token | None:
        """Return a new token after passing it to the site's storage, or `None` if only the person can get one."""
        old, provider = as_token(token), self._provider()
        if provider.can_refresh(oauth_token=old):
            renewed = self._refreshed(provider, old, token)
        elif self._is_machine():
            renewed = self.fetch_access_token(grant_type="client_credentials")
        else:
            return None
        self._send_update(renewed, old)
        return renewed

    def _is_machine(self) -> bool:
        """Whether the tokens belong to the client itself, so that they never replace a person's token."""
        grant_type = self._option("grant_type") or self._option("client_kwargs", {}).get("grant_type")
        return bool(grant_type == "client_credentials")

    @sensitive_variables()
    def _refreshed(self, provider: OAuthProvider, old: OAuthToken, token: TokenLike) -> OAuth2Token:
        with answers_of(provider):
            answer = provider.refresh_oauth_token(oauth_token=old)
            if not answer.access_token:
                raise TokenResponseInvalid("access_token")
        userinfo = token.get("userinfo")
        check_refreshed(provider, answer, userinfo)
        renewed = as_dictionary(answer)
        if old.refresh_token:
            renewed.setdefault("refresh_token", old.refresh_token)
        if userinfo is not None:
            renewed["userinfo"] = userinfo
        return renewed

    @sensitive_variables()
    def _send_update(self, token: OAuth2Token, old: OAuthToken) -> None:
        """Let the site replace the stored token, which is identified by its refresh or access token."""
        named = {"refresh_token": old.refresh_token or None, "access_token": None}
        if not old.refresh_token:
            named["access_token"] = old.access_token
        if self._update_token is not None:
            self._update_token(token, **named)
        token_update.send(sender=type(self), name=self._registration.name, token=token, **named)

    @translate_errors()
    @sensitive_variables()
    def fetch_access_token(self, redirect_uri: str | None = None, **parameters: Any) -> OAuth2Token:
        """Return the token for a grant: for a `code` with its `code_verifier`, or the client's own (RFC 6749 4)."""
        parameters = {name: value for name, value in parameters.items() if value is not None}
        parameters.pop("state", None)  # already checked, or unknown
        guessed = "authorization_code" if "code" in parameters else "client_credentials"
        grant_type = parameters.pop("grant_type", guessed)
        if grant_type == "password" or "password" in parameters:
            raise ImproperlyConfigured("The grant 'password' is refused (RFC 9700 2.4). Write authorize_redirect().")
        provider = self._provider()
        with answers_of(provider):
            if grant_type == "authorization_code":
                return as_dictionary(self._exchange(provider, redirect_uri, **parameters))
            return as_dictionary(request_grant(provider, grant_type, parameters))

    @sensitive_variables()
    def _exchange(self, provider: OAuthProvider, redirect_uri: str | None, **parameters: Any) -> OAuthToken:
        code, code_verifier = parameters.pop("code", None), parameters.pop("code_verifier", None)
        if parameters or not (redirect_uri and code and code_verifier):
            raise ImproperlyConfigured(
                "fetch_access_token() takes redirect_uri, code and code_verifier, as create_authorization_url() and "
                "the callback gave them. Write anything else into access_token_params."
            )
        request = HttpRequest()
        attach_flow(request, self._flow(redirect_uri=redirect_uri, code_verifier=code_verifier))
        return provider.get_oauth_token(code=code, request=request)

    # Userinfo.

    @translate_errors()
    @sensitive_variables()
    def userinfo(self, token: TokenLike | None = None, *, request: HttpRequest | None = None) -> UserInfo:
        """Return the current userinfo about the owner of the token."""
        token = self.ensure_active_token(self._token_for(token, request))
        provider = self._provider()
        if not provider.userinfo_endpoint:
            raise RuntimeError('Missing "userinfo_endpoint" in metadata')
        with answers_of(provider):
            if provider.has_id_token:
                claims = openid_userinfo(provider, token)
            else:
                claims = provider.get_userinfo(as_token(token), claims={})
        check_admission(provider, complete_claims(provider, claims, token.get("userinfo")))
        return UserInfo(claims)


class TokenOfCall:
    """The token source for the session of one call."""

    def __init__(self, calls: TokenCalls, token: TokenLike) -> None:
        self._calls = calls
        self._token = token

    @sensitive_variables()
    def get(self) -> str:
        self._token = self._calls.ensure_active_token(self._token)
        return usable(self._token)

    @sensitive_variables()
    def replace(self, refused: str) -> str | None:
        """Return a new token after a 401; without one, the caller gets the 401 response."""
        try:
            renewed = self._calls.renew(self._token)
        except OAuthError as error:
            logger.info("token not refreshed after an API refused it: error=%s", error.code)
            return None
        if renewed is None:
            return None
        self._token = renewed
        return usable(renewed)

    def give_up(self, refused: str) -> None:
        """Do nothing: the caller gets the response."""


@sensitive_variables()
def usable(token: TokenLike) -> str:
    access_token = as_token(token).access_token
    if not access_token:
        raise MissingTokenError(description="There is no access_token")
    return access_token


@sensitive_variables()
def request_grant(provider: OAuthProvider, grant_type: str, parameters: Mapping[str, Any]) -> OAuthToken:
    """Send a grant other than a code to the token endpoint (RFC 6749 4.4 and 4.5)."""
    asked: dict[str, Any] = {"grant_type": grant_type, **parameters}
    if grant_type == "client_credentials" and provider.scope and not provider.has_id_token:
        asked.setdefault("scope", provider.scope)
    return provider.exchange_grant(
        {name: str(value) for name, value in asked.items()}, scope=str(asked.get("scope", ""))
    )


@sensitive_variables()
def check_refreshed(provider: OAuthProvider, answer: OAuthToken, userinfo: Any) -> None:
    """Verify a refreshed ID token, which must be about the same person if the person is known (Core 12.2)."""
    if not answer.id_token or not provider.has_id_token:
        return
    subject = subject_of(userinfo)
    if subject is None:
        provider.check_id_token(answer, nonce=None, max_age=None)
        return
    issuer = provider.get_identity_issuer(userinfo)
    told_before = auth_time_of(userinfo)
    provider.check_refreshed_token(
        answer,
        issuer=issuer,
        subject=subject,
        nonce_hash="",
        auth_time=told_before,
        had_azp=True if "azp" in userinfo else None,  # the site may store only some of the claims
    )


@sensitive_variables()
def openid_userinfo(provider: OAuthProvider, token: TokenLike) -> Mapping[str, Any]:
    """Return userinfo claims about the person of the ID token, if the person is known (Core 5.3.2)."""
    subject = subject_of(token.get("userinfo"))
    if subject is not None:
        return provider.fetch_userinfo(as_token(token).access_token, subject=subject)
    claims = provider.get_resource(provider.userinfo_endpoint, oauth_token=as_token(token))
    if subject_of(claims) is None:
        raise UserInfoInvalid("sub")
    return dict(claims)


def complete_claims(provider: OAuthProvider, claims: Mapping[str, Any], known: Any) -> dict[str, Any]:
    """Return userinfo claims completed by those of the ID token, because admission rules may need both.

    Only the ID token says how the person authenticated.
    """
    known = known if isinstance(known, Mapping) else {}
    completed = merge_claims(claims, known, email_claims=provider.email_claims)
    return {**completed, "acr": known.get("acr")}


def subject_of(claims: Any) -> str | None:
    """Return the subject of claims, or `None` if there is none (Core 2)."""
    subject = claims.get("sub") if isinstance(claims, Mapping) else None
    return subject if is_subject(subject) else None
