"""The interface of a provider, with defaults for a provider that supports nothing special."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from oidc_login.protocol.authorization import PARAMETERS
from oidc_login.protocol.errors import (
    ClientMisconfigured,
    InvalidAccessToken,
    InvalidIDToken,
    InvalidLogoutToken,
    MetadataInvalid,
    UserInfoInvalid,
)
from oidc_login.protocol.userinfo import EMAIL_CLAIMS
from oidc_login.providers.values import OAuthToken, OAuthUser

if TYPE_CHECKING:
    from django.http import HttpRequest

    from oidc_login.protocol.access_token import VerifiedAccessToken
    from oidc_login.protocol.documents import Store
    from oidc_login.protocol.http.api_session import TokenSession, TokenSource
    from oidc_login.protocol.id_token import IDToken
    from oidc_login.protocol.keys import KeySet
    from oidc_login.protocol.logout_token import LogoutToken
    from oidc_login.protocol.metadata import ProviderMetadata
    from oidc_login.protocol.private_key import PrivateKey
    from oidc_login.protocol.token_profiles import TokenProfile


class ProviderInterface:
    """Attributes and methods that a provider class can replace. `OAuthProvider` adds what all providers do."""

    # True in the base classes, which do not describe a specific service.
    is_generic: ClassVar[bool] = True

    authorization_url: str = ""
    default_scope: ClassVar[str] = ""
    display_name: ClassVar[str] = ""
    brand_color: str = "#374151"
    monogram: str = ""
    response_mode: str | None = None

    # The parameters of an authorization response that `read_response` reads. Parameters beyond PARAMETERS are for
    # `claims_from_response` and `narrowed_scope`.
    response_parameters: ClassVar[Sequence[str]] = PARAMETERS
    # The provider's own error codes for `access_denied` (RFC 6749 4.1.2.1).
    cancellation_errors: ClassVar[tuple[str, ...]] = ()
    # The claim with the address and the claim with its verification, which must come from the same source.
    email_claims: ClassVar[tuple[str, ...]] = EMAIL_CLAIMS
    # Claims specific to the provider that are stored with a connection, besides the standard ones.
    kept_claims: ClassVar[tuple[str, ...]] = ()
    # A claim that identifies the person for every client, if `sub` differs per client. Connections store it.
    alternate_claim: ClassVar[str] = ""
    # Claims that the provider sends once; a later sign-in without them does not remove them.
    claims_told_once: ClassVar[tuple[str, ...]] = ()
    # The separator of scopes in the authorization request (RFC 6749 3.3). A class that sets it says why.
    scope_separator: ClassVar[str] = " "
    # Headers of every request to the provider.
    request_headers: Mapping[str, str] = {}
    # The base of relative paths in `connection.session()`; "" if it only takes absolute URLs.
    api_base_url: str = ""

    # Seconds: how long before its expiry an access token is refreshed, and the shortest time between two refreshes.
    refresh_ahead: ClassVar[int] = 60
    refresh_interval: ClassVar[int] = 30
    # Seconds. A class that sets it links to the documentation of its provider.
    shortest_refresh_interval: ClassVar[int] = 0

    # Arguments of a base class that this class does not support.
    unused_arguments: ClassVar[frozenset[str]] = frozenset()

    # The endpoints whose responses identify people.
    identity_endpoints: ClassVar[tuple[str, ...]] = ("authorization_url",)
    # The origins of these endpoints at the provider's own service, if a class builds its URLs from arguments.
    home: ClassVar[tuple[str, ...]] = ()

    # The argument without which no address of this provider counts as verified. A class that sets it says why.
    email_needs: ClassVar[str] = ""
    # Whether the provider sends "true" instead of true. A class that sets it says where.
    sends_booleans_as_strings: ClassVar[bool] = False

    # Whether sign-ins return an ID token, which says when and how the person signed in (Core 2).
    has_id_token: ClassVar[bool] = False
    # Whether the provider supports `prompt=none` (Core 3.1.2.1).
    answers_silently: ClassVar[bool] = False

    # A class whose own `get_oauth_token` posts `self.get_code_verifier(request)` sets this to `True`.
    uses_pkce: bool | None = None

    # The audiences of ID tokens from the provider's SDKs for phones; empty for a class without ID tokens.
    native_client_ids: tuple[str, ...] = ()

    # The script that gives pages an ID token for `client_id` (`oidc_login.contrib.one_tap`), "" where there is none.
    one_tap_script: str = ""

    # Arguments that only some base classes take.
    userinfo_endpoint: str = ""
    mapping: Mapping[str, str] = {}
    discovery_url: str = ""
    expected_issuer: str = ""
    metadata_overrides: Mapping[str, Any] = {}
    id_token_signing_algs: tuple[str, ...] = ()
    leeway: float = 30
    token_endpoint_auth_method: str | None = None
    token_endpoint_auth_methods_supported: ClassVar[tuple[str, ...]] = ()
    private_key: PrivateKey | None = None
    client_assertion_audience: str = "issuer"
    client_assertion_file: str | None = None
    signature_method: str | None = None

    # What a class has to define.

    def get_required_parts(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names that a class has to define, each with the alternatives that it may override."""
        return {
            "authorization_url": ("get_authorization_url",),
            "get_oauth_token": (),
            "get_oauth_user": ("get_userinfo",),
        }

    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        """Exchange the authorization code for tokens."""
        raise NotImplementedError

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Return the person that an access token belongs to, from the provider's API."""
        raise NotImplementedError

    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        """Exchange the refresh token for new tokens (RFC 6749 6)."""
        raise NotImplementedError

    def revoke_oauth_token(self, *, oauth_token: OAuthToken) -> None:
        """Revoke the tokens at the provider, if it supports revocation (RFC 7009)."""

    def open_session(self, source: TokenSource, *, hosts: Iterable[str] | None) -> TokenSession:
        """Return a session for the provider's API that sends the access tokens of `source`."""
        raise NotImplementedError

    def makes_standard_token_requests(self) -> bool:
        """Whether the class exchanges codes with a standard token request, which the diagnosis can test."""
        return False

    def exchange_grant(self, parameters: Mapping[str, str], *, scope: str | None = None) -> OAuthToken:
        """Exchange any grant for tokens (RFC 6749 4); `scope` is the requested scope."""
        raise ClientMisconfigured("grant_type")

    def get_resource(self, url: str, *, oauth_token: OAuthToken) -> Any:
        """Return the JSON of a resource of the provider, requested with the access token."""
        raise NotImplementedError

    # The issuer and its documents.

    def share_documents(self, store: Store | None) -> None:
        """Share the provider's documents between processes in a store."""

    def can_be_found(self) -> bool:
        """Whether the arguments are enough to find the provider's metadata."""
        return False

    def get_issuer(self) -> str:
        """Return the issuer that responses must come from, or "" if there is none (OAuth 2.0)."""
        return ""

    def get_possible_issuers(self) -> tuple[str, ...]:
        """Return the issuers that the settings allow. Sends no request."""
        return ()

    def requires_response_issuer(self) -> bool:
        """Whether the provider includes `iss` in its authorization responses (RFC 9207 2.3)."""
        return False

    def get_metadata(self) -> ProviderMetadata:
        """Return the provider's metadata, or raise `MetadataInvalid` if it publishes none."""
        raise MetadataInvalid("provider")

    def get_keys(self) -> KeySet:
        """Return the keys that verify the provider's signatures (Core 10.1)."""
        raise MetadataInvalid("provider")

    def get_jwk_set(self, *, newer: bool = False) -> Any:
        """Return the published key set as JSON (RFC 7517 5), fetched at most once per cool-down."""
        raise MetadataInvalid("provider")

    def get_jwks_uri(self) -> str | None:
        """Return the URL of the provider's key set, or `None` if there is none."""
        return None

    def get_signing_algorithms(self) -> tuple[str, ...]:
        """Return the algorithms that ID tokens may be signed with."""
        return ()

    # ID tokens and access tokens.

    def verify_id_token(self, oauth_token: OAuthToken, *, request: HttpRequest) -> dict[str, Any]:
        """Return the verified claims of the ID token, or {} without OpenID Connect."""
        return {}

    def check_id_token(
        self, oauth_token: OAuthToken, *, nonce: str | None, max_age: int | None, comes_alone: bool = False
    ) -> IDToken:
        """Return the verified ID token of a token response, or of a caller that has no access token beside it."""
        raise InvalidIDToken("provider")

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
        """Return the claims of a refreshed ID token, or {} if there is none.

        Raise `InvalidIDToken` if it belongs to a different sign-in (Core 12.2).
        """
        return {}

    def get_essential_acr_values(self) -> tuple[str, ...]:
        """Return the authentication contexts of which a sign-in must meet one, or () if any is accepted."""
        return ()

    def verify_access_token(
        self, raw: str, *, audiences: Collection[str], profile: TokenProfile, own_clients: Collection[str]
    ) -> VerifiedAccessToken:
        """Return a JWT access token that the provider issued for an API (RFC 9068 4)."""
        raise InvalidAccessToken("provider")

    def introspect_token(self, raw: str) -> dict[str, Any]:
        """Return the provider's introspection response (RFC 7662 2.2). The caller judges it."""
        raise InvalidAccessToken("provider")

    # Logout.

    def get_end_session_url(self, *, id_token_hint: str, post_logout_redirect_uri: str, state: str) -> str:
        """Return the URL that ends the session at the provider, or "" if the provider does not support this."""
        return ""

    def get_id_token_hint(self, oauth_token: OAuthToken) -> str:
        """Return the hint that a sign-in stores for a later `get_end_session_url`."""
        return ""

    def verify_logout_token(self, raw: str) -> LogoutToken:
        """Return the verified logout token (Back-Channel Logout 2.6), or raise `InvalidIDToken`."""
        raise InvalidLogoutToken("provider")

    def get_logout_issuers(self) -> tuple[str, ...]:
        """Return the issuers that a front-channel logout may name (Front-Channel Logout 2)."""
        return ()

    def get_page_origins(self) -> tuple[str, ...]:
        """Return the origins of the provider's pages that may show ours in a frame."""
        return ()

    # People.

    def claims_from_response(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return names from the authorization response. They are unsigned, so they are only used as names."""
        return {}

    def narrowed_scope(self, scope: str, parameters: Mapping[str, str]) -> str:
        """Return `scope` without what the person declined according to the response; never more than was granted."""
        return scope

    def has_userinfo(self) -> bool:
        """Whether userinfo has more claims about a person than the ID token."""
        return True

    def needs_userinfo(self, claims: Mapping[str, Any], *, is_known: bool, wanted: Sequence[str]) -> bool:
        """Whether to request userinfo. `is_known` says that the identity already has a connection."""
        return True

    def fetch_userinfo(self, access_token: str, *, subject: str | None) -> dict[str, Any]:
        """Return the OpenID Connect userinfo about `subject` (Core 5.3)."""
        raise UserInfoInvalid("userinfo_endpoint")

    def check_claims(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider's settings admit this person."""
        return True
