"""The steps of a sign-in that a backend of mozilla-django-oidc can override.

A hook can add to a sign-in or refuse it, but not skip a rule of the protocol.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from oidc_login.flow.pending import Flow
from oidc_login.mozilla import entry, outside
from oidc_login.mozilla.attributes import UpstreamAttributes
from oidc_login.protocol.errors import TokenResponseInvalid
from oidc_login.protocol.tokens import TokenResponse
from oidc_login.providers.answers import http_answers
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.signin.claims import Identity

TOKEN_FIELDS = tuple(field.name for field in fields(OAuthToken))
# Claims that a site's own `verify_token` cannot change: who the person is, from which issuer, and how they signed in.
FIXED_CLAIMS = ("iss", "sub", "aud", "azp", "tid", "nonce", "iat", "exp", "auth_time", "acr", "amr", "sid")


class UpstreamHooks(UpstreamAttributes, OIDCAuthenticationBackend):  # type: ignore[misc]  # upstream has no types
    """Calls the hooks for tokens, claims and names."""

    # A sign-in assigns these. Outside of one, the only provider is used, or the one from upstream's settings.
    request: HttpRequest = outside.stand_in(HttpRequest)
    provider: OAuthProvider = outside.stand_in(outside.standing_provider)
    oauth_token: OAuthToken = outside.stand_in(partial(OAuthToken, ""))
    flow: Flow
    identity: Identity
    verified_claims: dict[str, Any] | None = None  # set by our own `verify_token`

    def is_set(self, name: str) -> bool:
        """Whether a sign-in has assigned this attribute; otherwise the hooks run outside of a sign-in."""
        return name in vars(self)

    def identity_of(self, claims: Mapping[str, Any]) -> Identity:
        """Return the identity of the sign-in; outside of one, the identity that the claims describe."""
        return self.identity if self.is_set("identity") else outside.described_identity(self.provider, claims)

    @sensitive_variables()
    def exchange(self, code: str) -> OAuthToken:
        """Return the tokens from `get_token` for a code, with the arguments that upstream passes."""
        payload = {
            "client_id": self.provider.get_client_id(),
            "client_secret": self.provider.get_client_secret(),
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.flow.redirect_uri,
        }
        if self.flow.code_verifier:
            payload["code_verifier"] = self.flow.code_verifier
        with http_answers():
            return token_of(self.get_token(payload))

    @sensitive_variables()
    def verify(self) -> dict[str, Any]:
        """Return the claims from `verify_token`; if an override does not call ours, it is called as well."""
        payload = self.verify_token(self.oauth_token.id_token, nonce=self.flow.nonce)
        verified = self.verified_claims
        if verified is None:
            verified = self.provider.verify_id_token(self.oauth_token, request=self.request)
        return {**(payload or {}), **{name: verified[name] for name in FIXED_CLAIMS if name in verified}}

    @sensitive_variables()
    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Store tokens in the session too, after `login()`, if upstream's settings ask for it.

        Never in cookie sessions: the browser could read them, and would reject the cookie for its length.
        """
        if self.provider.key == entry.provider_key() and not isinstance(self.request.session, CookieSession):
            super().store_tokens(access_token, id_token)

    def suggested_username(self, claims: dict[str, Any]) -> object:
        """Return the user name from upstream's setting, or "" without one."""
        is_of_another = self.is_set("provider") and self.provider.key != entry.provider_key()
        if is_of_another or not entry.get("OIDC_USERNAME_ALGO"):
            return ""
        return OIDCAuthenticationBackend.get_username(self, claims)


@sensitive_variables()
def token_of(token_info: Any) -> OAuthToken:
    """Return the tokens of a token response from a site's own `get_token`, by our names."""
    if not isinstance(token_info, Mapping):
        raise TokenResponseInvalid("document")
    if "access_token_expires_at" in token_info:
        return OAuthToken(**{name: token_info[name] for name in TOKEN_FIELDS if name in token_info})
    tokens = TokenResponse.from_json(dict(token_info), now=time.time())
    known = {name: getattr(tokens, name) for name in TOKEN_FIELDS if name != "scope"}
    return OAuthToken(**known, scope=tokens.scope or "")
