"""`OAuthConnection`: who signs in from where, and their tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connections, models, router, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import statements
from .conf import django
from .exceptions import IdentityUnbound, LastLoginMethod, SiteUnavailable
from .faults import STORE_FAULTS
from .fields import EncryptedTextField, ExactCharField
from .registry import get_provider, get_provider_keys, get_providers
from .sessions import SignedInSession as SignedInSession
from .signin.claims import Identity, text
from .signin.users import can_use_password, get_field, lock_user

# What talks to providers is not imported here: a site starts without it.
if TYPE_CHECKING:
    from .protocol.bearer import TokenSession
    from .providers.base import OAuthProvider, OAuthToken

IDENTITY_FIELDS = ("provider_key", "issuer", "provider_user_id")
ENCRYPTED_FIELDS = ("access_token", "refresh_token")
# A refresh token, and what belongs to it: a refresh that is under way with the one before has lost its claim.
REFRESH_TOKEN_FIELDS = (
    "refresh_token",
    "refresh_token_expires_at",
    "refresh_lease",
    "refresh_lease_until",
    "nonce_hash",
    "auth_time",
    "had_azp",
)
SHORTEST_INTERVAL = timedelta(seconds=30)  # between two refreshes that nobody has asked for by name
TOKEN_FIELDS = ("access_token", "access_token_expires_at", "scope", *REFRESH_TOKEN_FIELDS)


def stored_moment(moment: datetime | None) -> datetime | None:
    """Return a moment as the site's models have it: in a time zone, or in the site's own without saying so.

    Providers say how long a token lives, from which an aware time is made; with `USE_TZ = False` Django has others.
    """
    if moment is None or timezone.is_aware(moment) == django.USE_TZ:
        return moment
    if django.USE_TZ:
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone().replace(tzinfo=None)  # by the clock that Django's `timezone.now()` reads


class LinkReason(models.TextChoices):
    """How a connection came about."""

    SIGNED_UP = "signed_up", _("signed up with it")
    VERIFIED_EMAIL = "verified_email", _("linked by verified e-mail address")
    CONFIRMED = "confirmed", _("linked after signing in to the account")
    CONNECTED = "connected", _("connected by the person")
    HOOK = "hook", _("linked by the site's own rule")


class Status(models.TextChoices):
    """Whether the tokens of a connection can be used."""

    OK = "ok", _("in order")
    NEEDS_REAUTH = "needs_reauth", _("the person must sign in again")
    REVOKED = "revoked", _("revoked")


class ConnectionQuerySet(models.QuerySet["OAuthConnection"]):
    """Connections by what can be done with them."""

    def usable(self) -> ConnectionQuerySet:
        """Those with which an API can be called now, as far as is known here, for users who are active."""
        now = timezone.now()
        valid = ~Q(access_token="") & (Q(access_token_expires_at=None) | Q(access_token_expires_at__gt=now))
        return self._in_order().filter(valid | self._renewable(now))

    def expiring(self, within: timedelta) -> ConnectionQuerySet:
        """Those whose access token has expired or will within this time, and that can be refreshed.

        But for those that have just got it, however short-lived it is.
        """
        now = timezone.now()
        just_now = (now - SHORTEST_INTERVAL, now + SHORTEST_INTERVAL)
        found = self._in_order().filter(self._renewable(now), access_token_expires_at__lte=now + within)
        return found.exclude(refreshed_at__range=just_now).exclude(last_login_at__range=just_now)

    def _in_order(self) -> ConnectionQuerySet:
        found = self.filter(status=Status.OK)
        return found if get_field("is_active") is None else found.filter(user__is_active=True)

    @staticmethod
    def _renewable(now: datetime) -> Q:
        return ~Q(refresh_token="") & (Q(refresh_token_expires_at=None) | Q(refresh_token_expires_at__gt=now))


class ConnectionManager(models.Manager["OAuthConnection"]):
    """Finds connections, where they are written: a replica may not know the newest ones yet."""

    def get_queryset(self) -> ConnectionQuerySet:
        return ConnectionQuerySet(self.model, using=self._db or router.db_for_write(self.model))

    def usable(self) -> ConnectionQuerySet:
        """Those with which an API can be called now, as far as is known here, for users who are active."""
        return self.get_queryset().usable()

    def revoke_for(self, user: Any) -> list[OAuthConnection]:
        """Take back all tokens of a user; return the connections where the provider did not confirm it."""
        from .tokens.revocation import revoke_all

        return revoke_all(self.get_queryset().filter(user=user).exclude(status=Status.REVOKED))

    def refresh_expiring(
        self,
        *,
        within: timedelta = timedelta(hours=1),
        provider_keys: Iterable[str] | None = None,
        concurrency: int = 8,
        per_second: float | None = None,
    ) -> dict[str, Any]:
        """Refresh the tokens that expire within this time, and return how many of them, and what became of them.

        Each provider is asked by so many threads at once, and at most so often in a second; one that has had enough
        is given time, and left to the next run where it wants more than a minute.
        """
        from .tokens.bulk import BulkRefresh

        found = self.get_queryset().expiring(within)
        run = BulkRefresh(found, provider_keys=provider_keys, concurrency=concurrency, per_second=per_second)
        return run.run().as_dict()

    def find(self, identity: Identity) -> OAuthConnection | None:
        """Return the connection of an identity with its user, read in one query.

        Every sign-in does this, so of the connection it reads the key alone: the rest is loaded when asked for.
        Raise `IdentityUnbound` for an identity that is stored without its server.
        """
        user = next((user for user in statements.find_users(identity) if is_connected_as(user, identity)), None)
        if user is None:
            self._check_bound(identity)
            return None
        names = ("id", "user_id", *IDENTITY_FIELDS)
        values = (user._connection_key, user.pk, identity.provider_key, identity.issuer, identity.subject)
        connection = self.model.from_db(user._state.db, names, values)
        connection.user = user
        return connection

    def _check_bound(self, identity: Identity) -> None:
        """Somebody who is known without a server is given no second account, since it may be theirs."""
        rows = self.using(router.db_for_write(self.model)).filter(provider_key=identity.provider_key, issuer="")
        if identity.issuer and rows.filter(provider_user_id=identity.subject).exists():
            raise IdentityUnbound("refused: this identity is stored without its server")

    def begin_writing(self) -> None:
        """Begin a transaction that will read first: with a write on SQLite.

        SQLite lets a transaction wait for another's lock at its first statement alone; once it has read, it fails.
        """
        using = router.db_for_write(self.model)
        if connections[using].vendor == "sqlite":
            self.using(using).filter(provider_key="").update(provider_key="")  # no row has that


def is_connected_as(user: Any, identity: Identity) -> bool:
    """Whether a user was found by the very bytes of an identity: some collations find more than that."""
    found = (user._connection_issuer or "", user._connection_subject)
    return found == (identity.issuer, identity.subject)


def own_connections(user: Any) -> list[tuple[OAuthConnection, OAuthProvider | None]]:
    """Return a user's connections, each with its provider where that is still configured; none for nobody."""
    if not user.is_authenticated:
        return []
    configured = {provider.key: provider for provider in get_providers()}
    own = OAuthConnection.objects.select_related("user").filter(user=user)
    return [(connection, configured.get(connection.provider_key)) for connection in own]


