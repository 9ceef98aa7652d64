"""The settings of the package: every name and default. The only module that reads Django's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings

DEFAULTS: Mapping[str, Any] = {
    "PROVIDERS": {},
    "EMAIL_LINKING": "verified",
    "ALLOW_SIGNUP": True,
    "FLOW_LIFETIME": 600,
    "CACHE": "default",
    "TOKEN_KEYS": None,
    "BASE_URL": None,
    "CLAIMS": [],
    "LOCAL_EMAIL_VERIFIED": None,
    "REAUTHENTICATION_AGE": None,
    "NOTIFY": False,
    "REMEMBER_LAST_USED": True,
    "SET_PASSWORD_URL": None,
    "PROVIDER_LOADER": None,
    "BEARER_PROVIDERS": [],
    "RESOURCE_METADATA": {},
    "REDIRECT_BY_PAGE": None,
    "FRONTEND_ORIGINS": [],
    "APP_SESSIONS": False,
    "MAX_EXCHANGES": 12,
    "MAX_EXCHANGES_PER_PROVIDER": 8,
}


class Settings:
    """`settings.NAME` is `OIDC_LOGIN_NAME` of the site, or its default. It is read each time."""

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"there is no setting OIDC_LOGIN_{name}")
        return getattr(django_settings, f"OIDC_LOGIN_{name}", DEFAULTS[name])


class DjangoSettings:
    """The settings of Django, mozilla-django-oidc and Authlib that this package honours."""

    def __getattr__(self, name: str) -> Any:
        return getattr(django_settings, name)

    def get(self, name: str, default: Any) -> Any:
        return getattr(django_settings, name, default)

    def names(self) -> list[str]:
        """Return the names of all settings, for the check that finds misspelt settings."""
        return [name for name in dir(django_settings) if name.isupper()]


settings = Settings()
django = DjangoSettings()
