"""`OAuthConnection`: one identity at a provider, its user and its tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import models, router, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from oidc_login.choices import LinkReason, Status
from oidc_login.conf import django
from oidc_login.exceptions import LastLoginMethod, SiteUnavailable
from oidc_login.faults import STORE_FAULTS
from oidc_login.fields import ENCRYPTED_FIELDS, IDENTITY_FIELDS, EncryptedTextField, ExactCharField, stored_moment
from oidc_login.models import queries
from oidc_login.models.managers import ConnectionManager
from oidc_login.models.oauth_login import OAuthLoginMethods
from oidc_login.plain_text import text_of
from oidc_login.registry import get_login_keys, get_provider, get_provider_keys, get_providers
from oidc_login.user_model import can_use_password

# The modules that send requests to providers are imported at their first use: a site starts without them.
if TYPE_CHECKING:
    from oidc_login.protocol.http.api_session import TokenSession
    from oidc_login.providers.base import OAuthProvider
    from oidc_login.providers.values import OAuthToken


class OAuthConnection(OAuthLoginMethods, models.Model):
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
    # Another stable identifier of the same person, if the provider has one: Entra's `oid`.
    alternate_id = ExactCharField(_("alternate identifier"), max_length=255, blank=True, default="")
    email = models.CharField(_("e-mail address"), max_length=254, blank=True)
    email_verified = models.BooleanField(_("e-mail address verified by the provider"), default=False)
    access_token = EncryptedTextField(_("access token"), blank=True, bound_to=IDENTITY_FIELDS)
    refresh_token = EncryptedTextField(_("refresh token"), blank=True, bound_to=IDENTITY_FIELDS)
    access_token_expires_at = models.DateTimeField(_("access token expires at"), null=True, blank=True)
    refresh_token_expires_at = models.DateTimeField(_("refresh token expires at"), null=True, blank=True)
    scope = models.TextField(_("granted scope"), blank=True)
    # The lease of a refresh (`oidc_login.tokens.lease`); an end without a lease is a pause.
    refresh_lease = models.CharField(max_length=32, blank=True, default="", editable=False)
    refresh_lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    refreshed_at = models.DateTimeField(_("last refreshed at"), null=True, blank=True)
    # Values of the sign-in that issued the refresh token; a refreshed ID token may repeat them (Core 12.2).
    nonce_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    auth_time = models.BigIntegerField(null=True, blank=True, editable=False)  # in seconds
    had_azp = models.BooleanField(null=True, blank=True, editable=False)
    # The sign-up made the account while linking by e-mail address was off for the provider.
    made_unlinked = models.BooleanField(default=False, editable=False)
    claims = models.JSONField(_("claims"), default=dict, blank=True)
    link_reason = models.CharField(_("linked by"), max_length=20, choices=LinkReason)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.OK)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    last_login_at = models.DateTimeField(_("last sign-in"), null=True, blank=True)

    objects = ConnectionManager()
    # Claims of the ID token from a refresh by this instance; they are not stored.
    refreshed_claims: Mapping[str, Any] | None = None

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ("provider_key", "pk")
        permissions = (("link_identity", _("Can connect an identity to an account")),)
        constraints = (models.UniqueConstraint(fields=IDENTITY_FIELDS, name="oidc_login_unique_identity"),)
        indexes = (models.Index(fields=["provider_key", "issuer", "alternate_id"], name="oidc_login_alternate_id"),)

    if TYPE_CHECKING:
        user_id: Any

    def __str__(self) -> str:
        return f"{self.provider_key}[{self.user_id}:{self.provider_user_id}]"

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Read the stored values again; tokens are decrypted when they are first used."""
        loaded = {field.attname for field in self._meta.concrete_fields} - self.get_deferred_fields()
        names = loaded if fields is None else set(fields)
        tokens = names & set(ENCRYPTED_FIELDS)
        if rest := names - tokens:
            # From the database that the row came from: a router may name a replica, which may not have it yet.
            using = using or (self._state.db if from_queryset is None else None)
            super().refresh_from_db(using=using, fields=sorted(rest), from_queryset=from_queryset)
        if tokens:
            rows = type(self)._base_manager.db_manager(using or self._state.db).filter(pk=self.pk)
            self.__dict__.update(rows.values(*tokens).get())

    @property
    def oauth_token(self) -> OAuthToken:
        """The tokens of this connection."""
        from oidc_login.providers.values import OAuthToken

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
        """Whether all of these scopes were granted, also under another name that the provider uses for them."""
        provider = get_provider(self.provider_key) if self.provider_key in get_provider_keys() else None
        granted = provider.granted_scopes(self.scope) if provider else frozenset(self.scope.split())
        return granted.issuperset(scopes)

    def refresh_access_token(self) -> None:
        """Get a newer access token; of all concurrent callers, one sends a request to the provider.

        Raise `NeedsReauth` if the person has to sign in, `ProviderUnavailable` if a later try may work.
        """
        from oidc_login.tokens.refresh import refresh

        refresh(self)

    async def arefresh_access_token(self) -> None:
        """Do the same from asynchronous code, without blocking the event loop."""
        from oidc_login.tokens.refresh import arefresh

        await arefresh(self)

    @property
    def aoauth_token(self) -> Awaitable[OAuthToken]:
        """The tokens of this connection, for asynchronous code: deferred fields are read from the database."""
        return sync_to_async(getattr)(self, "oauth_token")

    def session(self, *, hosts: Iterable[str] | None = None) -> TokenSession:
        """Return a `requests.Session` that sends the access token, and refreshes it first if it has expired.

        For an OAuth 1.0 provider it signs each request instead. With `hosts`, requests to any other host are refused.
        The token is never sent along a redirect to another host.
        """
        from oidc_login.tokens.api_session import open_session

        return open_session(self, hosts=hosts)

    def exchange(self, *, audience: str = "", scope: str = "") -> OAuthToken:
        """Return an access token for another API in exchange for this one (RFC 8693, Entra's on-behalf-of).

        Raise `ExchangeRefused` if the provider does not offer or allow it, `NeedsReauth` if the person has to sign in.
        """
        from oidc_login.tokens.exchange import exchange

        return exchange(self, audience=audience, scope=scope)

    def revoke(self) -> None:
        """Revoke the tokens at the provider (RFC 7009) and forget them; the identity stays connected.

        Raise `OAuthError` if the provider does not confirm it; the tokens are kept then.
        """
        from oidc_login.tokens.revocation import revoke

        revoke(self)

    def can_be_disconnected(self) -> bool:
        """Whether the person could still sign in without it: by password, or by another configured provider."""
        return can_use_password(self.user) or self._other_login_methods().exists()

    def _other_login_methods(self) -> models.QuerySet[OAuthConnection]:
        others = OAuthConnection.objects.filter(user_id=self.user_id, provider_key__in=get_login_keys())
        return others.exclude(pk=self.pk)

    def disconnect(self) -> None:
        """Remove the connection, or raise `LastLoginMethod`; raise `DoesNotExist` if it is already removed.

        After a fault of the database, such as a deadlock with a sign-in, it is tried once more.
        """
        try:
            self._disconnect()
        except STORE_FAULTS:
            try:
                self._disconnect()
            except STORE_FAULTS as error:
                raise SiteUnavailable("database") from error

    def _disconnect(self) -> None:
        """Two concurrent requests cannot remove the last two ways to sign in: both lock the user's connections first.

        The account is locked after them, as in a sign-in. The rows that decide are then read with a lock: without it,
        MySQL would return them as they were when the transaction began.
        """
        using = router.db_for_write(type(self))
        own = OAuthConnection.objects.using(using).filter(user_id=self.user_id)
        keys = list(own.values_list("pk", flat=True))  # locked by key, MySQL locks no gap between them
        with transaction.atomic(using=using):
            OAuthConnection.objects.begin_writing()
            list(own.filter(pk__in=keys).order_by("pk").select_for_update().values_list("pk"))
            if not self._can_be_disconnected_now(using):
                raise LastLoginMethod("refused: the last login method")
            # The caller revokes the tokens of this instance: a refresh may have stored newer ones.
            rows = type(self)._base_manager.using(using).filter(pk=self.pk)
            self.__dict__.update(rows.values(*ENCRYPTED_FIELDS).first() or {})
            deleted, _counts = OAuthConnection.objects.using(using).filter(pk=self.pk).delete()
            if not deleted:
                raise self.DoesNotExist

    def _can_be_disconnected_now(self, using: str) -> bool:
        """The same as `can_be_disconnected`, with the account locked."""
        users = get_user_model()._base_manager.using(using).select_for_update()
        self.user = users.get(pk=self.user_id)
        return can_use_password(self.user) or bool(self._other_login_methods().using(using).select_for_update()[:1])

    def lock(self) -> bool:
        """Hold the row until the transaction ends, by a write that changes nothing; say whether the row exists."""
        rows = type(self)._base_manager.using(router.db_for_write(OAuthConnection)).filter(pk=self.pk)
        return bool(rows.update(provider_key=F("provider_key")))

    def update_row(self, names: Iterable[str], *conditions: Q, using: str | None = None) -> bool:
        """Write only these fields, if the row exists and meets the conditions; say whether it did."""
        using = using or router.db_for_write(OAuthConnection)
        if not conditions:
            return queries.update_row(self, names, using=using)
        fields: list[Any] = [self._meta.get_field(name) for name in names]
        columns = {field.attname: field.pre_save(self, add=False) for field in fields}
        return bool(OAuthConnection.objects.using(using).filter(*conditions, pk=self.pk).update(**columns))

    def forget_tokens(self) -> None:
        """Clear the tokens and their state; the identity stays."""
        self.access_token = self.refresh_token = self.scope = self.refresh_lease = self.nonce_hash = ""
        self.access_token_expires_at = self.refresh_token_expires_at = self.refresh_lease_until = None
        self.auth_time = self.had_azp = None

    def set_token(
        self, token: OAuthToken, *, nonce: str = "", auth_time: int | None = None, had_azp: bool | None = None
    ) -> None:
        """Set the tokens of a sign-in; without a new refresh token the old one is kept (RFC 6749 6).

        `nonce`, `auth_time` and `had_azp` come from the ID token; those of refreshed ID tokens are compared with them
        (Core 12.2).
        """
        from oidc_login.protocol.id_token import hash_of_nonce

        self.access_token = token.access_token
        self.access_token_expires_at = stored_moment(token.access_token_expires_at)
        self.scope = text_of(token.scope)
        self.status = Status.OK
        if token.refresh_token:
            self.refresh_token = token.refresh_token
            self.refresh_token_expires_at = stored_moment(token.refresh_token_expires_at)
            self.refresh_lease, self.refresh_lease_until = "", None
            self.nonce_hash = hash_of_nonce(nonce) if nonce and token.id_token else ""
            self.auth_time, self.had_azp = auth_time, had_azp

    def set_refreshed_token(self, token: OAuthToken) -> None:
        """Set the tokens of a refresh; a provider may extend the old refresh token and state its new expiry."""
        self.access_token = token.access_token
        self.access_token_expires_at = stored_moment(token.access_token_expires_at)
        self.scope = text_of(token.scope)
        self.refreshed_at = timezone.now()
        self.refresh_lease, self.refresh_lease_until = "", None
        if token.refresh_token:
            self.refresh_token = token.refresh_token
        if token.refresh_token or token.refresh_token_expires_at:
            self.refresh_token_expires_at = stored_moment(token.refresh_token_expires_at)


def unconnected_providers(user: Any) -> list[OAuthProvider]:
    """Return the providers that a user has no connection with."""
    if not user.is_authenticated:
        return get_providers()
    connected = set(OAuthConnection.objects.filter(user=user).values_list("provider_key", flat=True))
    return [provider for provider in get_providers() if provider.key not in connected]


def own_connections(user: Any) -> list[tuple[OAuthConnection, OAuthProvider | None]]:
    """Return a user's connections, each with its provider if that is still configured; [] for an anonymous user."""
    if not user.is_authenticated:
        return []
    configured = {provider.key: provider for provider in get_providers()}
    own = OAuthConnection.objects.select_related("user").filter(user=user)
    return [(connection, configured.get(connection.provider_key)) for connection in own]
