"""How a connection came about, and whether its tokens can be used."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LinkReason(models.TextChoices):
    """How a connection came about."""

    SIGNED_UP = "signed_up", _("signed up with it")
    VERIFIED_EMAIL = "verified_email", _("linked by verified e-mail address")
    CONFIRMED = "confirmed", _("linked after signing in to the account")
    CONNECTED = "connected", _("connected by the person")
    HOOK = "hook", _("linked by the site's own rule")
    IMPORTED = "imported", _("imported from another package")
    OPERATOR = "operator", _("added by an operator")
    TOKEN = "token", _("signed in with an access token")  # noqa: S105  # a label
    NATIVE = "native", _("signed in with an app")


class Status(models.TextChoices):
    """Whether the tokens of a connection can be used."""

    OK = "ok", _("in order")
    NEEDS_REAUTH = "needs_reauth", _("the person must sign in again")
    REVOKED = "revoked", _("revoked")
