"""OpenID Connect: a provider with a discovery document, and its ID tokens (Core, Discovery)."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from oidc_login.protocol.access_token import VerifiedAccessToken
from oidc_login.protocol.authorization import authorization_url
from oidc_login.protocol.end_session import MAX_HINT_LENGTH, end_session_url, page_origins
from oidc_login.protocol.errors import InvalidIDToken, MetadataInvalid, UserInfoInvalid
from oidc_login.protocol.id_token import IDToken, check_refreshed
from oidc_login.protocol.logout_token import LogoutToken
from oidc_login.protocol.private_key import decrypted
from oidc_login.protocol.pushed import push, pushed_request
from oidc_login.protocol.token_profiles import TokenProfile
from oidc_login.protocol.userinfo import merge_claims
from oidc_login.providers import access_tokens, openid_id_token, openid_userinfo
from oidc_login.providers.claim_paths import is_there
from oidc_login.providers.discovery import DescribedByDocument
from oidc_login.providers.oauth2 import ENDPOINTS, OAuth2Provider
from oidc_login.providers.values import OAuthToken, OAuthUser, PendingFlow, pending_flow

if TYPE_CHECKING:
    from django.http import HttpRequest

ACTIVE_LANGUAGE = "active"  # as `ui_locales`: the language of the page with the button


class OIDCProvider(DescribedByDocument, OAuth2Provider):
    """An OpenID provider, given by `discovery_url` or `issuer` and the client's registration."""

    is_generic: ClassVar[bool] = True
    has_id_token = True
    answers_silently = True
    default_scope = "openid email profile"
    default_claims: ClassVar[Mapping[str, Any]] = {}
    # The discovery document and `metadata` contain the endpoints; claims have their standard names.
    unused_arguments = frozenset(("mapping", *ENDPOINTS))

    token_endpoint_auth_methods_supported: ClassVar[tuple[str, ...]] = ()

    # How to tell access tokens from ID tokens: a name from `protocol.token_profiles`. A class that sets it links to
    # the documentation of its service.
    token_profile: ClassVar[str] = ""
    # An endpoint that describes an access token to anybody who has it.
    tokeninfo_endpoint: ClassVar[str] = ""

    # A class that sets one of these says which provider requires it.
    # The provider does not return the nonce.
    insecure_allow_missing_nonce: ClassVar[bool] = False
    # The audience may also contain other clients.
    insecure_allow_further_audiences: ClassVar[bool] = False

    def __init__(
        self,
        *,
        push_authorization_requests: bool = False,
        userinfo: Literal["auto", "always", "never"] = "auto",
        max_age: int | None = None,
        prompt: str | None = None,
        acr_values: str | None = None,
        ui_locales: str | None = None,
        claims: Mapping[str, Any] | None = None,
        response_mode: str | None = None,
        third_party_initiated_login: bool = False,
        native_client_ids: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.push_authorization_requests = push_authorization_requests
        self.userinfo = userinfo
        self.max_age = max_age
        self.prompt = prompt
        self.acr_values = acr_values
        self.ui_locales = ui_locales
        self.claims = dict(self.default_claims if claims is None else claims)
        self.response_mode = response_mode
        self.third_party_initiated_login = third_party_initiated_login
        self.native_client_ids = tuple(native_client_ids)

    def get_required_parts(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    # The endpoints, known after discovery.

    @property
    def authorization_endpoint(self) -> str:  # type: ignore[override]  # a plain attribute in the base class
        return self.metadata.authorization_endpoint

    @property
    def token_endpoint(self) -> str:  # type: ignore[override]
        return self.metadata.token_endpoint

    @property
    def userinfo_endpoint(self) -> str:  # type: ignore[override]
        return self.metadata.userinfo_endpoint

    @property
    def revocation_endpoint(self) -> str:  # type: ignore[override]
        return self.metadata.revocation_endpoint

    def get_supported_auth_methods(self) -> tuple[str, ...]:
        return self.token_endpoint_auth_methods_supported or self.metadata.token_endpoint_auth_methods_supported

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
            "ui_locales": get_language() if self.ui_locales == ACTIVE_LANGUAGE else self.ui_locales,
            "acr_values": self.acr_values,
            "claims": json.dumps(self.claims) if self.claims else None,
        }

    def get_flow_params(self, flow: PendingFlow) -> dict[str, Any]:
        """Add the nonce, which binds the ID token to this flow (Core 15.5.2)."""
        return {**super().get_flow_params(flow), "nonce": flow.nonce}

    def get_authorization_url(self, *, request: HttpRequest) -> str:
        """Return the URL for the browser, with all parameters or with a reference to pushed ones (RFC 9126 4)."""
        parameters = self.get_authorization_request(request=request)
        if self.push_authorization_requests or self.metadata.require_pushed_authorization_requests:
            parameters = {"client_id": self.get_client_id(), "request_uri": self.push_parameters(parameters)}
        return authorization_url(self.authorization_url, parameters)

    @sensitive_variables()
    def push_parameters(self, parameters: Mapping[str, Any]) -> str:
        """Push the parameters to the provider and return the `request_uri` for them (RFC 9126 2)."""

        def send(secret: str) -> str:
            now, endpoint = time.time(), self.metadata.pushed_authorization_request_endpoint
            if not endpoint:
                raise MetadataInvalid("pushed_authorization_request_endpoint")
            authentication = self.authenticate_client(secret, now=now)
            request = pushed_request(endpoint, parameters, authentication=authentication, headers=self.request_headers)
            return push(self.transport, request, now=now)

        return self.send_with_secret(send)

    # ID tokens.

    @sensitive_variables()
    def verify_id_token(self, oauth_token: OAuthToken, *, request: HttpRequest) -> dict[str, Any]:
        """Return the claims of the ID token after all rules of Core 3.1.3.7."""
        flow = pending_flow(request)
        if flow.purpose == "native":
            return openid_id_token.check_native(self, oauth_token, self.native_client_ids, nonce=flow.nonce).claims
        if flow.purpose == "one_tap":
            return openid_id_token.check_native(self, oauth_token, (self.client_id,), nonce=flow.nonce).claims
        max_age = flow.parameters.get("max_age", self.max_age)
        if max_age is not None:
            # The provider checked the age when the flow began; the time that the person has taken since does not count.
            max_age += max(0, int(time.time()) - flow.begun_at)
        return self.check_id_token(oauth_token, nonce=flow.nonce, max_age=max_age).claims

    def get_essential_acr_values(self) -> tuple[str, ...]:
        """Return the `acr` values that the site's `claims` request as essential (Core 5.5.1.1)."""
        requested = (self.claims.get("id_token") or {}).get("acr") or {}
        if not requested.get("essential"):
            return ()
        return tuple(requested.get("values") or ([requested["value"]] if "value" in requested else ()))

    @sensitive_variables()
    def check_id_token(
        self, oauth_token: OAuthToken, *, nonce: str | None, max_age: int | None, comes_alone: bool = False
    ) -> IDToken:
        """Return the verified ID token of a token response, or of a caller that has no access token beside it."""
        return openid_id_token.check(
            self, oauth_token, client_id=self.client_id, nonce=nonce, max_age=max_age, comes_alone=comes_alone
        )

    @sensitive_variables()
    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        """Fetch the keys, then exchange the refresh token (Core 12), which may not work a second time."""
        self.documents.prepare_keys()
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
        if not oauth_token.id_token:
            return {}
        claims = self.check_id_token(oauth_token, nonce=None, max_age=None).claims
        check_refreshed(claims, subject=subject, nonce_hash=nonce_hash, auth_time=auth_time, had_azp=had_azp)
        if self.get_identity_issuer(claims) != issuer:
            raise InvalidIDToken("iss")
        return claims

    # Userinfo.

    def has_userinfo(self) -> bool:
        """Whether there is a userinfo endpoint (Apple has none) and the site allows requests to it."""
        return self.userinfo != "never" and bool(self.userinfo_endpoint)

    def needs_userinfo(self, claims: Mapping[str, Any], *, is_known: bool, wanted: Sequence[str]) -> bool:
        """Whether to request userinfo; with "auto", only if the ID token lacks claims that the site needs."""
        if self.userinfo != "auto":
            return self.userinfo == "always"
        if not claims.get("email") and (not is_known or bool(self.allowed_email_domains)):
            return bool(self.userinfo_endpoint)
        return not all(is_there(claims, name) for name in wanted) and bool(self.userinfo_endpoint)

    @sensitive_variables()
    def get_userinfo(self, oauth_token: OAuthToken, *, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims of the ID token, completed by userinfo (Core 5.3); without an ID token, only userinfo."""
        userinfo = self.fetch_userinfo(oauth_token.access_token, subject=claims.get("sub"))
        return merge_claims(claims, userinfo, email_claims=self.email_claims) if claims else userinfo

    @sensitive_variables()
    def fetch_userinfo(self, access_token: str, *, subject: str | None) -> dict[str, Any]:
        """Return the userinfo about `subject`, or raise `UserInfoInvalid`. `None`: the subject is not known yet."""
        return openid_userinfo.fetch(self, access_token, subject=subject)

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Not used: the ID token identifies the person, and userinfo completes it."""
        raise UserInfoInvalid("id_token")

    # Access tokens for APIs.

    def may_issue_as(self, issuer: str, profile: TokenProfile) -> bool:
        """Whether this provider may have issued an access token with this issuer. Sends no request."""
        return access_tokens.may_issue_as(self, issuer, profile)

    @sensitive_variables()
    def verify_access_token(
        self, raw: str, *, audiences: Collection[str], profile: TokenProfile, own_clients: Collection[str]
    ) -> VerifiedAccessToken:
        """Return a JWT access token of this provider for one of the audiences (RFC 9068 4)."""
        return access_tokens.verify_access_token(
            self, raw, audiences=audiences, profile=profile, own_clients=own_clients
        )

    @sensitive_variables()
    def introspect_token(self, raw: str) -> dict[str, Any]:
        """Return the provider's introspection response (RFC 7662 2.2). The caller judges it."""
        return access_tokens.introspect_token(self, raw)

    @sensitive_variables()
    def request_tokeninfo(self, raw: str) -> dict[str, Any]:
        """Return the response of the tokeninfo endpoint. The caller judges it."""
        return access_tokens.request_tokeninfo(self, raw)

    # Logout.

    def get_end_session_url(self, *, id_token_hint: str, post_logout_redirect_uri: str, state: str) -> str:
        return end_session_url(
            self.metadata.end_session_endpoint,
            id_token_hint=id_token_hint,
            client_id=self.client_id,
            post_logout_redirect_uri=post_logout_redirect_uri,
            state=state,
        )

    @sensitive_variables()
    def get_id_token_hint(self, oauth_token: OAuthToken) -> str:
        """Return the decrypted ID token, or "" without an end-session endpoint or if it is too long for a URL."""
        if not self.metadata.end_session_endpoint:
            return ""
        hint = decrypted(oauth_token.id_token, self.private_key)
        return hint if len(hint) <= MAX_HINT_LENGTH else ""

    @sensitive_variables()
    def verify_logout_token(self, raw: str) -> LogoutToken:
        """Return the logout token after all rules of Back-Channel Logout 2.6 except the check for reuse."""
        return openid_id_token.check_logout(self, raw)

    def get_logout_issuers(self) -> tuple[str, ...]:
        with self.documents.pausing_after_failures():
            return self.get_accepted_issuers()

    def get_page_origins(self) -> tuple[str, ...]:
        return page_origins(self.metadata)


def with_openid(scope: str) -> str:
    """Return a scope that requests an ID token (Core 3.1.2.1)."""
    return scope if "openid" in scope.split() else f"openid {scope}".strip()
