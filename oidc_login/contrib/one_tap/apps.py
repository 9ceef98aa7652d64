"""The application that a site adds to `INSTALLED_APPS`."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OneTapConfig(AppConfig):
    name = "oidc_login.contrib.one_tap"
    label = "oidc_login_one_tap"
    verbose_name = _("One Tap")
