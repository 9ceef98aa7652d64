"""The packages to migrate from, one file each, by the names that the command accepts."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAMES = ("allauth", "social_auth", "mozilla", "adfs", "pyoidc", "oauth_login", "oauth2_capture")


def find_source(name: str) -> Any:
    """Return the class of a source, which is only imported when it is named."""
    return import_module(f"{__name__}.{name}").Source
