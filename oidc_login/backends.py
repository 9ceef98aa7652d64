"""The authentication backend: the hooks that a site overrides, each with its safe default.

It subclasses mozilla-django-oidc's backend. The hooks keep their names and signatures and get plain dicts, also for
providers without OpenID Connect. A sign-in itself is in `oidc_login.signin`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, Literal

from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, router
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from oidc_login.conf import django
from oidc_login.exceptions import RefusedBySite
from oidc_login.flow.pending import Flow
from oidc_login.models import OAuthConnection
from oidc_login.mozilla import outside
from oidc_login.mozilla.hooks import TOKEN_FIELDS, UpstreamHooks
from oidc_login.protocol.authorization import AuthorizationResponse
from oidc_login.providers.answers import answers_of
from oidc_login.providers.values import OAuthToken, OAuthUser
from oidc_login.registry import get_provider
from oidc_login.signin import users
from oidc_login.signin.by_token import take_identity
from oidc_login.signin.constraints import refusal
from oidc_login.signin.exchange import identify
from oidc_login.signin.sign_in import admit_and_write, sign_in
from oidc_login.signin.transaction import SignInTransaction
from oidc_login.signin.values import SignedIn, Verified
from oidc_login.signin.write import hold_connection


class OIDCLoginBackend(UpstreamHooks):
    """Signs in people who return from a provider with a pending flow.

    `oidc_login.signin` does the work. This class has the hooks that it calls, and their defaults.
    """

    verified: Verified
    signed_in: SignedIn | None = None
    transaction: SignInTransaction
    known_free_username = ""  # found while searching for accounts, which a sign-up has to do anyway

    # Lower-case user names that claims cannot give to a person, because they look like the site itself.
    reserved_usernames: Collection[str] = users.RESERVED_USERNAMES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: Django creates a backend for every `request.user`, and the base class requires settings."""

    @cached_property
    def UserModel(self) -> Any:  # noqa: N802  # upstream's name
        return get_user_model()

    @sensitive_variables()
    def authenticate(
        self,
        request: HttpRequest | None,
        *,
        flow: Flow | None = None,
        response: AuthorizationResponse | None = None,
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """Return the user for the response to a pending flow, or raise `OAuthError`.

        Return `None` without a flow, because a password form may be posted to any URL. Both values hide their secrets,
        because Django sends them with its signal for failed logins.
        """
        if request is None or flow is None or response is None:
            return None
        self.request, self.flow, self.provider = request, flow, get_provider(flow.provider_key)
        with ExitStack() as commit:
            if not hasattr(self, "transaction"):  # nothing else ends it
                self.transaction = commit.enter_context(SignInTransaction())
            self.signed_in = sign_in(self, request, flow=flow, response=response)
        return self.signed_in.user

    def overrides(self, *names: str) -> bool:
        """Whether the site overrides one of these hooks."""
        return any(getattr(type(self), name) is not getattr(OIDCLoginBackend, name) for name in names)

    # The hooks that sites override: mozilla-django-oidc's names and signatures, with safe defaults.

    @sensitive_variables()
    def get_token(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Exchange the code; return the tokens under the names of `OAuthToken`."""
        with answers_of(self.provider):
            if self.is_set("flow"):
                token = self.provider.get_oauth_token(code=payload["code"], request=self.request)
            else:
                token = outside.ask_for_token(self.provider, payload)
            return {name: getattr(token, name) for name in TOKEN_FIELDS}

    @sensitive_variables()
    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """Return the claims of the ID token after every check of Core 3.1.3.7; {} without OpenID Connect."""
        if not self.is_set("oauth_token"):
            return outside.verified_claims(self.provider, token, nonce=kwargs.get("nonce"))
        self.verified_claims = self.provider.verify_id_token(self.oauth_token, request=self.request)
        return dict(self.verified_claims)

    @sensitive_variables()
    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Return all claims about the person: those of the ID token, completed by userinfo."""
        token = self.oauth_token if self.is_set("oauth_token") else OAuthToken(access_token, id_token=id_token)
        with answers_of(self.provider):
            claims = self.provider.get_userinfo(token, claims=payload)
        if hasattr(self, "verified"):
            # For an override of `get_or_create_user` that calls this method; the hooks after it read the identity.
            is_held = self.is_set("identity")
            self.identity = identify(self.verified, claims, payload)
            if not is_held:
                hold_connection(self)
        return claims

    @sensitive_variables()
    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> AbstractBaseUser:
        """Return the user according to the linking rules, after writing the connection, or raise `OAuthError`.

        mozilla-django-oidc's class for APIs calls this with only an access token.
        """
        if not hasattr(self, "verified"):
            from oidc_login.access_tokens import user_of_userinfo  # not needed to sign people in

            return user_of_userinfo(self, access_token)
        return admit_and_write(self, payload).user

    @sensitive_variables()
    def write_identity(
        self,
        provider_key: str,
        token: OAuthToken,
        person: OAuthUser,
        *,
        purpose: Literal["connect", "site"],
        user: AbstractBaseUser | None = None,
    ) -> OAuthConnection:
        """Return the connection of an identity that the site's own code has from the provider, with its tokens.

        `OAuthConnection.connect` and `OAuthConnection.get_or_createuser` call this.
        """
        provider = get_provider(provider_key)
        claims = person.as_claims()
        return take_identity(self, provider=provider, token=token, claims=claims, purpose=purpose, user=user).connection

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """Return whether the person may sign in at all; true by default."""
        return True

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Iterable[Any]:
        """Return the users that have the email address of the claims, compared safely."""
        name = "" if self.suggested_username(claims) else users.first_username(claims)
        if name.casefold() in self.reserved_usernames:
            name = ""
        found, is_free = users.find_by_email_or_name(self.identity_of(claims).email, name)
        self.known_free_username = name if is_free else ""
        return found

    @sensitive_variables()
    def create_user(self, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """Return a new user with an unusable password; its address is set only when it is verified."""
        return users.make_user(
            self.identity_of(claims), claims, provider=self.provider, get_username=lambda: self.get_username(claims)
        )

    def update_user(self, user: AbstractBaseUser, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """Return the user who signs in again; nothing is changed by default."""
        return user

    def get_username(self, claims: dict[str, Any]) -> str:
        """Return a free user name from the claims, or from mozilla-django-oidc's setting."""
        suggested = self.suggested_username(claims)
        return users.free_username(
            claims, suggested=suggested, reserved=self.reserved_usernames, known_free=self.known_free_username
        )

    def describe_user_by_claims(self, claims: dict[str, Any]) -> str:
        """Describe the person for a log record, without identifying them."""
        return f"an identity of {self.provider.key}"

    def get_user(self, user_id: Any) -> AbstractBaseUser | None:
        """Return the user of a session, `None` if they may not sign in any more.

        A replica may not have a user who has just signed up.
        """
        manager = self.UserModel._default_manager
        try:
            user = manager.get(pk=user_id)
        except self.UserModel.DoesNotExist:
            user = manager.using(router.db_for_write(self.UserModel)).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


@sensitive_variables()
def authenticate(
    request: HttpRequest, *, flow: Flow, response: AuthorizationResponse, establish: Callable[[SignedIn], None]
) -> SignedIn:
    """Return the sign-in for the response to a pending flow, or raise `OAuthError` without writing anything.

    `establish` creates the person's session. It is called in the transaction of the sign-in, after its rows.

    Only this package's backend, or the site's subclass of it, is called: no other backend gets the code. The
    user has the attribute `backend`, as after Django's own function.
    """
    backend = site_backend()
    try:
        with SignInTransaction() as backend.transaction:
            user = backend.authenticate(request, flow=flow, response=response)
            found: SignedIn | None = backend.signed_in
            if user is None or found is None or found.user.pk != user.pk:
                raise RefusedBySite("backend")
            user.backend = get_backend_path(tuple(django.AUTHENTICATION_BACKENDS))
            signed_in = replace(found, user=user, keep_tokens=backend.store_tokens)
            establish(signed_in)
    except PermissionDenied as error:  # how hooks refuse in Django
        raise RefusedBySite from error
    except IntegrityError as error:  # raised by a receiver of `user_logged_in`, or at the commit
        raise refusal(error, getattr(backend, "identity", None), backend.provider) from None
    return signed_in


def site_backend() -> Any:
    """Return a new instance of the site's backend, or raise `RefusedBySite` if there is none of ours."""
    path = get_backend_path(tuple(django.AUTHENTICATION_BACKENDS))
    if not path:
        raise RefusedBySite("no_backend")
    return load_backend(path)


@lru_cache(maxsize=8)
def get_backend_path(paths: tuple[str, ...]) -> str:
    """Return the dotted path of our backend, or "" if there is none, which the system checks report."""
    return next((path for path in paths if issubclass(import_string(path), OIDCLoginBackend)), "")
