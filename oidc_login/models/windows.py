"""Windows that an operator opens: for a time, a claim finds the accounts of people who come from another package."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class LinkWindowQuerySet(models.QuerySet["LinkWindow"]):
    """Windows by whether they are open."""

    def open_at(self, now: datetime) -> LinkWindowQuerySet:
        return self.filter(closed_at=None, opened_at__lte=now, ends_at__gt=now)


class LinkWindow(models.Model):
    """A time in which identities of one issuer are linked to the accounts that one claim names.

    `user_field` is the field of the user that the claim is compared with. `staff` has the keys of the privileged users
    who may be linked too.
    """

    provider_key = models.CharField(_("provider"), max_length=100)
    issuer = models.CharField(_("issuer"), max_length=255, blank=True)
    claim = models.CharField(_("claim"), max_length=100)
    user_field = models.CharField(_("field of the user"), max_length=100)
    staff = models.JSONField(_("staff who may be linked"), default=list, blank=True)
    opened_at = models.DateTimeField(_("opened at"))
    ends_at = models.DateTimeField(_("ends at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = LinkWindowQuerySet.as_manager()

    class Meta:
        verbose_name = _("window for linking")
        verbose_name_plural = _("windows for linking")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.pk}: {self.provider_key} by {self.claim}"


class LinkWindowUse(models.Model):
    """A user who was linked in a window.

    There is no foreign key to the user, so deleting a user needs no query for this table.
    """

    window = models.ForeignKey(LinkWindow, on_delete=models.CASCADE, related_name="uses", verbose_name=_("window"))
    user_key = models.CharField(_("user"), max_length=255)
    used_at = models.DateTimeField(_("used at"), auto_now_add=True)

    class Meta:
        verbose_name = _("use of a window for linking")
        verbose_name_plural = _("uses of a window for linking")
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("window", "user_key"), name="oidc_login_window_use"),)

    def __str__(self) -> str:
        return f"{self.window_id}: {self.user_key}"
