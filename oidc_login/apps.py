"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OIDCLoginConfig(AppConfig):
    """Sign-in with OpenID Connect and OAuth 2.0 providers."""

    name = "oidc_login"
    verbose_name = _("Sign-in providers")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  # registers the system checks
