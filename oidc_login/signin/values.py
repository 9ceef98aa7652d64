"""The values that one sign-in passes from step to step, and what the steps need of the site's backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from oidc_login.flow.pending import Flow
from oidc_login.models import OAuthConnection
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.values import OAuthToken
from oidc_login.signin.claims import Identity
from oidc_login.signin.transaction import SignInTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A flow whose response satisfied every rule of the protocol: the tokens, and the claims of the ID token.

    `id_claims` is empty for a provider without OpenID Connect. `unsigned_names` came through the browser.
    `link_reason` says how a new connection came about, where that is the entrance and not the linking rule. An access
    token that a program has sent may not be meant for userinfo; `may_ask_userinfo` says so.
    """

    request: HttpRequest
    flow: Flow
    provider: OAuthProvider
    token: OAuthToken = field(repr=False)
    id_claims: Mapping[str, Any] = field(repr=False)
    unsigned_names: Mapping[str, Any] = field(repr=False)
    link_reason: str = ""
    may_ask_userinfo: bool = True

    @property
    def can_ask_userinfo(self) -> bool:
        """Whether userinfo may be requested. A phone's SDK may give an ID token without an access token for it."""
        return self.may_ask_userinfo and not (self.id_claims and not self.token.access_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The person of a sign-in, and the existing connection of their identity.

    `is_complete` is false if only an ID token was read: the connection may have more claims.
    """

    identity: Identity
    is_complete: bool
    connection: OAuthConnection | None

    @property
    def claims(self) -> dict[str, Any]:
        return dict(self.identity.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The result of a sign-in or a connect: the user, the written connection, and the proof.

    `keep_tokens` is the backend's hook that stores tokens in the session, if the site's settings want that.
    """

    user: AbstractBaseUser
    connection: OAuthConnection
    provider: OAuthProvider
    flow: Flow
    token: OAuthToken = field(repr=False)
    id_claims: Mapping[str, Any] = field(repr=False)
    keep_tokens: Callable[[str, str], None] | None = field(default=None, repr=False)


class Backend(Protocol):
    """What a sign-in needs of the site's backend (`oidc_login.backends.OIDCLoginBackend` or a subclass).

    Hooks can read the attributes while they run.
    """

    request: HttpRequest
    flow: Flow
    provider: OAuthProvider
    oauth_token: OAuthToken
    identity: Identity
    verified: Verified
    signed_in: SignedIn | None
    transaction: SignInTransaction
    known_free_username: str

    def overrides(self, *names: str) -> bool: ...
    def exchange(self, code: str) -> OAuthToken: ...
    def verify(self) -> dict[str, Any]: ...
    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]: ...
    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any: ...
    def verify_claims(self, claims: dict[str, Any]) -> Any: ...
    def filter_users_by_claims(self, claims: dict[str, Any]) -> Iterable[Any]: ...
    def create_user(self, claims: dict[str, Any]) -> Any: ...
    def describe_user_by_claims(self, claims: dict[str, Any]) -> str: ...
    def update_user(self, user: AbstractBaseUser, claims: dict[str, Any]) -> Any: ...
    def user_can_authenticate(self, user: Any) -> bool: ...
