"""The settings of other packages, as settings of this one: one file for each package.

A translation holds values that people can read: secrets are named by the environment variable that is to hold them.
"""

from __future__ import annotations

from importlib import import_module

from oidc_login.moving.translations.values import Translation


def translate(source: str, *, alias: str) -> Translation:
    """Return the settings of a site of a package; `alias` is the database that may hold some of them."""
    translation: Translation = import_module(f"{__name__}.{source}").translate(alias)
    return translation
