"""The application that a site adds to `INSTALLED_APPS`."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class HeadlessConfig(AppConfig):
    name = "oidc_login.contrib.headless"
    label = "oidc_login_headless"
    verbose_name = _("Sign-in for front ends")

    def ready(self) -> None:
        from oidc_login.contrib.headless.checks import check_frontends

        checks.register(check_frontends, checks.Tags.security)
