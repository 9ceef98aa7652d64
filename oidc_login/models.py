"""`OAuthConnection`: who signs in from where, and their tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, models, router, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from .accounts import can_use_password, lock_user
from .claims import Identity, text
from .conf import django
from .exceptions import LastLoginMethod, ProviderUnavailable, from_protocol
from .fields import EncryptedTextField, ExactCharField
from .protocol.errors import ProtocolError
from .providers.base import OAuthProvider, OAuthToken
from .registry import get_provider, get_provider_keys, get_providers

IDENTITY_FIELDS = ("provider_key", "issuer", "provider_user_id")
ENCRYPTED_FIELDS = ("access_token", "refresh_token")


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


class ConnectionManager(models.Manager["OAuthConnection"]):
    """Finds connections by identity."""

    def find(self, identity: Identity) -> OAuthConnection | None:
        """Return the connection of an identity with its user, read in one query.

        Every sign-in does this, so of the connection it reads the key alone: the rest is loaded when asked for.
        """
        users = (
            get_user_model()
            ._base_manager.filter(
                oauth_connections__provider_key=identity.provider_key,
                oauth_connections__issuer=identity.issuer,
                oauth_connections__provider_user_id=identity.subject,
            )
            .annotate(_connection_key=F("oauth_connections__pk"))
        )
        user: Any = next(iter(users), None)
        if user is None:
            return None
        names = ("id", "user_id", *IDENTITY_FIELDS)
        values = (user._connection_key, user.pk, identity.provider_key, identity.issuer, identity.subject)
        connection = self.model.from_db(users.db, names, values)
        connection.user = user
        return connection

    def begin_writing(self) -> None:
        """Begin a transaction that will read first: with a write on SQLite.

        SQLite lets a transaction wait for another's lock at its first statement alone; once it has read, it fails.
        """
        using = router.db_for_write(self.model)
        if connections[using].vendor == "sqlite":
            self.using(using).filter(provider_key="").update(provider_key="")  # no row has that


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
    claims = models.JSONField(_("claims"), default=dict, blank=True)
    link_reason = models.CharField(_("how it came about"), max_length=20, choices=LinkReason)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.OK)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    last_login_at = models.DateTimeField(_("last sign-in"), null=True, blank=True)

    objects = ConnectionManager()

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
            super().refresh_from_db(using=using, fields=sorted(rest), from_queryset=from_queryset)
        if tokens:
            rows = type(self)._base_manager.db_manager(using or self._state.db).filter(pk=self.pk)
            self.__dict__.update(rows.values(*tokens).get())

    @property
    def oauth_token(self) -> OAuthToken:
        """The tokens of this connection."""
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

    @sensitive_variables()
    def revoke(self) -> None:
        """Take the tokens back at the provider (RFC 7009) and forget them; the identity stays connected.

        Raise `OAuthError` when the provider does not confirm it: nothing is forgotten then.
        """
        try:
            get_provider(self.provider_key).revoke_oauth_token(oauth_token=self.oauth_token)
        except ProtocolError as error:
            raise from_protocol(error) from error
        self.forget_tokens()
        self.status = Status.REVOKED
        self.save(
            update_fields=[
                "access_token",
                "refresh_token",
                "access_token_expires_at",
                "refresh_token_expires_at",
                "scope",
                "status",
                "updated_at",
            ]
        )

    def can_be_disconnected(self) -> bool:
        """Whether the person could still sign in without it: by password, or by another configured provider."""
        return can_use_password(self.user) or self._other_ways_in().exists()

    def _other_ways_in(self) -> models.QuerySet[OAuthConnection]:
        others = OAuthConnection.objects.filter(user_id=self.user_id, provider_key__in=get_provider_keys())
        return others.exclude(pk=self.pk)

    def disconnect(self) -> None:
        """Remove the connection, or raise `LastLoginMethod`; `DoesNotExist`: it was removed meanwhile.

        A lock of the database, or a deadlock with a sign-in, is answered by one fresh attempt.
        """
        try:
            self._disconnect()
        except OperationalError:
            try:
                self._disconnect()
            except OperationalError as error:
                raise ProviderUnavailable("database") from error

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
            deleted, _counts = OAuthConnection.objects.using(using).filter(pk=self.pk).delete()
            if not deleted:
                raise self.DoesNotExist

    def _can_be_disconnected_now(self, using: str) -> bool:
        """The same as `can_be_disconnected` behind the account's lock."""
        users = get_user_model()._base_manager.using(using).select_for_update()
        self.user = users.get(pk=self.user_id)
        return can_use_password(self.user) or bool(self._other_ways_in().using(using).select_for_update()[:1])

    def update_row(self, names: Iterable[str]) -> bool:
        """Write these fields alone, and say whether the row is still there to be written."""
        fields: list[Any] = [self._meta.get_field(name) for name in names]
        columns = {field.attname: field.pre_save(self, add=False) for field in fields}
        return bool(OAuthConnection.objects.filter(pk=self.pk).update(**columns))

    def forget_tokens(self) -> None:
        """Keep the identity alone."""
        self.access_token = self.refresh_token = self.scope = ""
        self.access_token_expires_at = self.refresh_token_expires_at = None

    def set_token(self, token: OAuthToken) -> None:
        """Take over new tokens; an answer without a refresh token keeps the old one (RFC 6749 6)."""
        self.access_token = token.access_token
        self.access_token_expires_at = token.access_token_expires_at
        self.scope = text({"scope": token.scope}, "scope")
        self.status = Status.OK
        if token.refresh_token:
            self.refresh_token = token.refresh_token
            self.refresh_token_expires_at = token.refresh_token_expires_at
