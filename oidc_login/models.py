"""`OAuthConnection`: who signs in from where, and their tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .claims import Identity
from .conf import django
from .fields import EncryptedTextField, ExactCharField
from .providers.base import OAuthToken

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
        """Return the connection of an identity with its user, in one query that reads no token."""
        found = (
            self.select_related("user")
            .only("user", *IDENTITY_FIELDS)
            .order_by()
            .filter(
                provider_key=identity.provider_key,
                issuer=identity.issuer,
                provider_user_id=identity.subject,
            )
        )
        return next(iter(found), None)


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

    def set_token(self, token: OAuthToken) -> None:
        """Take over new tokens; an answer without a refresh token keeps the old one (RFC 6749 6)."""
        self.access_token = token.access_token
        self.access_token_expires_at = token.access_token_expires_at
        self.scope = token.scope
        self.status = Status.OK
        if token.refresh_token:
            self.refresh_token = token.refresh_token
            self.refresh_token_expires_at = token.refresh_token_expires_at
