"""The checks of one entry of `OIDC_LOGIN_PROVIDERS`: its key, its class, and its arguments one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from oidc_login import providers
from oidc_login.checks.arguments import ARGUMENT_RULES, problem
from oidc_login.checks.buttons import BUTTON_RULES
from oidc_login.checks.messages import Problem, listed, message, near
from oidc_login.mozilla.entry import provider_entries
from oidc_login.providers.base import OAuthProvider
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import KEY, argument_names, import_provider_class

# Packages that only some classes need, and the extra that brings each.
EXTRAS: Mapping[str, str] = {"oauthlib": "oauth1"}
RULES = {**ARGUMENT_RULES, **BUTTON_RULES}
BASES = ("OAuth1Provider", "OAuth2Provider", "OAuthProvider", "OIDCProvider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One provider of the settings; `broken` names the arguments that a message stands for already."""

    key: str
    provider_class: type[OAuthProvider]
    arguments: Mapping[str, Any] = field(repr=False)
    broken: frozenset[str] = frozenset()

    def message(self, found: Problem) -> CheckMessage:
        """Return the message for what a rule found."""
        name = re.sub(r"^metadata\['(\w+)'\]$", r"\1", found.argument)
        return message(
            found.number,
            **{
                "entry": named(self.key),
                "argument": found.argument,
                "subject": f"{named(self.key)}: {found.argument}",
                "written": f'"{name}":',
                "variable": re.sub(r"\W", "_", f"{self.key}_{name or 'client_secret'}").upper(),
                "class_name": self.provider_class.__name__,
                **found.values,
            },
        )


def named(key: object) -> str:
    return f"OIDC_LOGIN_PROVIDERS[{key!r}]"


def configured() -> Mapping[Any, Any]:
    """Return the entries of the settings, none where they are no dictionary."""
    entries = provider_entries()
    return entries if isinstance(entries, Mapping) else {}


def check_key(key: object) -> list[CheckMessage]:
    """A key fits into URLs and into the column of the connections."""
    if isinstance(key, str) and KEY.fullmatch(key):
        return []
    suggestion = re.sub(r"[^a-z0-9_-]+", "-", str(key).lower()).strip("-_")[:100]
    return [message("E002", key=key, suggestion=suggestion or "my-provider")]


def read_entry(key: Any, configuration: Any) -> tuple[Entry | None, list[CheckMessage]]:
    """Return the entry of a key without its unusable arguments, and what is wrong with them."""
    if not isinstance(configuration, Mapping):
        return None, [message("E003", entry=named(key), found=type(configuration).__name__)]
    try:
        provider_class = import_provider_class(key, configuration)
    except Exception as error:  # a module of the site is imported, and may raise anything
        return None, [check_class(key, configuration.get("class"), error)]
    arguments = {name: value for name, value in configuration.items() if name != "class"}
    entry = Entry(key=key, provider_class=provider_class, arguments=arguments)
    problems = [*check_names(entry), *check_values(entry)]
    broken = {found.argument.partition("[")[0] for found in problems}
    usable = {name: value for name, value in arguments.items() if name not in broken}
    entry = Entry(key=key, provider_class=provider_class, arguments=usable, broken=frozenset(broken))
    return entry, [entry.message(found) for found in problems]


def check_class(key: object, path: object, error: Exception) -> CheckMessage:
    """The class can be imported and is one of a provider."""
    cause = error.__cause__ or error
    package = str(cause.name) if isinstance(cause, ModuleNotFoundError) else ""
    if package in EXTRAS:
        return message("E080", entry=named(key), path=path, package=package, extra=EXTRAS[package])
    reason = f"{type(cause).__name__}: {cause}".rstrip(".")
    if isinstance(error, ImproperlyConfigured) and error.__cause__ is None:
        reason = "it is not a subclass of oidc_login.providers.OAuthProvider"
    shipped = [f"{providers.__name__}.{name}" for name in (*BASES, *shipped_classes())]
    suggestion = near(path, shipped) if str(path).startswith("oidc_login.") else ""
    return message("E004", entry=named(key), path=path, reason=reason, near=suggestion)


# The arguments.


def check_names(entry: Entry) -> Iterator[Problem]:
    """Every argument is one of the class, and none is missing that the class requires."""
    names = argument_names(entry.provider_class)
    for name in entry.arguments:
        if name not in names:
            yield problem("E005", str(name), name=name, near=near(name, names), names=listed(names))
    for name, required in names.items():
        if required and name not in entry.arguments:
            yield problem("E006", name, name=name)


def check_values(entry: Entry) -> Iterator[Problem]:
    """Every argument that the package knows has a value that can be used."""
    names = argument_names(entry.provider_class)
    for name, value in entry.arguments.items():
        if name in names and name in RULES:
            for found in RULES[name](value):
                yield problem(found.number, found.argument or name, **found.values)
