"""Lists the provider classes of the package, for the documentation, the checks and the tests."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import oidc_login.providers
from oidc_login.providers.base import OAuthProvider


def shipped_classes() -> dict[str, type[OAuthProvider]]:
    """Return the shipped provider classes by name. This imports all of them."""
    found: dict[str, type[OAuthProvider]] = {}
    for info in iter_modules(oidc_login.providers.__path__):
        try:
            module = import_module(f"{oidc_login.providers.__name__}.{info.name}")
        except ImportError:  # its extra is not installed
            continue
        found |= {name: value for name, value in vars(module).items() if is_shipped(value, module.__name__)}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def is_shipped(value: object, module: str) -> bool:
    """Whether a value is a provider class for one service, defined in its module."""
    if not isinstance(value, type) or not issubclass(value, OAuthProvider) or value.__module__ != module:
        return False
    return "display_name" in vars(value)