class OAuthConnection(models.Model):
    """One identity at one provider, and the user who signs in with it."""

    user = models.ForeignKey(
        django.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="oauth_connections",
        verbose_name=_("user"),
    )
    provider_key = ExactCharField(_("provider"), max_length=100)
    issuer = ExactCharField(_("issuer"), max_length=255, blank=True)
    provider_user_id = ExactCharField(_("identity"), max_length=255)
    email = models.CharField(_("e-mail address"), max_length=254, blank=True)
    email_verified = models.BooleanField(_("e-mail address verified by the provider"), default=False)
    access_token = EncryptedTextField(_("access token"), blank=True, bound_to=IDENTITY_FIELDS)
    refresh_token = EncryptedTextField(_("refresh token"), blank=True, bound_to=IDENTITY_FIELDS)
    access_token_expires_at = models.DateTimeField(_("access token expires at"), null=True, blank=True)
    refresh_token_expires_at = models.DateTimeField(_("refresh token expires at"), null=True, blank=True)
    scope = models.TextField(_("granted scope"), blank=True)
    # Who refreshes the tokens and until when that counts; without a lease: before when nobody should try again.
    refresh_lease = models.CharField(max_length=32, blank=True, default="", editable=False)
    refresh_lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    refreshed_at = models.DateTimeField(_("last refreshed at"), null=True, blank=True)
    # Of the sign-in that the refresh token came with; a refreshed ID token may repeat them (Core 12.2).
    nonce_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    auth_time = models.BigIntegerField(null=True, blank=True, editable=False)  # in seconds
    had_azp = models.BooleanField(null=True, blank=True, editable=False)
    # The account was made by this sign-up while addresses of the provider linked nobody.
    made_unlinked = models.BooleanField(default=False, editable=False)
    claims = models.JSONField(_("claims"), default=dict, blank=True)
    link_reason = models.CharField(_("how it came about"), max_length=20, choices=LinkReason)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.OK)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    last_login_at = models.DateTimeField(_("last sign-in"), null=True, blank=True)

    objects = ConnectionManager()
    # Of the ID token that a refresh by this instance has brought; they are not stored.
    refreshed_claims: Mapping[str, Any] | None = None

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ("provider_key", "pk")
        constraints = (models.UniqueConstraint(fields=IDENTITY_FIELDS, name="oidc_login_unique_identity"),)

    if TYPE_CHECKING:
        user_id: Any

    def __str__(self) -> str:
        return f"{self.provider_key}[{self.user_id}:{self.provider_user_id}]"

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Read again what is stored; tokens stay encrypted until they are asked for."""
        loaded = {field.attname for field in self._meta.concrete_fields} - self.get_deferred_fields()
        names = loaded if fields is None else set(fields)
        tokens = names & set(ENCRYPTED_FIELDS)
        if rest := names - tokens:
            # From where the row was read: a router might name a replica, which may not have it yet.
            using = using or (self._state.db if from_queryset is None else None)
            super().refresh_from_db(using=using, fields=sorted(rest), from_queryset=from_queryset)
        if tokens:
            rows = type(self)._base_manager.db_manager(using or self._state.db).filter(pk=self.pk)
            self.__dict__.update(rows.values(*tokens).get())

    @property
    def oauth_token(self) -> OAuthToken:
        """The tokens of this connection."""
        from .providers.base import OAuthToken

        return OAuthToken(
            access_token=self.access_token,
            refresh_token=self.refresh_token,
            access_token_expires_at=self.access_token_expires_at,
            refresh_token_expires_at=self.refresh_token_expires_at,
            scope=self.scope,
        )

    def access_token_expired(self) -> bool:
        """Whether the access token is known to have expired."""
        return self.access_token_expires_at is not None and self.access_token_expires_at <= timezone.now()

    def refresh_token_expired(self) -> bool:
        """Whether the refresh token is known to have expired."""
        return self.refresh_token_expires_at is not None and self.refresh_token_expires_at <= timezone.now()

    def has_scopes(self, *scopes: str) -> bool:
        """Whether all of these were granted, also by another name that the provider has for them."""
        provider = get_provider(self.provider_key) if self.provider_key in get_provider_keys() else None
        granted = provider.granted_scopes(self.scope) if provider else frozenset(self.scope.split())
        return granted.issuperset(scopes)

    def refresh_access_token(self) -> None:
        """Get a newer access token than this one; of all who ask at once, one asks the provider.

        Raise `NeedsReauth` when only the person can help, `ProviderUnavailable` when trying later may.
        """
        from .tokens.refresh import refresh

        refresh(self)

    async def arefresh_access_token(self) -> None:
        """Do the same without holding anybody up, neither while others are waited for nor while the provider is."""
        from .tokens.refresh import arefresh

        await arefresh(self)

    @property
    def aoauth_token(self) -> Awaitable[OAuthToken]:
        """The tokens of this connection, to be awaited: what was deferred is read from the database."""
        return sync_to_async(getattr)(self, "oauth_token")

    def session(self, *, hosts: Iterable[str] | None = None) -> TokenSession:
        """Return a `requests.Session` that sends the access token, and refreshes it first when it has expired.

        At a provider of OAuth 1.0 it signs each request instead. With `hosts` it refuses all others. It never
        follows a redirect to another host with the token.
        """
        from .tokens.sessions import open_session

        return open_session(self, hosts=hosts)

    def revoke(self) -> None:
        """Take the tokens back at the provider (RFC 7009) and forget them; the identity stays connected.

        Raise `OAuthError` when the provider does not confirm it: nothing is forgotten then.
        """
        from .tokens.revocation import revoke

        revoke(self)

    def can_be_disconnected(self) -> bool:
        """Whether the person could still sign in without it: by password, or by another configured provider."""
        return can_use_password(self.user) or self._other_ways_in().exists()

    def _other_ways_in(self) -> models.QuerySet[OAuthConnection]:
        others = OAuthConnection.objects.filter(user_id=self.user_id, provider_key__in=get_provider_keys())
        return others.exclude(pk=self.pk)

    def disconnect(self) -> None:
        """Remove the connection, or raise `LastLoginMethod`; `DoesNotExist`: it was removed meanwhile.

        A fault of the database, such as a lock or a deadlock with a sign-in, is answered by one fresh attempt.
        """
        try:
            self._disconnect()
        except STORE_FAULTS:
            try:
                self._disconnect()
            except STORE_FAULTS as error:
                raise SiteUnavailable("database") from error

    def _disconnect(self) -> None:
        """Two requests at once cannot remove the last two ways in.

        They wait for each other, since the account's row is written first. What decides is then read again, and
        locked, or MySQL would show it as it was when the request began.
        """
        using = router.db_for_write(type(self))
        with transaction.atomic(using=using):
            lock_user(self.user)
            if not self._can_be_disconnected_now(using):
                raise LastLoginMethod("refused: the last way in")
            # The tokens to be revoked are those of now: a refresh may have brought newer ones.
            rows = type(self)._base_manager.using(using).filter(pk=self.pk)
            self.__dict__.update(rows.values(*ENCRYPTED_FIELDS).first() or {})
            deleted, _counts = OAuthConnection.objects.using(using).filter(pk=self.pk).delete()
            if not deleted:
                raise self.DoesNotExist

    def _can_be_disconnected_now(self, using: str) -> bool:
        """The same as `can_be_disconnected` behind the account's lock."""
        users = get_user_model()._base_manager.using(using).select_for_update()
        self.user = users.get(pk=self.user_id)
        return can_use_password(self.user) or bool(self._other_ways_in().using(using).select_for_update()[:1])

    def update_row(self, names: Iterable[str], *conditions: Q, using: str | None = None) -> bool:
        """Write these fields alone, and say whether the row is still there, as the conditions want it."""
        fields: list[Any] = [self._meta.get_field(name) for name in names]
        if not conditions:
            return statements.update(self, fields, using=using or router.db_for_write(OAuthConnection))
        columns = {field.attname: field.pre_save(self, add=False) for field in fields}
        return bool(OAuthConnection.objects.using(using).filter(*conditions, pk=self.pk).update(**columns))

    def forget_tokens(self) -> None:
        """Keep the identity alone."""
        self.access_token = self.refresh_token = self.scope = self.refresh_lease = self.nonce_hash = ""
        self.access_token_expires_at = self.refresh_token_expires_at = self.refresh_lease_until = None
        self.auth_time = self.had_azp = None

    def set_token(
        self, token: OAuthToken, *, nonce: str = "", auth_time: int | None = None, had_azp: bool | None = None
    ) -> None:
        """Take over the tokens of a sign-in; without a refresh token the old one is kept (RFC 6749 6).

        `nonce`, `auth_time` and whether there is an `azp` are those of the ID token, for the ones that refreshes will
        bring (Core 12.2).
        """
        from .protocol.id_token import hash_of_nonce

        self.access_token = token.access_token
        self.access_token_expires_at = stored_moment(token.access_token_expires_at)
        self.scope = text({"scope": token.scope}, "scope")
        self.status = Status.OK
        if token.refresh_token:
            self.refresh_token = token.refresh_token
            self.refresh_token_expires_at = stored_moment(token.refresh_token_expires_at)
            self.refresh_lease, self.refresh_lease_until = "", None
            self.nonce_hash = hash_of_nonce(nonce) if nonce and token.id_token else ""
            self.auth_time, self.had_azp = auth_time, had_azp

    def set_refreshed_token(self, token: OAuthToken) -> None:
        """Take over the tokens of a refresh; a provider that prolongs the old refresh token may say until when."""
        self.access_token = token.access_token
        self.access_token_expires_at = stored_moment(token.access_token_expires_at)
        self.scope = text({"scope": token.scope}, "scope")
        self.refreshed_at = timezone.now()
        self.refresh_lease, self.refresh_lease_until = "", None
        if token.refresh_token:
            self.refresh_token = token.refresh_token
        if token.refresh_token or token.refresh_token_expires_at:
            self.refresh_token_expires_at = stored_moment(token.refresh_token_expires_at)
