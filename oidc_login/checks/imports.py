"""Imports of classes that Django's settings name by dotted path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.module_loading import import_string


def import_or_none(path: Any) -> Any:
    """Return the object at a dotted path, or `None` if it cannot be imported."""
    try:
        return import_string(path)
    except Exception:  # importing a module of the site may fail; Django reports it
        return None


def includes_class(paths: Iterable[str], base: type) -> bool:
    """Whether one of the dotted paths is the class or a subclass of it."""
    return any(isinstance(found, type) and issubclass(found, base) for found in map(import_or_none, paths))
