"""The configured providers: built from the settings once, and again when those change."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .cache import SharedValues
from .conf import settings
from .exceptions import ProviderUnknown
from .providers.base import OAuthProvider

DEFAULT_CLASS = "oidc_login.providers.OIDCProvider"

_providers: dict[str, tuple[Mapping[str, Any], OAuthProvider]] = {}
_keeping = threading.Lock()


def get_configurations() -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of `OIDC_LOGIN_PROVIDERS`, after those of `OIDC_LOGIN_PROVIDER_LOADER`, by key.

    What a loader gives may have been typed by a customer of the site: its addresses must be public ones, unless
    the entry says `"refuse_private_addresses": False`.
    """
    if settings.PROVIDER_LOADER is None:
        return settings.PROVIDERS  # type: ignore[no-any-return]  # checked by the system checks
    loaded = import_string(settings.PROVIDER_LOADER)()
    return {
        **{key: {"refuse_private_addresses": True, **configuration} for key, configuration in loaded.items()},
        **settings.PROVIDERS,
    }


def get_provider_keys() -> list[str]:
    """Return the keys of all providers."""
    return list(get_configurations())


def get_providers() -> list[OAuthProvider]:
    """Return all providers."""
    return [get_provider(key) for key in get_provider_keys()]


def get_provider(key: str) -> OAuthProvider:
    """Return the provider of a key; `ProviderUnknown` (404) where there is none.

    It is built again only when its configuration has changed.
    """
    configuration = get_configurations().get(key)
    if configuration is None:
        raise ProviderUnknown
    known = _providers.get(key)
    if known is not None and known[0] == configuration:
        return known[1]
    provider = build_provider(key, configuration)
    with _keeping:
        # The one that another thread has built meanwhile: two would fetch every document twice.
        known = _providers.get(key)
        if known is not None and known[0] == configuration:
            return known[1]
        _providers[key] = (copy.deepcopy(configuration), provider)
    return provider


def build_provider(key: str, configuration: Mapping[str, Any]) -> OAuthProvider:
    """Return a new provider, or raise `ImproperlyConfigured` naming the provider and the argument."""
    arguments = {name: value for name, value in configuration.items() if name != "class"}
    provider_class = import_provider_class(key, configuration)
    for problem in argument_problems(provider_class, arguments):
        raise ImproperlyConfigured(f"OIDC_LOGIN_PROVIDERS[{key!r}]: {problem}")
    try:
        provider = provider_class(provider_key=key, **arguments)
    except (TypeError, ValueError, AttributeError) as error:
        raise ImproperlyConfigured(f"OIDC_LOGIN_PROVIDERS[{key!r}]: {error}") from error
    if hasattr(provider, "store"):
        provider.store = SharedValues()
    return provider


def import_provider_class(key: str, configuration: Mapping[str, Any]) -> type[OAuthProvider]:
    """Return the class that an entry of the settings names."""
    path = configuration.get("class", DEFAULT_CLASS)
    try:
        provider_class = path if isinstance(path, type) else import_string(path)
    except (ImportError, AttributeError) as error:  # a path that is no text has no dots to look for
        raise ImproperlyConfigured(f"OIDC_LOGIN_PROVIDERS[{key!r}]: class {path!r}: {error}") from error
    if not isinstance(provider_class, type) or not issubclass(provider_class, OAuthProvider):
        raise ImproperlyConfigured(
            f"OIDC_LOGIN_PROVIDERS[{key!r}]: class {path!r} is not a subclass of oidc_login.providers.OAuthProvider"
        )
    return provider_class


def argument_names(provider_class: type[OAuthProvider]) -> dict[str, bool]:
    """Return the keyword arguments of a provider class, and whether each is required."""
    names: dict[str, bool] = {}
    for base in provider_class.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = inspect.signature(vars(base)["__init__"]).parameters
        for name, parameter in parameters.items():
            if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                names.setdefault(name, parameter.default is parameter.empty)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return {name: required for name, required in names.items() if name not in ("self", "provider_key")}


def argument_problems(provider_class: type[OAuthProvider], arguments: Mapping[str, Any]) -> list[str]:
    """Say which arguments are unknown or missing, with the nearest valid name."""
    names = argument_names(provider_class)
    problems = []
    for name in arguments:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            problems.append(f"unknown argument {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    missing = [name for name, required in names.items() if required and name not in arguments]
    return problems + [f"missing argument {name!r}" for name in missing]


def forget_providers(*, setting: str, **kwargs: Any) -> None:
    """Build the providers anew after a test changed the settings."""
    if setting.startswith("OIDC_LOGIN_"):
        _providers.clear()


setting_changed.connect(forget_providers)
