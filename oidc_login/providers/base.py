"""What every provider has: its arguments, its button, and the three methods that a class must offer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast

from oidc_login.protocol.authorization import PARAMETERS, AuthorizationResponse, authorization_url, code_challenge
from oidc_login.protocol.errors import InvalidLogoutToken, MetadataInvalid
from oidc_login.protocol.http.api_session import BearerSession, TokenSession, TokenSource
from oidc_login.protocol.http.client import Transport
from oidc_login.protocol.http.urls import origin_of
from oidc_login.protocol.logout_token import LogoutToken
from oidc_login.protocol.userinfo import EMAIL_CLAIMS
from oidc_login.providers.facts import Facts

if TYPE_CHECKING:
    from django.http import HttpRequest

# What a field of the user is taken from: a claim, or what a function makes of all claims.
ProfileSource = str | Callable[[dict[str, Any]], Any]


MAX_ISSUER_LENGTH = 255  # of the column


@dataclass(slots=True)
class OAuthToken:
    """The tokens of one person at one provider. Times are aware datetimes; `None` is unknown."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    access_token_expires_at: datetime | None = None
    refresh_token_expires_at: datetime | None = None
    scope: str = ""
    id_token: str = field(default="", repr=False)


@dataclass(slots=True)
class OAuthUser:
    """The person as a provider without OpenID Connect describes them; `id` never changes for one account."""

    id: str | int
    email: str = field(default="", repr=False)
    email_verified: bool = False
    username: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    picture: str = field(default="", repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_claims(self) -> dict[str, Any]:
        """Return the standard claims (Core 5.1) that say the same; a value that is not known is left out.

        `email_verified` of `claims` is about the address there, and says nothing about another one.
        """
        said = {"preferred_username": self.username, "name": self.name, "picture": self.picture}
        known = {name: value for name, value in said.items() if value}
        claims = {**known, **self.claims, "sub": subject_of(self.id)}
        if not self.email:
            return claims
        if claims.get("email", self.email) != self.email:
            claims.pop("email_verified", None)
        claims["email"] = self.email
        if self.email_verified:
            claims["email_verified"] = self.email_verified  # judged like any other: "false" is not True
        return claims


def subject_of(user_id: object) -> str:
    """Return the identifier as text; "" for what cannot identify anybody."""
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        return str(user_id)
    return user_id if isinstance(user_id, str) else ""


class PendingFlow(Protocol):
    """The part of `oidc_login.flow.Flow` that a provider reads."""

    @property
    def issuer(self) -> str: ...
    @property
    def redirect_uri(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def nonce(self) -> str: ...
    @property
    def code_verifier(self) -> str: ...
    @property
    def begun_at(self) -> int: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def private(self) -> Mapping[str, str]: ...


class Secrets(tuple[str, ...]):
    """Secrets that are not shown with the object that holds them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"


class OAuthProvider:
    """A provider of sign-ins. A subclass needs `authorization_url`, `get_oauth_token` and `get_oauth_user`.

    The keyword arguments are those of the provider's entry in `OIDC_LOGIN_PROVIDERS`. An instance is shared by
    all requests of a process and must not keep anything of one of them.
    """

    authorization_url: str = ""
    default_scope: ClassVar[str] = ""
    display_name: ClassVar[str] = ""
    brand_color: str = "#374151"
    monogram: str = ""
    facts: ClassVar[Facts | None] = None
    response_mode: str | None = None

    # The parameters of an authorization response that `read_response` looks at; those beside PARAMETERS are for
    # `claims_from_response` and `narrowed_scope`.
    response_parameters: ClassVar[Sequence[str]] = PARAMETERS
    # The provider's own words for `access_denied` (RFC 6749 4.1.2.1).
    cancellation_errors: ClassVar[tuple[str, ...]] = ()
    # The address, and what says that it is verified: they are taken from one source.
    email_claims: ClassVar[tuple[str, ...]] = EMAIL_CLAIMS
    # Claims of the provider's own that are kept with a connection, beside the standard ones.
    kept_claims: ClassVar[tuple[str, ...]] = ()
    # Claims that the provider tells once; a later sign-in without them does not take them away.
    claims_told_once: ClassVar[tuple[str, ...]] = ()
    # What stands between scopes in the authorization request (RFC 6749 3.3); a class that sets it says why.
    scope_separator: ClassVar[str] = " "
    # Headers that the provider wants with every request.
    request_headers: Mapping[str, str] = {}
    # Where the paths of `connection.session()` begin; "" where it takes complete addresses alone.
    api_base_url: str = ""

    # Seconds: how long before it expires an access token is refreshed, but not more often than the second says.
    refresh_ahead: ClassVar[int] = 60
    refresh_interval: ClassVar[int] = 30

    # Arguments of a class it derives from for which it has no use.
    unused_arguments: ClassVar[frozenset[str]] = frozenset()

    # The addresses whose answers say who somebody is.
    identity_endpoints: ClassVar[tuple[str, ...]] = ("authorization_url",)
    # The origins of these at the provider's own service, for a class that makes its addresses from arguments.
    home: ClassVar[tuple[str, ...]] = ()

    # The argument that an entry has to give before the provider's word about an address counts; a class that sets it
    # says whose word it would be otherwise.
    email_needs: ClassVar[str] = ""

    # A provider that writes "true" for true; a class that sets it says which provider forces it to.
    sends_booleans_as_strings: ClassVar[bool] = False

    # Whether sign-ins bring an ID token, which says when and how the person signed in (Core 2).
    has_id_token: ClassVar[bool] = False
    # Whether `prompt=none` asks for an answer without any page (Core 3.1.2.1).
    answers_silently: ClassVar[bool] = False
    # Seconds; a class that sets it says where its provider asks for that.
    shortest_refresh_interval: ClassVar[int] = 0

    # A class whose own `get_oauth_token` posts `self.get_code_verifier(request)` says so by `True`.
    uses_pkce: bool | None = None

    def __init__(
        self,
        *,
        provider_key: str,
        client_id: str,
        client_secret: str | Sequence[str] = "",
        scope: str | Sequence[str] | None = None,
        label: str | None = None,
        icon: str = "",
        brand_color: str | None = None,
        monogram: str | None = None,
        authorization_params: Mapping[str, Any] | None = None,
        timeout: float = 10,
        ca_bundle: str | None = None,
        allow_login: bool = True,
        allow_signup: bool | None = None,
        link_by_email: str | None = None,
        allowed_email_domains: Sequence[str] = (),
        trust_email: bool = False,
        store_tokens: bool = True,
        groups_claim: str | Sequence[str] = "",
        groups_missing: Literal["remove", "keep", "refuse"] = "remove",
        group_map: Mapping[str, str | Sequence[str]] | None = None,
        create_groups: bool = False,
        staff_groups: Sequence[str] = (),
        superuser_groups: Sequence[str] = (),
        profile_map: Mapping[str, ProfileSource] | None = None,
        refuse_private_addresses: bool = False,
        proxy: str | None = None,
    ) -> None:
        self.provider_key = provider_key
        self.client_id = client_id
        self._client_secrets = Secrets((client_secret,) if isinstance(client_secret, str) else client_secret)
        self.scope = _joined(self.default_scope if scope is None else scope)
        self.label = label or self._default_label()
        self.icon = icon
        self.brand_color = brand_color or self.brand_color
        self.monogram = monogram or self.monogram
        self.authorization_params = dict(authorization_params or {})
        self.transport = Transport(
            timeout=timeout,
            ca_bundle=ca_bundle,
            refuse_private_addresses=refuse_private_addresses,
            proxy=proxy,
        )
        self.allow_login = allow_login
        self.allow_signup = allow_signup
        self.link_by_email = link_by_email
        self.allowed_email_domains = tuple(domain.lower() for domain in allowed_email_domains)
        self.trust_email = trust_email
        self.store_tokens = store_tokens
        self.groups_claim = groups_claim
        self.groups_paths = tuple(path for path in as_tuple(groups_claim) if path)
        self.groups_missing = groups_missing
        self.group_map = {name: as_tuple(groups) for name, groups in (group_map or {}).items()}
        self.create_groups = create_groups
        self.staff_groups = tuple(staff_groups)
        self.superuser_groups = tuple(superuser_groups)
        # Names at the provider that give something here by their exact spelling.
        self.known_groups = frozenset((*self.group_map, *self.staff_groups, *self.superuser_groups))
        self.profile_map = dict(profile_map or {})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.provider_key}>"

    @property
    def key(self) -> str:
        """The provider's key in `OIDC_LOGIN_PROVIDERS`."""
        return self.provider_key

    def _default_label(self) -> str:
        if self.display_name.lower() == self.provider_key:
            return self.display_name
        return self.provider_key.replace("-", " ").replace("_", " ").title()

    def initials(self) -> str:
        """Return the one or two letters that stand on the button."""
        return self.monogram if self.monogram and isinstance(self.monogram, str) else str(self.label)[:1].upper()

    # What a subclass offers.

    def get_oauth_token(self, *, code: str, request: HttpRequest) -> OAuthToken:
        """Exchange the authorization code for tokens."""
        raise NotImplementedError

    def get_oauth_user(self, *, oauth_token: OAuthToken) -> OAuthUser:
        """Ask the provider who the access token belongs to."""
        raise NotImplementedError

    def refresh_oauth_token(self, *, oauth_token: OAuthToken) -> OAuthToken:
        """Exchange the refresh token for new tokens (RFC 6749 6)."""
        raise NotImplementedError

    def can_refresh(self, *, oauth_token: OAuthToken) -> bool:
        """Whether new tokens can be had without the person."""
        offered = type(self).refresh_oauth_token is not OAuthProvider.refresh_oauth_token
        return offered and bool(oauth_token.refresh_token)

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
        """Return the claims of a refreshed ID token; raise `InvalidIDToken` where it is not about the same sign-in.

        There is none here.
        """
        return {}

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """Return what a granted scope allows, by all names that it can be asked for (RFC 6749 3.3)."""
        return frozenset(scope.split())

    def revoke_oauth_token(self, *, oauth_token: OAuthToken) -> None:
        """Take the tokens back at the provider, where it offers that (RFC 7009)."""

    def open_session(self, source: TokenSource, *, hosts: Iterable[str] | None) -> TokenSession:
        """Return a session for the provider's API that sends the access tokens of `source`."""
        return BearerSession(source, hosts=hosts, transport=self.transport)

    # What a subclass may use or change.

    def get_client_id(self) -> str:
        return self.client_id

    def get_client_secret(self) -> str:
        return self._client_secrets[0] if self._client_secrets else ""

    def get_scope(self) -> str:
        return self.scope

    def get_callback_url(self, *, request: HttpRequest) -> str:
        """Return the `redirect_uri` of the flow that this request begins or ends."""
        return pending_flow(request).redirect_uri

    def get_code_verifier(self, request: HttpRequest) -> str:
        """Return the PKCE verifier of the flow that this request ends (RFC 7636 4.5)."""
        return pending_flow(request).code_verifier

    def prepare_flow(self, *, request: HttpRequest) -> Mapping[str, str]:
        """Return what the end of this flow needs besides, for its sealed part; asked once, before anything is sent."""
        return {}

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        """Return the provider's own parameters of the authorization request (RFC 6749 4.1.1)."""
        return {"scope": self.get_scope()}

    def get_authorization_url(self, *, request: HttpRequest) -> str:
        """Return where to send the browser for the flow that this request begins."""
        return authorization_url(self.authorization_url, self.get_authorization_request(request=request))

    def get_authorization_request(self, *, request: HttpRequest) -> dict[str, Any]:
        """Return all parameters of the authorization request.

        What binds the answer to this flow is set last: no setting and no subclass replaces it.
        """
        parameters = {
            **self.get_authorization_url_params(request=request),
            **self.authorization_params,
            **self.get_flow_params(pending_flow(request)),
        }
        if self.scope_separator != " ":
            parameters["scope"] = self.scope_separator.join(str(parameters.get("scope", "")).split())
        return parameters

    def get_flow_params(self, flow: PendingFlow) -> dict[str, Any]:
        """Return the parameters that belong to one flow (RFC 6749 4.1.1, RFC 7636 4.3)."""
        parameters = {
            **flow.parameters,
            "response_type": "code",
            "client_id": self.get_client_id(),
            "redirect_uri": flow.redirect_uri,
            "state": flow.state,
        }
        if self.sends_code_challenge():
            parameters["code_challenge"] = code_challenge(flow.code_verifier)
            parameters["code_challenge_method"] = "S256"
        return parameters

    def sends_code_challenge(self) -> bool:
        """Whether PKCE is used; a token request that leaves the verifier out would fail after a challenge."""
        return bool(self.uses_pkce)

    # What the sign-in asks of every provider.

    def get_issuer(self) -> str:
        """Return the issuer that answers must come from; "" where there is none (OAuth 2.0)."""
        return ""

    def get_possible_issuers(self) -> tuple[str, ...]:
        """Return what the issuer can be, by the settings alone and without asking the provider."""
        return ()

    def read_response(self, parameters: Iterable[tuple[str, str]], *, flow: PendingFlow) -> AuthorizationResponse:
        """Return the provider's answer to a flow, or raise what is wrong with it (RFC 6749 4.1.2, RFC 9207)."""
        response = AuthorizationResponse.parse(parameters, names=self.response_parameters)
        response.check_form()
        response.check_issuer(issuer=flow.issuer, required=self.requires_response_issuer())
        response.check_error(cancellations=self.cancellation_errors)
        return response

    def requires_response_issuer(self) -> bool:
        """Whether the provider promises `iss` in its authorization responses (RFC 9207 2.3)."""
        return False

    def verify_id_token(self, oauth_token: OAuthToken, *, request: HttpRequest) -> dict[str, Any]:
        """Return the verified claims of the ID token; none without OpenID Connect."""
        return {}

    # Signing out. What is not said here does not happen: a provider without OpenID Connect says nothing.

    def get_end_session_url(self, *, id_token_hint: str, post_logout_redirect_uri: str, state: str) -> str:
        """Return where the browser ends the session at the provider; "" where that is not offered."""
        return ""

    def get_id_token_hint(self, oauth_token: OAuthToken) -> str:
        """Return what a sign-in has to keep for `get_end_session_url`, to be shown to the provider then."""
        return ""

    def verify_logout_token(self, raw: str) -> LogoutToken:
        """Return the verified logout token (Back-Channel Logout 2.6), or raise `InvalidIDToken`."""
        raise InvalidLogoutToken("provider")

    def get_logout_issuers(self) -> tuple[str, ...]:
        """Return what a front-channel logout may call the issuer (Front-Channel Logout 2)."""
        return ()

    def get_page_origins(self) -> tuple[str, ...]:
        """Return the origins of the provider's own pages, which may hold ours in a frame."""
        return ()

    def get_essential_acr_values(self) -> tuple[str, ...]:
        """Return the authentication contexts of which a sign-in must meet one; () where any will do."""
        return ()

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        """Return the issuer under which the identity is kept (Core 5.7), or else the server that knows it."""
        issuer = self.get_issuer() or self.get_server()
        if len(issuer) > MAX_ISSUER_LENGTH:
            raise MetadataInvalid("issuer")
        return issuer

    def get_server(self) -> str:
        """Return the origin of the server that the settings name; "" for the one that the class itself names.

        The number of an account means something at one server only, and settings can come to name another one. Where
        several servers say who somebody is, all of their origins are returned.
        """
        used = origins(getattr(self, name, "") for name in self.identity_endpoints)
        named = (inspect.getattr_static(type(self), name, "") for name in self.identity_endpoints)
        if used == (self.home or origins(named)):
            return ""
        return " ".join(used)

    def is_possible_issuer(self, issuer: str) -> bool:
        """Whether identities may be kept under an issuer, by the settings alone and without asking the provider.

        Where the settings cannot tell, every issuer may be one. A class that overrides `get_identity_issuer` overrides
        this too.
        """
        return issuer == (self.get_issuer() or self.get_server())

    def claims_from_response(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return names that came through the browser beside the code. They are unsigned, and nothing but names."""
        return {}

    def narrowed_scope(self, scope: str, parameters: Mapping[str, str]) -> str:
        """Return what of a granted scope is left by what came through the browser, which can never widen it."""
        return scope

    def has_userinfo(self) -> bool:
        """Whether more can be asked about a person than the ID token says."""
        return True

    def needs_userinfo(self, claims: Mapping[str, Any], *, is_known: bool, wanted: Sequence[str]) -> bool:
        """Whether userinfo must be asked to know enough; `is_known`: the identity has a connection already."""
        return True

    def get_userinfo(self, oauth_token: OAuthToken, *, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return all claims about the person, beginning with those of the ID token."""
        return self.get_oauth_user(oauth_token=oauth_token).as_claims()

    def is_email_verified(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider vouches for the address: by the JSON value `true` alone (Core 5.1).

        `trust_email` stands in where the provider says nothing, never where it says anything else.
        """
        if not self.can_verify_email():
            return False
        stated = claims.get("email_verified")
        if self.sends_booleans_as_strings and isinstance(stated, str):
            return stated == "true"
        return self.trust_email if stated is None else stated is True

    def can_verify_email(self) -> bool:
        """Whether the provider's word about an address counts at all, as this entry is written."""
        return not self.email_needs or bool(getattr(self, self.email_needs))

    def wanted_claims(self) -> list[str]:
        """Return the claims, or the paths to them, that the provider's own settings need at each sign-in."""
        return [*self.groups_paths, *(source for source in self.profile_map.values() if isinstance(source, str))]

    def changes_users(self) -> bool:
        """Whether a sign-in changes groups, flags or fields of the user."""
        return bool(self.groups_paths or self.profile_map)

    def check_claims(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider's own settings let this person in."""
        return True


def origins(urls: Iterable[object]) -> tuple[str, ...]:
    """Return the origins of those that are URLs, each once."""
    found = (origin_of(url) for url in urls if isinstance(url, str))
    return tuple(dict.fromkeys(origin for origin in found if origin))


def pending_flow(request: HttpRequest) -> PendingFlow:
    """Return the flow that this request begins or ends."""
    return cast("PendingFlow", request.oauth_flow)  # type: ignore[attr-defined]  # set by oidc_login.flow


def as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name, or several."""
    return (names,) if isinstance(names, str) else tuple(names)


def _joined(scope: str | Sequence[str]) -> str:
    return scope if isinstance(scope, str) else " ".join(scope)
