"""The parts of system check messages. Each message is defined next to its rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from django.core.checks import CheckMessage, Error, Warning


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a rule found: the message, the provider's argument, and the values in the message."""

    report: Report
    argument: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A system check message: its number, the problem, and what to do about it.

    In both texts `{subject}` is a setting or a provider's argument, `{entry}` a provider, and `{written}` the start
    of an assignment.
    """

    number: str
    text: str
    hint: str

    def message(self, **values: Any) -> CheckMessage:
        """Return Django's message: an error or a warning, depending on the number."""
        kind = Error if self.number.startswith("E") else Warning
        return kind(self.text.format(**values), hint=self.hint.format(**values), id=f"oidc_login.{self.number}")

    def problem(self, argument: str = "", **values: Any) -> Problem:
        """Return the finding about a provider or setting; the caller completes the message."""
        return Problem(report=self, argument=argument, values=values)


def find_reports(package: ModuleType) -> Iterator[Report]:
    """Return all messages that the modules of a package define."""
    for _, name, _ in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{name}")
        own = (value for value in vars(module).values() if isinstance(value, Report))
        yield from own
