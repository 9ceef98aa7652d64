"""The application with the icons."""

from __future__ import annotations

from django.apps import AppConfig


class IconsConfig(AppConfig):
    name = "oidc_login.contrib.icons"
    label = "oidc_login_icons"
    verbose_name = "Icons of sign-in providers"
