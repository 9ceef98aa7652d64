"""django-auth-adfs stores no identities, and finds people by the claim in `AUTH_ADFS["USERNAME_CLAIM"]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model

from oidc_login.conf import django
from oidc_login.moving.directory import DirectorySource


class Source(DirectorySource):
    """The users of a site with django-auth-adfs."""

    name = "adfs"
    package = "django-auth-adfs"

    @classmethod
    def default_key(cls) -> str:
        return "microsoft"

    def get_default_claim(self) -> str:
        settings = adfs_settings()
        usual = "upn" if settings.get("TENANT_ID") else "winaccountname"
        return str(settings.get("USERNAME_CLAIM") or usual)

    def get_field(self) -> str:
        """Return the user name field, the only one that the package compares its claim with."""
        return get_user_model().USERNAME_FIELD


def adfs_settings() -> Mapping[str, Any]:
    found = django.get("AUTH_ADFS", {})
    return found if isinstance(found, Mapping) else {}
