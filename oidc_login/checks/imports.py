"""Classes that Django's settings name by dotted paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.module_loading import import_string


def import_or_none(path: Any) -> Any:
    """Return what a dotted path names, `None` when it cannot be imported."""
    try:
        return import_string(path)
    except Exception:  # a module of the site is imported; Django reports what is wrong with it
        return None


def includes_class(paths: Iterable[str], base: type) -> bool:
    """Whether one of the dotted paths is the class or a subclass of it."""
    return any(isinstance(found, type) and issubclass(found, base) for found in map(import_or_none, paths))
