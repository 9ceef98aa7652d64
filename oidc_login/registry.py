"""The configured providers, which are built once and rebuilt when the settings change."""

from __future__ import annotations

import copy
import inspect
import logging
import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from oidc_login.cache import SharedValues
from oidc_login.conf import settings
from oidc_login.exceptions import ProviderUnknown, SiteUnavailable
from oidc_login.validation import nearest

if TYPE_CHECKING:
    from oidc_login.providers.base import OAuthProvider

logger = logging.getLogger(__name__)

DEFAULT_CLASS = "oidc_login.providers.OIDCProvider"
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")

# Entries from a loader may have been entered by a customer of the site: their URLs must be public, and their
# statements about addresses do not link accounts.
LOADER_DEFAULTS: Mapping[str, Any] = {"refuse_private_addresses": True, "link_by_email": "never"}

Configuration = Mapping[str, Any]

# By key: the configuration of a provider, and the provider, or `None` if it cannot be built.
_providers: dict[str, tuple[Configuration, OAuthProvider | None]] = {}
_keeping = threading.Lock()


class EntrySource(NamedTuple):
    """Settings of another package that configure a provider, in addition to `OIDC_LOGIN_PROVIDERS`."""

    complete: Callable[[Any], Any]  # returns the entries of `OIDC_LOGIN_PROVIDERS`, including its own
    callback_name: Callable[[str], str | None]  # returns the URL name of the registered callback for a key, or `None`


_sources: list[EntrySource] = []


def add_source(source: EntrySource) -> None:
    """Register a source of entries from another package's settings."""
    if source not in _sources:
        _sources.append(source)


def provider_entries() -> Any:
    """Return the entries of `OIDC_LOGIN_PROVIDERS`, completed by each source."""
    entries = settings.PROVIDERS
    for source in _sources:
        entries = source.complete(entries)
    return entries


def callback_name(key: str) -> str | None:
    """Return the URL name of the callback that a source registered for a provider, or `None` for the package's own."""
    return next((name for source in _sources if (name := source.callback_name(key))), None)


def get_configurations() -> Mapping[str, Configuration]:
    """Return the entries of the loader, then those of `OIDC_LOGIN_PROVIDERS`; if the loader fails, only the latter."""
    try:
        return {**loaded_configurations(), **provider_entries()}
    except SiteUnavailable:
        return provider_entries()  # type: ignore[no-any-return]  # checked by the system checks


def loaded_configurations() -> Mapping[str, Configuration]:
    """Return the valid entries from `OIDC_LOGIN_PROVIDER_LOADER`; raise `SiteUnavailable` if it fails."""
    if settings.PROVIDER_LOADER is None:
        return {}
    try:
        loaded = import_string(settings.PROVIDER_LOADER)()
    except Exception as error:  # code of the site may raise any exception, and its database or cache may be down
        logger.error("OIDC_LOGIN_PROVIDER_LOADER failed: %s", type(error).__name__, exc_info=True)
        raise SiteUnavailable("loader") from None
    if not isinstance(loaded, Mapping):
        logger.error("OIDC_LOGIN_PROVIDER_LOADER did not return a dictionary: type=%s", type(loaded).__name__)
        raise SiteUnavailable("loader")
    return {key: with_safe_defaults(entry) for key, entry in loaded.items() if is_entry(key, entry)}


def with_safe_defaults(entry: Configuration) -> Configuration:
    """Return a loader's entry with safe defaults; `None` counts as missing."""
    missing = {name: default for name, default in LOADER_DEFAULTS.items() if entry.get(name) is None}
    return {**entry, **missing}


def is_written(key: str, argument: str, value: object) -> bool:
    """Whether this value is in the site's own entry in `OIDC_LOGIN_PROVIDERS`."""
    entries = settings.PROVIDERS
    entry = entries.get(key) if isinstance(entries, Mapping) else None
    return isinstance(entry, Mapping) and entry.get(argument) == value


def is_entry(key: object, entry: object) -> bool:
    """Whether a loader's entry has a valid key, settings, and a label that pages can show."""
    is_key = isinstance(key, str) and KEY.fullmatch(key)
    if is_key and isinstance(entry, Mapping) and isinstance(entry.get("label", ""), (str, Promise, type(None))):
        return True
    logger.error("OIDC_LOGIN_PROVIDER_LOADER entry skipped: key=%r type=%s", key, type(entry).__name__)
    return False


def get_login_providers() -> list[OAuthProvider]:
    """Return the providers that people can sign in with."""
    return [provider for provider in get_providers() if provider.allow_login]


def get_provider_keys() -> list[str]:
    """Return the keys of all providers."""
    return list(get_configurations())


