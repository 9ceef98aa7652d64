"""django-pyoidc stores no identities, and finds people by user name and email address together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oidc_login.conf import django
from oidc_login.moving.directory import DirectorySource


class Source(DirectorySource):
    """The users of a site with django-pyoidc."""

    name = "pyoidc"
    package = "django-pyoidc"
    default_claim = "preferred_username"

    @classmethod
    def default_key(cls) -> str:
        return next(iter(pyoidc_settings()), "oidc")


def pyoidc_settings() -> Mapping[str, Mapping[str, Any]]:
    """Return the providers in `DJANGO_PYOIDC`, with lower-case option names."""
    found = django.get("DJANGO_PYOIDC", {})
    entries = found if isinstance(found, Mapping) else {}
    return {
        str(name): {str(option).lower(): value for option, value in entry.items()}
        for name, entry in entries.items()
        if isinstance(entry, Mapping)
    }
