"""The authentication backend: where protocol errors become Django's, and where a site's hooks are called.

It subclasses mozilla-django-oidc's backend. The hooks keep their names and signatures and get plain dicts,
also for providers without OpenID Connect; what stands behind them is this package's own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NoReturn, cast

from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, OperationalError, router, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from . import hooks, signals
from .conf import django, settings
from .exceptions import (
    ConfirmLink,
    Inactive,
    OAuthError,
    ProviderUnavailable,
    RefusedBySite,
    SignupClosed,
    StepUpFailed,
    UserInfoInvalid,
    from_protocol,
)
from .flow import Flow
from .models import REFRESH_TOKEN_FIELDS, LinkReason, OAuthConnection
from .protocol.authorization import AuthorizationResponse
from .protocol.errors import ProtocolError
from .protocol.id_token import auth_time_of, is_subject
from .protocol.transport import MAX_TIMEOUT, time_budget
from .providers.answers import answers_of, http_answers
from .providers.base import OAuthToken
from .registry import get_provider
from .signin import linking, pending_link, users
from .signin.claims import Identity, clean_email, storable
from .upstream.hooks import TOKEN_FIELDS, UpstreamHooks

logger = logging.getLogger(__name__)

CLAIMS_HOOKS = (
    "verify_claims",
    "filter_users_by_claims",
    "create_user",
    "update_user",
    "get_username",
    "describe_user_by_claims",
)
UNSIGNED_CLAIMS = ("name", "given_name", "family_name")


class ConnectionGone(Exception):
    """The connection was removed between reading and writing it."""


# What a lost race or a lock of the database looks like.
RACES = (IntegrityError, OperationalError, ConnectionGone)


class OIDCLoginBackend(UpstreamHooks):
    """Signs people in who come back from a provider with a pending flow."""

    response: AuthorizationResponse | None = None
    identity: Identity
    says_all: bool  # an ID token alone may say less than is known already
    connection: OAuthConnection | None = None
    found_by_site: AbstractBaseUser | None = None  # by an override that knows no connections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: Django makes a backend for every `request.user`, and upstream's demands settings."""

    @cached_property
    def UserModel(self) -> Any:  # noqa: N802  # upstream's name
        return get_user_model()

    # The way of a sign-in.

    @sensitive_variables()
    def authenticate(
        self,
        request: HttpRequest | None,
        *,
        flow: Flow | None = None,
        response: AuthorizationResponse | None = None,
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """Return the user whom the response to a pending flow proves, or raise `OAuthError`.

        Without a flow there is nothing to do: a password form may be posted to any URL. Both values hide their
        secrets, since Django tells whoever listens with what a login failed.
        """
        if request is None or flow is None or response is None:
            return None
        self.request, self.flow, self.response = request, flow, response
        self.provider = get_provider(flow.provider_key)
        try:
            self.oauth_token = self.exchange(response.code)
            self.oauth_token.scope = self.provider.narrowed_scope(self.oauth_token.scope, response.further)
            request.oauth_token = self.oauth_token  # type: ignore[attr-defined]  # read by oidc_login.views
            payload = self.verify()
            self._check_authentication_context(payload)
            request.oauth_claims = payload  # type: ignore[attr-defined]  # read by oidc_login.views
            return self._find_person(payload)
        except ProtocolError as error:
            raise from_protocol(error) from error
        except OAuthError:
            raise
        except SuspiciousOperation as error:  # upstream's way for a hook to say no
            raise RefusedBySite from error

    @sensitive_variables()
    def get_token(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Exchange the code; return the tokens by the names of `OAuthToken`."""
        with answers_of(self.provider):
            token = self.provider.get_oauth_token(code=payload["code"], request=self.request)
            return {name: getattr(token, name) for name in TOKEN_FIELDS}

    @sensitive_variables()
    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """Return the claims of the ID token after all rules of Core 3.1.3.7; {} without OpenID Connect."""
        self.verified_claims = self.provider.verify_id_token(self.oauth_token, request=self.request)
        return dict(self.verified_claims)

    def _check_authentication_context(self, claims: Mapping[str, Any]) -> None:
        """The sign-in must be as strong as this flow, or else the provider's settings, asked for (Core 5.5.1.1)."""
        asked = str(self.flow.parameters.get("acr_values", "")).split()
        wanted = asked or self.provider.get_essential_acr_values()
        if wanted and claims.get("acr") not in wanted:
            raise StepUpFailed("acr")

    @sensitive_variables()
    def _find_person(self, payload: dict[str, Any]) -> AbstractBaseUser:
        """Ask `get_or_create_user`, a site's own in a transaction, since what it answers may be refused."""
        token = self.oauth_token
        if self.flow.purpose == "connect" or not self._overrides("get_or_create_user"):
            return OIDCLoginBackend.get_or_create_user(self, token.access_token, token.id_token, payload)
        if payload:
            self.identity, self.says_all = self._identify(payload, payload), False
        try:
            with transaction.atomic(using=router.db_for_write(OAuthConnection)):
                user = self.get_or_create_user(token.access_token, token.id_token, payload)
                return self._checked(user, payload)
        except (IntegrityError, OperationalError) as error:
            raise ProviderUnavailable("database") from error

    @sensitive_variables()
    def _checked(self, user: AbstractBaseUser | None, payload: dict[str, Any]) -> AbstractBaseUser:
        """Return the user of an overridden `get_or_create_user`, connected to the identity by the rules for hooks."""
        if user is None:
            raise RefusedBySite("get_or_create_user")
        if self.connection is None:
            self.found_by_site = user
            claims, connection = self._admitted(payload)
            return self._write(claims, connection, payload)
        if self.connection.user_id != user.pk:
            raise RefusedBySite("get_or_create_user")
        return user

    @sensitive_variables()
    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> AbstractBaseUser:
        """Return the user that the linking rules name, with the connection written, or raise `OAuthError`."""
        if getattr(self, "flow", None) is None:
            return self._user_of_bearer_token(access_token)
        claims, connection = self._admitted(payload)
        try:
            return self._write(claims, connection, payload)
        except SignupClosed:
            logger.debug("nobody is known as %s", self.describe_user_by_claims(claims))
            raise

    @sensitive_variables()
    def _admitted(self, payload: dict[str, Any]) -> tuple[dict[str, Any], OAuthConnection | None]:
        """Return the claims about a person who may come in at all, and the connection of a known one."""
        connection = None
        if payload:
            self.identity = self._identify(payload, payload)
            connection = OAuthConnection.objects.find(self.identity)
        if self._needs_userinfo(payload, is_known=connection is not None):
            self._ask_for_all(payload)
        else:
            self.says_all = bool(self.identity.email)
        claims = dict(self.identity.claims)
        if not (self.provider.check_claims(claims) and self.verify_claims(claims)):
            raise RefusedBySite
        linking.check_domain(self.identity, self.provider)
        if not payload:
            connection = OAuthConnection.objects.find(self.identity)
        return claims, connection

    def _names_beside_the_code(self) -> dict[str, Any]:
        """Return the names that came through the browser; nothing else is taken from there, since nobody signed it."""
        if self.response is None:
            return {}
        told = self.provider.claims_from_response(self.response.further)
        return {name: value for name, value in told.items() if name in UNSIGNED_CLAIMS}

    @sensitive_variables()
    def _user_of_bearer_token(self, access_token: str) -> AbstractBaseUser:
        """Return who has connected the identity that a token alone stands for: upstream's class for APIs asks so.

        It signs nobody up and links nothing. Whose token it is says the first provider that may issue any here.
        """
        key = next(iter(settings.BEARER_PROVIDERS), None)
        if key is None:
            raise RefusedBySite("no_flow")
        try:
            self.provider = get_provider(key)
            self.oauth_token = OAuthToken(access_token)
            with time_budget(MAX_TIMEOUT):
                claims = self.get_userinfo(access_token, "", {})
            self.identity = self._identify(claims, {})
        except ProtocolError as error:
            raise from_protocol(error) from error
        connection = OAuthConnection.objects.find(self.identity)
        if connection is None or not self.verify_claims(claims):
            raise RefusedBySite("bearer")
        if not linking.is_active(connection.user):
            raise Inactive("bearer")
        return connection.user

    @sensitive_variables()
    def _ask_for_all(self, payload: dict[str, Any]) -> None:
        """Ask for all claims about the person, and take the identity from them."""
        with http_answers():
            claims = self.get_userinfo(self.oauth_token.access_token, self.oauth_token.id_token, payload)
        self.identity, self.says_all = self._identify(claims, payload), True

    def _needs_userinfo(self, payload: Mapping[str, Any], *, is_known: bool) -> bool:
        if self._overrides(*CLAIMS_HOOKS) and self.provider.has_userinfo():
            return True
        if self._overrides("get_userinfo") and getattr(self.provider, "userinfo", "") != "never":
            return True
        wanted = [*settings.CLAIMS, *self.provider.wanted_claims()]
        return self.provider.needs_userinfo(payload, is_known=is_known, wanted=wanted)

    def _overrides(self, *names: str) -> bool:
        return any(getattr(type(self), name) is not getattr(OIDCLoginBackend, name) for name in names)

    @sensitive_variables()
    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Return all claims about the person: those of the ID token, completed by the provider's user info."""
        with answers_of(self.provider):
            claims = self.provider.get_userinfo(self.oauth_token, claims=payload)
        # For an override of `get_or_create_user` that asks by itself; the hooks after it read the identity.
        self.identity, self.says_all = self._identify(claims, payload), True
        return claims

    @sensitive_variables()
    def _identify(self, claims: Mapping[str, Any], payload: Mapping[str, Any]) -> Identity:
        """Return the identity: of the ID token where there is one, whatever a hook made of the claims."""
        subject = payload["sub"] if payload else claims.get("sub")
        if not is_subject(subject):
            raise UserInfoInvalid("sub")
        email = clean_email(claims.get("email"))
        return Identity(
            provider_key=self.provider.key,
            issuer=self.provider.get_identity_issuer(payload),
            subject=str(subject),
            email=email,
            email_verified=bool(email) and self.provider.is_email_verified(claims),
            claims={**self._names_beside_the_code(), **claims},
        )

    # What is written. A lost race or a lock is answered by one fresh attempt, from the first read on.

    @sensitive_variables()
    def _write(
        self, claims: dict[str, Any], connection: OAuthConnection | None, payload: dict[str, Any]
    ) -> AbstractBaseUser:
        try:
            return self._attempt(claims, connection)
        except RACES as error:
            logger.info("a sign-in is tried once more: %s", type(error).__name__)
        connection = OAuthConnection.objects.find(self.identity)
        if connection is None and not self.says_all and self._needs_userinfo(payload, is_known=False):
            self._ask_for_all(payload)  # it was disconnected meanwhile
            claims = dict(self.identity.claims)
        try:
            return self._attempt(claims, connection)
        except RACES as error:
            raise ProviderUnavailable("database") from error

    @sensitive_variables()
    def _attempt(self, claims: dict[str, Any], connection: OAuthConnection | None) -> AbstractBaseUser:
        try:
            decision = self._decide(claims, connection)
        except OAuthError:
            # The account that stands in the way may be this identity's own, signed up between the two reads.
            if connection is not None or (connection := OAuthConnection.objects.find(self.identity)) is None:
                raise
            decision = self._decide(claims, connection)
        if decision.action == "sign_in" and self._writes_one_row():
            return self._sign_in(decision, claims)
        with transaction.atomic(using=router.db_for_write(OAuthConnection)):
            if decision.action == "sign_in":
                # The account before its connections, as disconnecting does: another order would be a deadlock.
                users.lock_user(decision.get_user())
                return self._sign_in(decision, claims)
            if decision.action == "sign_up":
                return self._sign_up(decision, claims)
            if decision.action == "confirm":
                return self._wait_for_confirmation(decision)
            return self._link(decision, claims)

    def _writes_one_row(self) -> bool:
        """Whether a repeat sign-in needs no transaction: nothing follows that may refuse, and none is open already.

        An error would spoil one that the site began (ATOMIC_REQUESTS), and there would be no second attempt.
        """
        if self._overrides("update_user") or self.provider.wanted_claims():
            return False
        return not transaction.get_connection(router.db_for_write(OAuthConnection)).in_atomic_block

    @sensitive_variables()
    def _decide(self, claims: dict[str, Any], connection: OAuthConnection | None) -> linking.Decision:
        if self.flow.purpose == "connect":
            return linking.resolve_connect(
                self.identity, connection=connection, user=self._user_of_session(), user_key=self.flow.user_key
            )
        found = self.found_by_site
        site_rule: Any = {
            "find_users": lambda: self.filter_users_by_claims(claims) if found is None else [found],
            "site_vouches": found is not None or self._overrides("filter_users_by_claims"),
        }
        if self.flow.purpose in ("reauthenticate", "refresh"):
            return linking.resolve_same_person(
                connection=connection, user=self._user_of_session(), user_key=self.flow.user_key, **site_rule
            )
        return linking.resolve_sign_in(self.identity, provider=self.provider, connection=connection, **site_rule)

    def _user_of_session(self) -> AbstractBaseUser | None:
        return self.request.user if self.request.user.is_authenticated else None

    @sensitive_variables()
    def _sign_in(self, decision: linking.Decision, claims: dict[str, Any]) -> AbstractBaseUser:
        connection = self._fill(decision.get_connection())
        if not connection.update_row(self._written_fields()):
            raise ConnectionGone
        user = self._updated(decision.get_user(), claims)
        self._keep(connection)
        self._tell(signals.connection_updated, connection, decision.reason)
        return user

    @sensitive_variables()
    def _sign_up(self, decision: linking.Decision, claims: dict[str, Any]) -> AbstractBaseUser:
        OAuthConnection.objects.begin_writing()
        user = self.create_user(claims)
        if user is None or not linking.is_active(user):
            raise RefusedBySite("create_user")
        hooks.apply(user, claims, self.provider)
        connection = self._connect(user, decision)
        self._send_after_commit(signals.user_signed_up, connection=connection, user=user, reason=decision.reason)
        return user

    @sensitive_variables()
    def _link(self, decision: linking.Decision, claims: dict[str, Any]) -> AbstractBaseUser:
        user = decision.get_user()
        users.lock_user(user)
        if decision.link_reason != LinkReason.CONNECTED:
            # Asked again behind the lock: two identities with one address may come at once.
            linking.check_no_other_identity(self.identity, user)
        self._connect(user, decision)
        return self._updated(user, claims)

    @sensitive_variables()
    def _wait_for_confirmation(self, decision: linking.Decision) -> NoReturn:
        """Keep the sign-in until its person has signed in to the account (the page `confirm_link` says how)."""
        token = self.oauth_token if self.provider.store_tokens else None
        pending_link.keep(
            self.request,
            identity=self.identity,
            wanted=self._kept_claims(),
            token=token,
            user=decision.get_user(),
            expires_at=self.flow.begun_at + int(settings.FLOW_LIFETIME),
        )
        raise ConfirmLink(decision.reason)

    @sensitive_variables()
    def _updated(self, user: AbstractBaseUser, claims: dict[str, Any]) -> AbstractBaseUser:
        if self.flow.purpose == "connect":
            return user
        updated = self.update_user(user, claims) if self.found_by_site is None else user
        if updated is None or updated.pk != user.pk:
            raise RefusedBySite("update_user")
        hooks.apply(updated, claims, self.provider)
        return updated

    def _connect(self, user: AbstractBaseUser, decision: linking.Decision) -> OAuthConnection:
        connection = OAuthConnection(
            user=user,  # type: ignore[misc]  # of whatever model the site uses
            provider_key=self.identity.provider_key,
            issuer=self.identity.issuer,
            provider_user_id=self.identity.subject,
            link_reason=decision.link_reason,
        )
        self._fill(connection).save(force_insert=True)
        self._keep(connection)
        self._tell(signals.connection_created, connection, decision.reason)
        return connection

    def _fill(self, connection: OAuthConnection) -> OAuthConnection:
        """Set what the provider said this time."""
        if self.says_all or connection.pk is None:
            connection.email = self.identity.email
            connection.email_verified = self.identity.email_verified
            told_before = {name: connection.claims.get(name) for name in self.provider.claims_told_once}
            connection.claims = storable({**told_before, **self.identity.claims}, wanted=self._kept_claims())
        connection.last_login_at = timezone.now()
        if self.provider.store_tokens:
            auth_time = auth_time_of(self.request.oauth_claims)  # type: ignore[attr-defined]  # set by `authenticate`
            connection.set_token(self.oauth_token, nonce=self.flow.nonce, auth_time=auth_time)
        else:
            connection.forget_tokens()
        return connection

    def _kept_claims(self) -> list[str]:
        """Return the claims that are kept beside the standard ones."""
        return [*settings.CLAIMS, *self.provider.kept_claims]

    def _written_fields(self) -> list[str]:
        """Return what a repeat sign-in writes; a refresh token that did not come is not touched."""
        written = ["last_login_at", "updated_at"]
        if self.says_all:
            written += ["email", "email_verified", "claims"]
        written += ["access_token", "access_token_expires_at", "scope", "status"]
        if self.oauth_token.refresh_token or not self.provider.store_tokens:
            written += REFRESH_TOKEN_FIELDS
        return written

    def _keep(self, connection: OAuthConnection) -> None:
        """Leave the connection with the request, for the session that the view writes after `login()`."""
        self.connection = connection
        self.request.oauth_connection = connection  # type: ignore[attr-defined]  # read by oidc_login.views

    def _send(self, signal: Any, **kwargs: Any) -> None:
        signal.send(OAuthConnection, request=self.request, provider=self.provider.key, **kwargs)

    def _tell(self, signal: Any, connection: OAuthConnection, reason: str) -> None:
        """Tell the log and the site what was decided and why, once it is certain."""
        transaction.on_commit(lambda: linking.note(reason, connection), using=router.db_for_write(OAuthConnection))
        self._send_after_commit(signal, connection=connection, reason=reason)

    def _send_after_commit(self, signal: Any, **kwargs: Any) -> None:
        transaction.on_commit(lambda: self._send(signal, **kwargs), using=router.db_for_write(OAuthConnection))

    # The hooks that sites override; upstream's names and signatures, safe defaults.

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """Say whether the person may sign in at all; yes by default."""
        return True

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Iterable[Any]:
        """Return the users that have the e-mail address of the claims, compared safely."""
        return users.find_by_email(self.identity.email)

    @sensitive_variables()
    def create_user(self, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """Return a new user with an unusable password; its address is set only when it is verified."""
        return users.make_user(self.identity, claims, get_username=lambda: self.get_username(claims))

    def update_user(self, user: AbstractBaseUser, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """Return the user who signs in again; nothing is changed by default."""
        return user

    def get_username(self, claims: dict[str, Any]) -> str:
        """Return a user name that the claims suggest and that nobody has; upstream's setting may suggest another."""
        return users.free_username(claims, suggested=self.suggested_username(claims))

    def describe_user_by_claims(self, claims: dict[str, Any]) -> str:
        """Describe the person for a log record, without saying who it is."""
        return f"an identity of {self.provider.key}"

    def get_user(self, user_id: Any) -> AbstractBaseUser | None:
        """Return the user of a session, unless they may not be signed in any more."""
        try:
            user = self.UserModel._default_manager.get(pk=user_id)
        except self.UserModel.DoesNotExist:
            return None
        return user if self.user_can_authenticate(user) else None


@sensitive_variables()
def authenticate(request: HttpRequest, *, flow: Flow, response: AuthorizationResponse) -> AbstractBaseUser:
    """Return the user whom a flow proves, with the backend to sign them in by, as Django's function does.

    Only this package's backend, or the site's subclass of it, is asked: the code is nobody else's business.
    """
    path = get_backend_path(tuple(django.AUTHENTICATION_BACKENDS))
    if not path:
        raise RefusedBySite("no_backend")
    backend: Any = load_backend(path)
    request.oauth_backend = backend  # type: ignore[attr-defined]  # read by oidc_login.views
    try:
        user = backend.authenticate(request, flow=flow, response=response)
    except PermissionDenied as error:  # Django's way for a hook to say no
        raise RefusedBySite from error
    if user is None:
        raise RefusedBySite("backend")
    user.backend = path
    return cast("AbstractBaseUser", user)


@lru_cache(maxsize=8)
def get_backend_path(paths: tuple[str, ...]) -> str:
    """Return the first of the backends that is ours; "" where none is, which the system checks tell."""
    return next((path for path in paths if issubclass(import_string(path), OIDCLoginBackend)), "")
