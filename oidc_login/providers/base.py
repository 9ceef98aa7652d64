"""The base of all providers: arguments, button, authorization request, and verified addresses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from oidc_login.protocol.authorization import AuthorizationResponse, authorization_url, code_challenge
from oidc_login.protocol.errors import MetadataInvalid
from oidc_login.protocol.http.api_session import BearerSession, TokenSession, TokenSource
from oidc_login.protocol.http.client import Transport
from oidc_login.protocol.http.urls import origin_of
from oidc_login.providers.interface import ProviderInterface
from oidc_login.providers.values import OAuthToken, PendingFlow, Secrets, as_tuple, joined, pending_flow

if TYPE_CHECKING:
    from django.http import HttpRequest

# The source of a user field: a claim, or a function of all claims.
ProfileSource = str | Callable[[dict[str, Any]], Any]

MAX_ISSUER_LENGTH = 255  # the length of the column


class OAuthProvider(ProviderInterface):
    """A provider of sign-ins. A subclass defines `authorization_url`, `get_oauth_token` and `get_oauth_user`.

    The keyword arguments are those of the provider's entry in `OIDC_LOGIN_PROVIDERS`. All requests of a process share
    an instance, so it must not store anything about one of them.
    """

    is_generic: ClassVar[bool] = True

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
        callback: str | None = None,
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
        self.client_secrets: Sequence[str] = Secrets(as_tuple(client_secret))
        self.scope = joined(self.default_scope if scope is None else scope)
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
        self.callback = callback
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
        # Group names of the provider that the settings mention.
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
        """Return the one or two letters on the button."""
        return self.monogram if self.monogram and isinstance(self.monogram, str) else str(self.label)[:1].upper()

    # Tokens.

    def can_refresh(self, *, oauth_token: OAuthToken) -> bool:
        """Whether the tokens can be refreshed without the person."""
        offered = type(self).refresh_oauth_token is not OAuthProvider.refresh_oauth_token
        return offered and bool(oauth_token.refresh_token)

    def granted_scopes(self, scope: str) -> frozenset[str]:
        """Return the scopes that were granted, under every name by which the site may request them (RFC 6749 3.3)."""
        return frozenset(scope.split())

    def open_session(self, source: TokenSource, *, hosts: Iterable[str] | None) -> TokenSession:
        """Return a session for the provider's API that sends the access tokens of `source`."""
        return BearerSession(source, hosts=hosts, transport=self.transport)

    # The client.

    def get_client_id(self) -> str:
        return self.client_id

    @property
    def client_secret(self) -> str:
        """The secret of the settings, the first one while it is rotated."""
        return self.client_secrets[0] if self.client_secrets else ""

    def get_client_secret(self) -> str:
        return self.client_secret

    def get_scope(self) -> str:
        return self.scope

    # The authorization request.

    def get_callback_url(self, *, request: HttpRequest) -> str:
        """Return the `redirect_uri` of the flow that this request begins or ends."""
        return pending_flow(request).redirect_uri

    def get_code_verifier(self, request: HttpRequest) -> str:
        """Return the PKCE verifier of the flow that this request ends (RFC 7636 4.5)."""
        return pending_flow(request).code_verifier

    def prepare_flow(self, *, request: HttpRequest) -> Mapping[str, str]:
        """Return data for the end of this flow, to be sealed with it; called once, before anything is sent."""
        return {}

    def get_authorization_url_params(self, *, request: HttpRequest) -> dict[str, Any]:
        """Return the provider's own parameters of the authorization request (RFC 6749 4.1.1)."""
        return {"scope": self.get_scope()}

    def get_authorization_url(self, *, request: HttpRequest) -> str:
        """Return the URL to redirect the browser to for the flow that this request begins."""
        return authorization_url(self.authorization_url, self.get_authorization_request(request=request))

    def get_authorization_request(self, *, request: HttpRequest) -> dict[str, Any]:
        """Return all parameters of the authorization request.

        The parameters that bind the response to this flow are set last, so no setting or subclass can replace them.
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
        """Whether the class uses PKCE; after a challenge, a token request without the verifier would fail."""
        return bool(self.uses_pkce)

    def read_response(self, parameters: Iterable[tuple[str, str]], *, flow: PendingFlow) -> AuthorizationResponse:
        """Return the provider's response to a flow, or raise its error (RFC 6749 4.1.2, RFC 9207)."""
        response = AuthorizationResponse.parse(parameters, names=self.response_parameters)
        response.check_form()
        response.check_issuer(issuer=flow.issuer, required=self.requires_response_issuer())
        response.check_error(cancellations=self.cancellation_errors)
        return response

    # The identity.

    def get_identity_issuer(self, claims: Mapping[str, Any]) -> str:
        """Return the issuer under which the identity is stored (Core 5.7); without an issuer, the provider's server."""
        issuer = self.get_issuer() or self.get_server()
        if len(issuer) > MAX_ISSUER_LENGTH:
            raise MetadataInvalid("issuer")
        return issuer

    def get_server(self) -> str:
        """Return the origin of the server that the settings name, or "" if it is the server of the class.

        Account numbers are only unique per server, and the settings may later name another one. If several servers
        identify people, all their origins are returned.
        """
        used = origins(getattr(self, name, "") for name in self.identity_endpoints)
        named = (inspect.getattr_static(type(self), name, "") for name in self.identity_endpoints)
        if used == (self.home or origins(named)):
            return ""
        return " ".join(used)

    def is_possible_issuer(self, issuer: str) -> bool:
        """Whether the settings allow identities of this issuer. Sends no request.

        If the settings do not decide this, every issuer is possible. A class that overrides `get_identity_issuer`
        must override this method too.
        """
        return issuer == (self.get_issuer() or self.get_server())

    # People.

    def get_userinfo(self, oauth_token: OAuthToken, *, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return all claims about the person, including those of the ID token."""
        return self.get_oauth_user(oauth_token=oauth_token).as_claims()

    def is_email_verified(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider vouches for the address; only the JSON value `true` says so (Core 5.1).

        `trust_email` applies only if the provider makes no statement about the address.
        """
        if not self.can_verify_email():
            return False
        stated = claims.get("email_verified")
        if self.sends_booleans_as_strings and isinstance(stated, str):
            return stated == "true"
        return self.trust_email if stated is None else stated is True

    def can_verify_email(self) -> bool:
        """Whether this entry lets any address of the provider count as verified."""
        return not self.email_needs or bool(getattr(self, self.email_needs))

    def wanted_claims(self) -> list[str]:
        """Return the claims, or the paths to them, that the settings need at each sign-in."""
        return [*self.groups_paths, *(source for source in self.profile_map.values() if isinstance(source, str))]

    def changes_users(self) -> bool:
        """Whether a sign-in changes groups, flags or fields of the user."""
        return bool(self.groups_paths or self.profile_map)


def origins(urls: Iterable[object]) -> tuple[str, ...]:
    """Return the distinct origins of the values that are URLs."""
    found = (origin_of(url) for url in urls if isinstance(url, str))
    return tuple(dict.fromkeys(origin for origin in found if origin))
