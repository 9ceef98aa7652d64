"""Translates the settings of other packages into settings of this one, one file per package.

A translation contains no secrets: it reads them from environment variables.
"""

from __future__ import annotations

from importlib import import_module

from oidc_login.moving.translations.values import Translation


def translate(source: str, *, alias: str) -> Translation:
    """Return the translated settings of a site; `alias` is the database that may contain some of them."""
    translation: Translation = import_module(f"{__name__}.{source}").translate(alias)
    return translation