def get_providers() -> list[OAuthProvider]:
    """Return all providers, without those of the loader that cannot be built."""
    found = [find_provider(key, configuration) for key, configuration in get_configurations().items()]
    return [provider for provider in found if provider is not None]


def get_login_keys() -> list[str]:
    """Return the keys of the providers that allow sign-in, according to their entries."""
    return [key for key, entry in get_configurations().items() if entry.get("allow_login", True)]


def get_configuration(key: str) -> Configuration | None:
    """Return the entry of a key, or `None`; the loader is only called if the settings do not have it."""
    entries = provider_entries()
    configurations = entries if key in entries else loaded_configurations()
    return configurations.get(key)


def get_provider(key: str) -> OAuthProvider:
    """Return the provider of a key, or raise `ProviderUnknown` (404)."""
    configuration = get_configuration(key)
    if configuration is None:
        _providers.pop(key, None)
        raise ProviderUnknown
    provider = find_provider(key, configuration)
    if provider is None:
        raise ProviderUnknown
    return provider


def find_provider(key: str, configuration: Configuration) -> OAuthProvider | None:
    """Return the provider of an entry, which is only rebuilt when the entry changes.

    An invalid entry in the settings raises an error, which the system checks also report. An invalid entry of a loader
    is logged once and skipped.
    """
    known = _providers.get(key)
    if known is not None and known[0] == configuration:
        return known[1]
    provider = None
    kept = configuration
    try:
        kept = copy.deepcopy(configuration)
        provider = build_provider(key, configuration)
    except Exception as error:  # a class or module of the site may raise any exception
        if key in provider_entries():
            raise
        logger.error("OIDC_LOGIN_PROVIDER_LOADER provider skipped: key=%r error=%s", key, safe_description(error))
    with _keeping:
        # Use the provider that another thread has built, because two would fetch every document twice.
        known = _providers.get(key)
        if known is not None and known[0] == configuration:
            return known[1]
        _providers[key] = (kept, provider)
    return provider


def safe_description(error: Exception) -> object:
    """Return a description of an error for the log: only its type, because messages of others may quote values."""
    own = isinstance(error, ImproperlyConfigured) and error.__cause__ is None
    return error if own else type(error.__cause__ or error).__name__


def build_provider(key: str, configuration: Mapping[str, Any]) -> OAuthProvider:
    """Return a new provider, or raise `ImproperlyConfigured` with the provider and the argument."""
    # The models import this module, so import the protocol only when the first provider is built.
    from oidc_login.protocol.http.bounds import Bounds
    from oidc_login.protocol.http.client import Transport

    arguments = {name: value for name, value in configuration.items() if name != "class"}
    provider_class = import_provider_class(key, configuration)
    for problem in argument_problems(provider_class, arguments):
        raise ImproperlyConfigured(f"OIDC_LOGIN_PROVIDERS[{key!r}]: {problem}")
    try:
        provider = provider_class(provider_key=key, **arguments)
    except (TypeError, ValueError, AttributeError) as error:
        raise ImproperlyConfigured(f"OIDC_LOGIN_PROVIDERS[{key!r}]: {error}") from error
    provider.share_documents(SharedValues())
    if isinstance(getattr(provider, "transport", None), Transport):
        each, total = int(settings.MAX_EXCHANGES_PER_PROVIDER), int(settings.MAX_EXCHANGES)
        provider.transport.bounds = Bounds(name=key, each=each, total=total)
    return provider


def import_provider_class(key: str, configuration: Mapping[str, Any]) -> type[OAuthProvider]:
    """Return the class of an entry in the settings."""
    from oidc_login.providers.base import OAuthProvider  # as above

    path = configuration.get("class", DEFAULT_CLASS)
    try:
        provider_class = path if isinstance(path, type) else import_string(path)
    except (ImportError, AttributeError) as error:  # a path that is not a string has no dots
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
    others = {"self", "provider_key", *provider_class.unused_arguments}
    return {name: required for name, required in names.items() if name not in others}


def argument_problems(provider_class: type[OAuthProvider], arguments: Mapping[str, Any]) -> list[str]:
    """Yield the unknown or missing arguments, with the nearest valid name."""
    names = argument_names(provider_class)
    problems = []
    for name in arguments:
        if name not in names:
            near = nearest(name, names)
            problems.append(f"unknown argument {name!r}" + (f", did you mean {near!r}?" if near else ""))
    missing = [name for name, required in names.items() if required and name not in arguments]
    return problems + [f"missing argument {name!r}" for name in missing]


def forget_providers(*, setting: str, **kwargs: Any) -> None:
    """Rebuild the providers after a test changed the settings."""
    if setting.startswith("OIDC_"):
        _providers.clear()


setting_changed.connect(forget_providers)
