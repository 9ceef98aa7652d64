"""OpenID Connect: everything follows from the discovery document (Core, Discovery)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.errors import InvalidIDToken, UserInfoInvalid
from oidc_login.protocol.id_token import IDToken, check_refreshed, verify_id_token
from oidc_login.protocol.keys import KeySet
from oidc_login.protocol.userinfo import fetch_userinfo, merge_claims, verify_userinfo_jwt
from oidc_login.providers.back_channel import BackChannelProvider
from oidc_login.providers.base import OAuthToken, OAuthUser, PendingFlow, pending_flow
from oidc_login.providers.claim_paths import is_there

if TYPE_CHECKING:
    from django.http import HttpRequest


class OIDCProvider(BackChannelProvider):
    """An OpenID provider: `discovery_url` or `issuer`, and the client's registration."""

    default_scope = "openid email profile"
    has_id_token = True
    answers_silently = True
    default_claims: ClassVar[Mapping[str, Any]] = {}

    # A class that sets one of these says which provider forces it to.
    # The nonce never comes back.
    insecure_allow_missing_nonce: ClassVar[bool] = False
    # Other clients are named as the audience too.
    insecure_allow_further_audiences: ClassVar[bool] = False

    def __init__(
        self,
        *,
        userinfo: Literal["auto", "always", "never"] = "auto",
        max_age: int | None = None,
        prompt: str | None = None,
        acr_values: str | None = None,
        ui_locales: str | None = None,
        claims: Mapping[str, Any] | None = None,
        response_mode: str | None = None,
        third_party_initiated_login: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.userinfo = userinfo
        self.max_age = max_age
        self.prompt = prompt
        self.acr_values = acr_values
        self.ui_locales = ui_locales
        self.claims = dict(self.default_claims if claims is None else claims)
        self.response_mode = response_mode
        self.third_party_initiated_login = third_party_initiated_login

    # The authorization request.

    def get_scope(self) -> str:
        return with_openid(super().get_scope())

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        """Return the parameters of Core 3.1.2.1."""
        return {
            **super().get_authorization_url_params(request=request),
            "response_mode": self.response_mode,
            "prompt": self.prompt,
            "max_age": self.max_age,
            "ui_locales": self.ui_locales,
            "acr_values": self.acr_values,
            "claims": json.dumps(self.claims) if self.claims else None,
        }

    def get_flow_params(self, flow: PendingFlow) -> dict[str, Any]:
        """Add the nonce, which ties the ID token to this flow (Core 15.5.2)."""
        return {**super().get_flow_params(flow), "nonce": flow.nonce}

    # The answer.

    @sensitive_variables()
    def verify_id_token(self, oauth_token: OAuthToken, *, request: HttpRequest) -> dict[str, Any]:
        """Return the claims of the ID token after all rules of Core 3.1.3.7."""
        flow = pending_flow(request)
        max_age = flow.parameters.get("max_age", self.max_age)
        if max_age is not None:
            # The provider judged the age when it was asked; what the person did there since makes it no older.
            max_age += max(0, int(time.time()) - flow.begun_at)
        return self.check_id_token(oauth_token, nonce=flow.nonce, max_age=max_age).claims

    def get_essential_acr_values(self) -> tuple[str, ...]:
        """Return what the site's `claims` ask of `acr` as essential (Core 5.5.1.1); `acr_values` are a wish."""
        asked = (self.claims.get("id_token") or {}).get("acr") or {}
        if not asked.get("essential"):
            return ()
        return tuple(asked.get("values") or ([asked["value"]] if "value" in asked else ()))

    @sensitive_variables()
    def check_id_token(self, oauth_token: OAuthToken, *, nonce: str | None, max_age: int | None) -> IDToken:
        """Return the verified ID token of a token response."""
        if not oauth_token.id_token:
            raise InvalidIDToken("missing")
        raw = self._decrypted(oauth_token.id_token)

        def verify(keys: KeySet) -> IDToken:
            return verify_id_token(
                raw,
                keys=keys,
                algorithms=self.get_signing_algorithms(),
                issuers=self.get_accepted_issuers(),
                client_id=self.client_id,
                nonce=nonce,
                access_token=oauth_token.access_token,
                now=time.time(),
                leeway=self.leeway,
                max_age=max_age,
                tenants=self.tenants,
                insecure_allow_missing_nonce=self.insecure_allow_missing_nonce,
                insecure_allow_further_audiences=self.insecure_allow_further_audiences,
            )

        return self._with_keys(verify)

    @sensitive_variables()
    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        """Exchange the refresh token (Core 12), once the keys are there: it may not work a second time."""
        if not self._needs_secret_alone():
            self._published_keys().get(now=time.time())
        return super().refresh_oauth_token(oauth_token=oauth_token)

    @sensitive_variables()
    def check_refreshed_token(
        self,
        oauth_token: OAuthToken,
        *,
        issuer: str,
        subject: str,
        nonce_hash: str,
        auth_time: int | None,
        had_azp: bool | None = None,
    ) -> Mapping[str, Any]:
        """Return the claims of a refreshed ID token, {} for none.

        Raise `InvalidIDToken` where it differs from the first (Core 12.2).
        """
        if not oauth_token.id_token:
            return {}
        claims = self.check_id_token(oauth_token, nonce=None, max_age=None).claims
        check_refreshed(claims, subject=subject, nonce_hash=nonce_hash, auth_time=auth_time, had_azp=had_azp)
        if self.get_identity_issuer(claims) != issuer:
            raise InvalidIDToken("iss")
        return claims

    # Userinfo.

    def has_userinfo(self) -> bool:
        """Whether there is an endpoint (Apple has none) and the site wants it asked."""
        return self.userinfo != "never" and bool(self.userinfo_endpoint)

    def needs_userinfo(self, claims: Mapping[str, Any], *, is_known: bool, wanted: Sequence[str]) -> bool:
        """Say what `userinfo` means for this person: "auto" asks for what the ID token lacks and the site needs."""
        if self.userinfo != "auto":
            return self.userinfo == "always"
        if not claims.get("email") and (not is_known or bool(self.allowed_email_domains)):
            return bool(self.userinfo_endpoint)
        return not all(is_there(claims, name) for name in wanted) and bool(self.userinfo_endpoint)

    @sensitive_variables()
    def get_userinfo(self, oauth_token: OAuthToken, *, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims of the ID token completed by userinfo (Core 5.3); without one, those of userinfo alone."""
        userinfo = self.fetch_userinfo(oauth_token.access_token, subject=claims.get("sub"))
        return merge_claims(claims, userinfo, email_claims=self.email_claims) if claims else userinfo

    @sensitive_variables()
    def fetch_userinfo(self, access_token: str, *, subject: str | None) -> dict[str, Any]:
        """Return what the userinfo endpoint says about `subject`, or raise `UserInfoInvalid`.

        `None`: the access token came alone, and nobody has said yet whose it is.
        """
        if not self.userinfo_endpoint:
            raise UserInfoInvalid("userinfo_endpoint")
        return fetch_userinfo(
            self.transport,
            self.userinfo_endpoint,
            access_token=access_token,
            subject=subject,
            verify_jwt=self._verify_userinfo_jwt,
            now=time.time(),
        )

    def _verify_userinfo_jwt(self, raw: str) -> dict[str, Any]:
        def verify(keys: KeySet) -> dict[str, Any]:
            return verify_userinfo_jwt(
                signed,
                keys=keys,
                algorithms=self.get_signing_algorithms(),
                issuer=self.metadata.issuer,
                client_id=self.client_id,
            )

        try:
            signed = self._decrypted(raw)
            return self._with_keys(verify)
        except InvalidIDToken as error:
            raise UserInfoInvalid(error.reason) from error

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Not the way of OpenID Connect: who it is stands in the ID token, and userinfo completes it."""
        raise UserInfoInvalid("id_token")


def with_openid(scope: str) -> str:
    """Return a scope that asks for an ID token (Core 3.1.2.1)."""
    return scope if "openid" in scope.split() else f"openid {scope}".strip()
