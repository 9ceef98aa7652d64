"""The choices of model fields: why an identity was linked, and whether the tokens can be used."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LinkReason(models.TextChoices):
    """How a connection came about."""

    SIGNED_UP = "signed_up", _("sign-up")
    VERIFIED_EMAIL = "verified_email", _("verified e-mail address")
    CONFIRMED = "confirmed", _("sign-in to the account")
    CONNECTED = "connected", _("the person, when signed in")
    HOOK = "hook", _("the site's own rule")
    IMPORTED = "imported", _("import from another package")
    OPERATOR = "operator", _("an operator")
    TOKEN = "token", _("an access token")  # noqa: S105  # a label
    NATIVE = "native", _("an app")


class Status(models.TextChoices):
    """Whether the tokens of a connection can be used."""

    OK = "ok", _("active")
    NEEDS_REAUTH = "needs_reauth", _("the person must sign in again")
    REVOKED = "revoked", _("revoked")
