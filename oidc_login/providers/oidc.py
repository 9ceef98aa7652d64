"""OpenID Connect: everything follows from the discovery document (Core, Discovery)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from ..protocol.access_token import introspection_request, read_introspection, verify_access_token
from ..protocol.authorization import authorization_url
from ..protocol.discovery import CachedDocument, Store, read_json
from ..protocol.errors import (
    InvalidAccessToken,
    InvalidIDToken,
    MetadataInvalid,
    ProviderUnavailable,
    UnknownKey,
    UserInfoInvalid,
)
from ..protocol.id_token import IDToken, check_refreshed, verify_id_token
from ..protocol.jose import ASYMMETRIC_ALGORITHMS, MIN_SECRET_BYTES, SYMMETRIC_ALGORITHMS, is_encrypted
from ..protocol.keys import KeySet
from ..protocol.logout import LogoutToken, verify_logout_token
from ..protocol.metadata import (
    REQUIRED_URLS,
    ProviderMetadata,
    TenantRule,
    check_issuer,
    discovery_url_for,
    issuers_for,
)
from ..protocol.userinfo import EMAIL_CLAIMS, fetch_userinfo, merge_claims, verify_userinfo_jwt
from .base import OAuthToken, OAuthUser, PendingFlow, pending_flow
from .oauth2 import ENDPOINTS, OAuth2Provider

if TYPE_CHECKING:
    from django.http import HttpRequest

MAX_HINT_LENGTH = 2048  # a URL that is much longer does not arrive everywhere
PAUSE = 5  # seconds

T = TypeVar("T")


class OIDCProvider(OAuth2Provider):
    """An OpenID provider: `discovery_url` or `issuer`, and the client's registration."""

    default_scope = "openid email profile"
    default_discovery_url: ClassVar[str] = ""
    answers_silently = True
    default_claims: ClassVar[Mapping[str, Any]] = {}
    email_claims: ClassVar[tuple[str, ...]] = EMAIL_CLAIMS
    # The discovery document, completed by `metadata`, says the one; the claims have their own names.
    unused_arguments = frozenset(("mapping", *ENDPOINTS))

    # What the document lacks. A class that sets one of these says which provider forces it to, as for those below.
    default_metadata: ClassVar[Mapping[str, Any]] = {}
    token_endpoint_auth_methods_supported: ClassVar[tuple[str, ...]] = ()
    # Spellings of the issuer in its document and in ID tokens; identities are kept under the first.
    issuer_aliases: ClassVar[tuple[str, ...]] = ()
    # An issuer for each tenant.
    tenants: ClassVar[TenantRule | None] = None
    # The nonce never comes back.
    insecure_allow_missing_nonce: ClassVar[bool] = False
    # Other clients are named as the audience too.
    insecure_allow_further_audiences: ClassVar[bool] = False

    def __init__(
        self,
        *,
        discovery_url: str = "",
        issuer: str = "",
        metadata: Mapping[str, Any] | None = None,
        id_token_signing_algs: Sequence[str] | None = None,
        userinfo: Literal["auto", "always", "never"] = "auto",
        leeway: float = 30,
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
        self.metadata_overrides = {**self.default_metadata, **(metadata or {})}
        self._expected_issuer = issuer or self.metadata_overrides.get("issuer", "")
        self.discovery_url = discovery_url or self.default_discovery_url
        if not self.discovery_url and self._expected_issuer:
            self.discovery_url = discovery_url_for(self._expected_issuer)
        self.id_token_signing_algs = tuple(id_token_signing_algs or ())
        self.userinfo = userinfo
        self.leeway = leeway
        self.max_age = max_age
        self.prompt = prompt
        self.acr_values = acr_values
        self.ui_locales = ui_locales
        self.claims = dict(self.default_claims if claims is None else claims)
        self.response_mode = response_mode
        self.third_party_initiated_login = third_party_initiated_login
        self.store: Store | None = None
        self._document: CachedDocument[ProviderMetadata] | None = None
        self._key_set: CachedDocument[KeySet] | None = None
        self._spared_until = 0.0
        self._making = threading.Lock()  # two threads must not make two documents, and fetch both

    # Metadata and keys.

    def _parse_metadata(self, document: object) -> ProviderMetadata:
        metadata = ProviderMetadata.from_json(document, overrides=self.metadata_overrides, tenants=self.tenants)
        self.check_document(metadata)
        return metadata

    def check_document(self, metadata: ProviderMetadata) -> None:
        """The document must be the one of the issuer that was asked (Discovery 4.3)."""
        check_issuer(metadata, expected=self.get_possible_issuers())

    @property
    def metadata(self) -> ProviderMetadata:
        """The provider's metadata, from its discovery document and the site's `metadata`."""
        if self._document is None and all(self.metadata_overrides.get(name) for name in REQUIRED_URLS):
            return self._complete_metadata
        return (self._document or self._make_document()).get(now=time.time())

    def _make_document(self) -> CachedDocument[ProviderMetadata]:
        with self._making:
            if self._document is None:
                self._document = CachedDocument(
                    self.discovery_url, parse=self._parse_metadata, transport=self.transport, store=self.store
                )
            return self._document

    @cached_property
    def _complete_metadata(self) -> ProviderMetadata:
        """The metadata of settings that need no document."""
        return ProviderMetadata.from_json(self.metadata_overrides)

    def _published_keys(self) -> CachedDocument[KeySet]:
        url = self.metadata.jwks_uri
        with self._making:
            if self._key_set is None or self._key_set.url != url:
                self._key_set = CachedDocument(url, parse=KeySet.from_json, transport=self.transport, store=self.store)
            return self._key_set

    def get_jwk_set(self, *, newer: bool = False) -> Any:
        """Return the published key set as it is (RFC 7517 5), asked for anew at most once in a cool-down."""
        published, now = self._published_keys(), time.time()
        keys = published.get(now=now)
        if newer:
            published.newer_than(keys, now=now)
        return read_json(published.body)

    @property
    def authorization_endpoint(self) -> str:  # type: ignore[override]  # known after discovery
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

    def can_be_found(self) -> bool:
        """Whether the arguments say where the provider describes itself."""
        return bool(self.discovery_url)

    def get_issuer(self) -> str:
        return self.metadata.issuer

    def get_possible_issuers(self) -> tuple[str, ...]:
        own = (self._expected_issuer,) if self._expected_issuer else issuers_for(self.discovery_url)
        return (*own, *self.issuer_aliases)

    def get_accepted_issuers(self) -> tuple[str, ...]:
        """Return what tokens may call the issuer: as its document does today, and as its class knows it."""
        return (self.metadata.issuer, *self.issuer_aliases)

    def get_lasting_issuer(self) -> str:
        """Return the issuer by the one name under which identities are kept, however the document spells it today."""
        issuer = self.metadata.issuer
        return self.issuer_aliases[0] if issuer in self.issuer_aliases else issuer

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        return self.get_lasting_issuer()

    def requires_response_issuer(self) -> bool:
        return self.metadata.authorization_response_iss_parameter_supported

    def get_supported_auth_methods(self) -> tuple[str, ...]:
        return self.token_endpoint_auth_methods_supported or self.metadata.token_endpoint_auth_methods_supported

    def get_signing_algorithms(self) -> tuple[str, ...]:
        """Return the algorithms that ID tokens may be signed with: the site's list, else the advertised ones.

        A MAC is allowed by the site's list alone; without any word the default is RS256 (Registration 2).
        """
        if self.id_token_signing_algs:
            known = (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS)
            return tuple(name for name in self.id_token_signing_algs if name in known)
        advertised = self.metadata.id_token_signing_alg_values_supported
        return tuple(name for name in advertised if name in ASYMMETRIC_ALGORITHMS) or ("RS256",)

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
    def check_refreshed_token(self, oauth_token: OAuthToken, *, issuer: str, subject: str, nonce_hash: str) -> None:
        """Raise `InvalidIDToken` where a refreshed ID token, if one came, differs from the first (Core 12.2)."""
        if not oauth_token.id_token:
            return
        claims = self.check_id_token(oauth_token, nonce=None, max_age=None).claims
        check_refreshed(claims, subject=subject, nonce_hash=nonce_hash)
        if self.get_identity_issuer(claims) != issuer:
            raise InvalidIDToken("iss")

    def _decrypted(self, raw: str) -> str:
        """Return the nested signed token of an encrypted one (Core 10.2), only where a key is configured."""
        if not is_encrypted(raw):
            return raw
        if self._private_key is None:
            raise InvalidIDToken("encryption")
        return self._private_key.decrypt(raw)

    def _with_keys(self, verify: Callable[[KeySet], T]) -> T:
        """Verify with the keys at hand, and once more with newer ones when none of them fits (Core 10.1.1)."""
        secret = self._secret_keys()
        if self._needs_secret_alone():
            return verify(secret)
        published = self._published_keys()
        keys = published.get(now=time.time())
        try:
            return verify(keys + secret)
        except UnknownKey:
            newer = published.newer_than(keys, now=time.time())
            if newer is keys:
                raise
            return verify(newer + secret)

    def _needs_secret_alone(self) -> bool:
        """Whether the site's list allows MACs and nothing else."""
        asymmetric = any(name in ASYMMETRIC_ALGORITHMS for name in self.id_token_signing_algs)
        return bool(self._secret_keys().keys) and not asymmetric

    def _secret_keys(self) -> KeySet:
        """Return the client secrets as keys, where the site's list allows a MAC and they are long enough."""
        if not any(name in SYMMETRIC_ALGORITHMS for name in self.id_token_signing_algs):
            return KeySet()
        long_enough = [s for s in self._client_secrets if len(s.encode()) >= MIN_SECRET_BYTES]
        return sum(map(KeySet.of_secret, long_enough), KeySet())

    # Access tokens that others send.

    @sensitive_variables()
    def verify_access_token(self, raw: str, *, audiences: Collection[str]) -> dict[str, Any]:
        """Return the claims of a JWT access token of this provider for one of the audiences (RFC 9068 4)."""
        issuers = self.get_accepted_issuers()

        def verify(keys: KeySet) -> dict[str, Any]:
            return verify_access_token(
                raw,
                keys=keys,
                algorithms=self.get_signing_algorithms(),
                issuers=issuers,
                audiences=audiences,
                now=time.time(),
                leeway=self.leeway,
            )

        try:
            return self._with_keys(verify)
        except UnknownKey as error:
            raise InvalidAccessToken(error.reason) from error

    @sensitive_variables()
    def introspect_token(self, raw: str) -> dict[str, Any]:
        """Return what the provider says of a token (RFC 7662 2.2), which is still to be judged."""
        if not self.metadata.introspection_endpoint:
            raise InvalidAccessToken("introspection_endpoint")
        now = time.time()
        request = introspection_request(
            self.metadata.introspection_endpoint,
            raw,
            authentication=self.authenticate_client(self.get_client_secrets()[self._first_secret], now=now),
        )
        return read_introspection(self.transport.send(request), now=now)

    # Signing out.

    def get_end_session_url(self, *, id_token_hint: str, post_logout_redirect_uri: str, state: str) -> str:
        """Return where the browser ends the session at the provider (RP-Initiated Logout 2); "" where it cannot."""
        endpoint = self.metadata.end_session_endpoint
        parameters = {
            "id_token_hint": id_token_hint,
            "client_id": self.client_id,
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
        }
        return authorization_url(endpoint, parameters) if endpoint else ""

    @sensitive_variables()
    def get_id_token_hint(self, oauth_token: OAuthToken) -> str:
        """Return the ID token, decrypted as it has to be for this; "" where it is of no use or too long for a URL."""
        if not self.metadata.end_session_endpoint:
            return ""
        hint = self._decrypted(oauth_token.id_token)
        return hint if len(hint) <= MAX_HINT_LENGTH else ""

    @sensitive_variables()
    def verify_logout_token(self, raw: str) -> LogoutToken:
        """Return the logout token after all rules of Back-Channel Logout 2.6, but for its use before."""

        def verify(keys: KeySet) -> LogoutToken:
            return verify_logout_token(
                signed,
                keys=keys,
                algorithms=self.get_signing_algorithms(),
                issuers=self.get_logout_issuers(),
                client_id=self.client_id,
                now=time.time(),
                leeway=self.leeway,
            )

        signed = self._decrypted(raw)
        with self._spared():
            return self._with_keys(verify)

    def get_logout_issuers(self) -> tuple[str, ...]:
        with self._spared():
            return self.get_accepted_issuers()

    def get_page_origins(self) -> tuple[str, ...]:
        metadata = self.metadata
        pages = (metadata.issuer, metadata.authorization_endpoint, metadata.end_session_endpoint)
        return tuple(dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in pages if url))

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """Ask the provider no more for a while whose documents could not be had: anybody may post a logout token."""
        if time.time() < self._spared_until:
            raise ProviderUnavailable("documents")
        try:
            yield
        except (ProviderUnavailable, MetadataInvalid):
            self._spared_until = time.time() + PAUSE
            raise

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
        return any(name not in claims for name in wanted) and bool(self.userinfo_endpoint)

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
