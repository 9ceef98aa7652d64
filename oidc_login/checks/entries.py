"""One entry of `OIDC_LOGIN_PROVIDERS`, as the provider rules see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.checks import CheckMessage

from oidc_login.checks.reports import Problem
from oidc_login.providers.base import OAuthProvider
from oidc_login.registry import provider_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One configured provider; `broken` names the arguments that already have a message."""

    key: str
    provider_class: type[OAuthProvider]
    arguments: Mapping[str, Any] = field(repr=False)
    broken: frozenset[str] = frozenset()

    def message(self, found: Problem) -> CheckMessage:
        """Return the message for a rule's finding."""
        name = re.sub(r"^metadata\['(\w+)'\]$", r"\1", found.argument)
        return found.report.message(
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
    """Return the name of the entry in messages."""
    return f"OIDC_LOGIN_PROVIDERS[{key!r}]"


def configured() -> Mapping[Any, Any]:
    """Return the entries of the settings, or none if they are not a dictionary."""
    entries = provider_entries()
    return entries if isinstance(entries, Mapping) else {}
