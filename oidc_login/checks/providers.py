"""The checks of `OIDC_LOGIN_PROVIDERS`: keys, classes and arguments, and each provider as a whole."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from oidc_login import providers
from oidc_login.checks.addresses import check_email_needs
from oidc_login.checks.arguments import ARGUMENT_RULES
from oidc_login.checks.credentials import check_assertion_file, check_client_key, check_client_secret, check_mac_secret
from oidc_login.checks.entries import Entry, configured, named
from oidc_login.checks.groups import check_groups
from oidc_login.checks.oauth1 import check_oauth1_secret
from oidc_login.checks.oauth2 import check_identity
from oidc_login.checks.oauth_login import check_required_address, check_unused_methods
from oidc_login.checks.old_callbacks import check_old_callback
from oidc_login.checks.openid import check_address, check_discovery_url, check_issuer, check_known_hosts
from oidc_login.checks.parts import check_endpoints, check_parts
from oidc_login.checks.reports import Problem, Report
from oidc_login.conf import settings
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import KEY, argument_names, import_provider_class
from oidc_login.validation import did_you_mean, listed

# Packages that some classes need, and their extras.
EXTRAS: Mapping[str, str] = {"oauthlib": "oauth1"}
BASES = ("OAuth1Provider", "OAuth2Provider", "OAuthProvider", "OIDCProvider")

NO_DICTIONARY = Report(
    "E001",
    "OIDC_LOGIN_PROVIDERS must be a dictionary, not {found}.",
    'Write OIDC_LOGIN_PROVIDERS = {{"google": {{"class": "oidc_login.providers.GoogleProvider", ...}}}}.',
)
KEY_INVALID = Report(
    "E002",
    "OIDC_LOGIN_PROVIDERS: {key!r} is not a valid provider key.",
    "The key is part of URLs. It has up to 100 characters of a-z, 0-9, - and _, and begins with a letter or a digit. "
    "Write {suggestion!r}.",
)
ENTRY_INVALID = Report(
    "E003",
    "{entry} must be a dictionary, not {found}.",
    'Write {{"issuer": "https://...", "client_id": "...", "client_secret": "..."}}.',
)
CLASS_INVALID = Report(
    "E004",
    "{entry}: class {path!r} cannot be used: {reason}{near}.",
    "Write the dotted path of a subclass of oidc_login.providers.OAuthProvider. For an OpenID provider you can remove "
    '"class".',
)
ARGUMENT_UNKNOWN = Report("E005", "{entry}: unknown argument {name!r}{near}.", "{class_name} accepts {names}.")
ARGUMENT_MISSING = Report("E006", "{entry}: missing argument {name!r}.", "Add {name!r}: ... to the entry.")
ARGUMENTS_REFUSED = Report(
    "E018",
    "{entry}: {class_name} does not accept these arguments: {reason}.",
    "Correct the arguments of the entry.",
)
PACKAGE_MISSING = Report(
    "E080",
    "{entry}: class {path!r} needs the package {package}, which is not installed.",
    "Install it with the extra: pip install 'django-oidc-login[{extra}]'.",
)
SAME_CLIENT = Report(
    "W001",
    "{entry} and {other} are the same client of the same provider.",
    "A person who uses both gets two separate identities. Remove one of the entries, or give it another client_id.",
)


def provider_messages() -> list[CheckMessage]:
    """Return the messages about `OIDC_LOGIN_PROVIDERS`."""
    if not isinstance(settings.PROVIDERS, Mapping):
        return [NO_DICTIONARY.message(found=type(settings.PROVIDERS).__name__)]
    found: list[CheckMessage] = []
    made: dict[str, OAuthProvider] = {}
    for key, configuration in configured().items():
        found += check_key(key)
        entry, messages = read_entry(key, configuration)
        found += messages
        if entry is not None:
            found += check_made_provider(entry, made)
    return [*found, *check_same_client(made)]


def check_key(key: object) -> list[CheckMessage]:
    """A key is valid in URLs and fits into the column of the connections."""
    if isinstance(key, str) and KEY.fullmatch(key):
        return []
    suggestion = re.sub(r"[^a-z0-9_-]+", "-", str(key).lower()).strip("-_")[:100]
    return [KEY_INVALID.message(key=key, suggestion=suggestion or "my-provider")]


# The class and its arguments.


def read_entry(key: Any, configuration: Any) -> tuple[Entry | None, list[CheckMessage]]:
    """Return the entry of a key without its unusable arguments, and the messages about these."""
    if not isinstance(configuration, Mapping):
        return None, [ENTRY_INVALID.message(entry=named(key), found=type(configuration).__name__)]
    try:
        provider_class = import_provider_class(key, configuration)
    except Exception as error:  # a module of the site may raise any exception on import
        return None, [check_class(key, configuration.get("class"), error)]
    arguments = {name: value for name, value in configuration.items() if name != "class"}
    entry = Entry(key=key, provider_class=provider_class, arguments=arguments)
    problems = [*check_names(entry), *check_values(entry)]
    broken = {found.argument.partition("[")[0] for found in problems}
    usable = {name: value for name, value in arguments.items() if name not in broken}
    entry = Entry(key=key, provider_class=provider_class, arguments=usable, broken=frozenset(broken))
    return entry, [entry.message(found) for found in problems]


def check_class(key: object, path: object, error: Exception) -> CheckMessage:
    """The class can be imported and is a provider class."""
    cause = error.__cause__ or error
    package = str(cause.name) if isinstance(cause, ModuleNotFoundError) else ""
    if package in EXTRAS:
        return PACKAGE_MISSING.message(entry=named(key), path=path, package=package, extra=EXTRAS[package])
    reason = f"{type(cause).__name__}: {cause}".rstrip(".")
    if isinstance(error, ImproperlyConfigured) and error.__cause__ is None:
        reason = "it is not a subclass of oidc_login.providers.OAuthProvider"
    shipped = [f"{providers.__name__}.{name}" for name in (*BASES, *shipped_classes())]
    near = did_you_mean(path, shipped) if str(path).startswith("oidc_login.") else ""
    return CLASS_INVALID.message(entry=named(key), path=path, reason=reason, near=near)


def check_names(entry: Entry) -> Iterator[Problem]:
    """The class accepts every argument, and no required one is missing."""
    names = argument_names(entry.provider_class)
    for name in entry.arguments:
        if name not in names:
            near = did_you_mean(name, names)
            yield ARGUMENT_UNKNOWN.problem(str(name), name=name, near=near, names=listed(names))
    for name, required in names.items():
        if required and name not in entry.arguments:
            yield ARGUMENT_MISSING.problem(name, name=name)


def check_values(entry: Entry) -> Iterator[Problem]:
    """Every argument that the package knows has a valid value."""
    names = argument_names(entry.provider_class)
    for name, value in entry.arguments.items():
        if name in names and name in ARGUMENT_RULES:
            for found in ARGUMENT_RULES[name](value):
                yield found.report.problem(found.argument or name, **found.values)


# The provider as a whole.


def check_made_provider(entry: Entry, made: dict[str, OAuthProvider]) -> list[CheckMessage]:
    """Create the provider from its valid arguments and check it as a whole."""
    missing = {name for name, required in argument_names(entry.provider_class).items() if required}
    missing -= {"client_id", *entry.arguments}
    if missing:
        return []
    try:
        provider = entry.provider_class(provider_key=str(entry.key), **{"client_id": "-", **entry.arguments})
        messages = [entry.message(found) for rule in PROVIDER_RULES for found in rule(entry, provider)]
    except Exception as error:  # a class of the site may raise any exception
        return [] if entry.broken else [entry.message(refused_arguments(error))]
    if "client_id" not in entry.broken:
        made[entry.key] = provider
    return messages


def refused_arguments(error: Exception) -> Problem:
    """Return the message for a class that raised an exception; only the text of deliberate errors is safe to show."""
    is_deliberate = isinstance(error, (TypeError, ValueError, ImproperlyConfigured))
    text = f"{type(error).__name__}: {error}".rstrip(".") if is_deliberate else type(error).__name__
    return ARGUMENTS_REFUSED.problem(reason=text)


PROVIDER_RULES: tuple[Callable[[Entry, Any], Iterable[Problem]], ...] = (
    check_parts,
    check_identity,
    check_endpoints,
    check_address,
    check_discovery_url,
    check_issuer,
    check_known_hosts,
    check_client_secret,
    check_client_key,
    check_assertion_file,
    check_mac_secret,
    check_groups,
    check_email_needs,
    check_oauth1_secret,
    check_old_callback,
    check_unused_methods,
    check_required_address,
)


def check_same_client(made: Mapping[str, OAuthProvider]) -> Iterator[CheckMessage]:
    """No two entries are the same client, because a person would then have two identities."""
    first: dict[tuple[str, str], str] = {}
    for key, provider in made.items():
        address = provider.discovery_url or static_address(provider)
        other = first.setdefault((address, provider.client_id), key)
        if address and other != key:
            yield SAME_CLIENT.message(entry=named(other), other=named(key))


def static_address(provider: OAuthProvider) -> str:
    """Return the authorization endpoint of a class, or "" if it is not a plain string."""
    for name in ("authorization_endpoint", "authorization_url"):
        url = inspect.getattr_static(provider, name, None)
        if isinstance(url, str):
            return url
    return ""
