"""`SignedInSession`: one sign-in of one browser through a provider."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.db import models, router
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from oidc_login.conf import django
from oidc_login.fields import EncryptedTextField, ExactCharField


def new_mark() -> str:
    """Return a new primary key, which the session keeps too."""
    return secrets.token_hex(16)


class SignedInQuerySet(models.QuerySet["SignedInSession"]):
    """Sign-ins by the names that a provider has for them."""

    def named(self, provider_key: str, issuer: str, *, subject: str, sid: str) -> SignedInQuerySet:
        """Return those of one session at the provider, or all of a person (Back-Channel Logout 2.7).

        With both `subject` and `sid`, sign-ins of that person without a `sid` are included.
        """
        found = self.filter(provider_key=provider_key, issuer=issuer)
        if not sid:
            return found.filter(subject=subject)
        if not subject:
            return found.filter(sid=sid)
        return found.filter(Q(sid=sid) | Q(sid=""), subject=subject)

    def lasting(self) -> SignedInQuerySet:
        """Return those that have not expired, newest first."""
        return self.filter(expires_at__gt=timezone.now()).order_by("-created_at")


class SignedInManager(models.Manager["SignedInSession"]):
    """Reads from the database that is written to: a replica may not have the newest sign-ins yet."""

    def get_queryset(self) -> SignedInQuerySet:
        return SignedInQuerySet(self.model, using=self._db or router.db_for_write(self.model))

    def named(self, provider_key: str, issuer: str, *, subject: str, sid: str) -> SignedInQuerySet:
        return self.get_queryset().named(provider_key, issuer, subject=subject, sid=sid)

    def lasting(self) -> SignedInQuerySet:
        return self.get_queryset().lasting()


class SignedInSession(models.Model):
    """One sign-in of one browser through a provider; the row is removed when it ends."""

    mark = models.CharField(max_length=32, primary_key=True, default=new_mark, editable=False)
    user = models.ForeignKey(
        django.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="oauth_sessions", verbose_name=_("user")
    )
    provider_key = ExactCharField(_("provider"), max_length=100)
    issuer = ExactCharField(_("issuer"), max_length=255, blank=True)
    subject = ExactCharField(_("identity"), max_length=255)
    # The provider's own name for the session (Back-Channel Logout 2.1), if it has sent one.
    sid = ExactCharField(max_length=255, blank=True, default="", editable=False)
    session_key = EncryptedTextField(blank=True, default="", bound_to=("mark",), editable=False)
    # Sent to the provider as `id_token_hint` (RP-Initiated Logout 2).
    id_token = EncryptedTextField(blank=True, default="", bound_to=("mark",), editable=False)
    # Equal to the connection's as long as its refresh token is the one from this sign-in.
    nonce_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    browser = models.CharField(_("browser"), max_length=64, blank=True, default="")
    created_at = models.DateTimeField(_("signed in at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)

    objects = SignedInManager()

    class Meta:
        verbose_name = _("signed-in session")
        verbose_name_plural = _("signed-in sessions")
        indexes = (
            models.Index(fields=["provider_key", "issuer", "subject"], name="oidc_login_session_subject"),
            models.Index(fields=["provider_key", "issuer", "sid"], name="oidc_login_session_sid"),
        )

    if TYPE_CHECKING:
        user_id: Any

    def __str__(self) -> str:
        return f"{self.provider_key}[{self.user_id}]"
