"""`OAuthConnection`: who signs in from where, and their tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import models, router, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from oidc_login.conf import django
from oidc_login.exceptions import LastLoginMethod, SiteUnavailable
from oidc_login.faults import STORE_FAULTS
from oidc_login.models import queries
from oidc_login.models.choices import LinkReason, Status
from oidc_login.models.fields import EncryptedTextField, ExactCharField
from oidc_login.models.managers import ConnectionManager
from oidc_login.models.moments import stored_moment
from oidc_login.models.queries import IDENTITY_FIELDS
from oidc_login.registry import get_provider, get_provider_keys, get_providers
from oidc_login.signin.claims import text
from oidc_login.signin.users import can_use_password, lock_user

# What talks to providers is not imported here: a site starts without it.
if TYPE_CHECKING:
    from oidc_login.protocol.http.api_session import TokenSession
    from oidc_login.providers.base import OAuthProvider, OAuthToken

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
TOKEN_FIELDS = ("access_token", "access_token_expires_at", "scope", *REFRESH_TOKEN_FIELDS)


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
    # Another stable identifier of the same person, where the provider has one: Entra's `oid` beside its `sub`.
    alternate_id = ExactCharField(_("alternate identifier"), max_length=255, blank=True, default="")
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
        indexes = (models.Index(fields=["provider_key", "issuer", "alternate_id"], name="oidc_login_alternate_id"),)

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
        from oidc_login.providers.base import OAuthToken

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
        from oidc_login.tokens.refresh import refresh

        refresh(self)

    async def arefresh_access_token(self) -> None:
        """Do the same without holding anybody up, neither while others are waited for nor while the provider is."""
        from oidc_login.tokens.refresh import arefresh

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
        from oidc_login.tokens.api_session import open_session

        return open_session(self, hosts=hosts)

    def revoke(self) -> None:
        """Take the tokens back at the provider (RFC 7009) and forget them; the identity stays connected.

        Raise `OAuthError` when the provider does not confirm it: nothing is forgotten then.
        """
        from oidc_login.tokens.revocation import revoke

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
            return queries.update(self, fields, using=using or router.db_for_write(OAuthConnection))
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
        from oidc_login.protocol.id_token import hash_of_nonce

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


def own_connections(user: Any) -> list[tuple[OAuthConnection, OAuthProvider | None]]:
    """Return a user's connections, each with its provider where that is still configured; none for nobody."""
    if not user.is_authenticated:
        return []
    configured = {provider.key: provider for provider in get_providers()}
    own = OAuthConnection.objects.select_related("user").filter(user=user)
    return [(connection, configured.get(connection.provider_key)) for connection in own]
