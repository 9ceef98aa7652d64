"""The steps of a sign-in that mozilla-django-oidc's backend lets a site replace, and what is made of its answers.

A hook may add to a sign-in and refuse it. None can do without a rule of the protocol.
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
# What a site's own `verify_token` may not say otherwise than the ID token: who it is, where from, and how.
FIXED_CLAIMS = ("iss", "sub", "aud", "azp", "tid", "nonce", "iat", "exp", "auth_time", "acr", "amr", "sid")


class UpstreamHooks(UpstreamAttributes, OIDCAuthenticationBackend):  # type: ignore[misc]  # upstream has no types
    """Asks the hooks for tokens, claims and names."""

    # A sign-in assigns these. Outside one the only provider stands in, or the one that upstream's settings configure.
    request: HttpRequest = outside.stand_in(HttpRequest)
    provider: OAuthProvider = outside.stand_in(outside.standing_provider)
    oauth_token: OAuthToken = outside.stand_in(partial(OAuthToken, ""))
    flow: Flow
    identity: Identity
    verified_claims: dict[str, Any] | None = None  # set by our own `verify_token`

    def is_set(self, name: str) -> bool:
        """Whether a sign-in has assigned this attribute; if not, the hooks are called outside one."""
        return name in vars(self)

    def identity_of(self, claims: Mapping[str, Any]) -> Identity:
        """Return the identity of the sign-in; outside one what the claims describe."""
        return self.identity if self.is_set("identity") else outside.described_identity(self.provider, claims)

    @sensitive_variables()
    def exchange(self, code: str) -> OAuthToken:
        """Return the tokens that `get_token` has for a code. It is given what upstream gives it."""
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
        """Return what `verify_token` makes of the ID token; an override that does not ask ours is asked beside it."""
        payload = self.verify_token(self.oauth_token.id_token, nonce=self.flow.nonce)
        verified = self.verified_claims
        if verified is None:
            verified = self.provider.verify_id_token(self.oauth_token, request=self.request)
        return {**(payload or {}), **{name: verified[name] for name in FIXED_CLAIMS if name in verified}}

    @sensitive_variables()
    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Keep tokens in the session too, after `login()`, where upstream's settings ask for those of its provider.

        Never in one that is a cookie: the browser could read them, and would refuse it for its length.
        """
        if self.provider.key == entry.provider_key() and not isinstance(self.request.session, CookieSession):
            super().store_tokens(access_token, id_token)

    def suggested_username(self, claims: dict[str, Any]) -> object:
        """Return the name that upstream's setting makes of the claims, "" without one."""
        is_of_another = self.is_set("provider") and self.provider.key != entry.provider_key()
        if is_of_another or not entry.get("OIDC_USERNAME_ALGO"):
            return ""
        return OIDCAuthenticationBackend.get_username(self, claims)


@sensitive_variables()
def token_of(token_info: Any) -> OAuthToken:
    """Return the tokens by our names, or those of a token response as a site's own `get_token` returns it."""
    if not isinstance(token_info, Mapping):
        raise TokenResponseInvalid("document")
    if "access_token_expires_at" in token_info:
        return OAuthToken(**{name: token_info[name] for name in TOKEN_FIELDS if name in token_info})
    tokens = TokenResponse.from_json(dict(token_info), now=time.time())
    known = {name: getattr(tokens, name) for name in TOKEN_FIELDS if name != "scope"}
    return OAuthToken(**known, scope=tokens.scope or "")
