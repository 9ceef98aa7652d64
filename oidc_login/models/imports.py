"""Records of what an import from another package has written, so that it can be undone."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One run of `oidc_login_import --apply`; without an end it was stopped, and the next run continues it."""

    source = models.CharField(_("source"), max_length=40)
    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.pk}: {self.source}"


class ImportedConnection(models.Model):
    """A connection that a run created, and its state at that time.

    There is no foreign key to the connection, so deleting one needs no query for this table.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="imported", verbose_name=_("import"))
    connection = models.BigIntegerField(_("connection"))
    written_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("imported connection")
        verbose_name_plural = _("imported connections")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.run_id}: {self.connection}"
