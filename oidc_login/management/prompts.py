"""Prompts for values that the options of a command do not give."""

from __future__ import annotations

import sys
from getpass import getpass

from django.core.management.base import CommandError


class Prompts:
    """Prompts on a terminal; without one, a missing value is an error that names the option."""

    def __init__(self, *, is_wanted: bool) -> None:
        self.is_interactive = is_wanted and sys.stdin.isatty()

    def text(self, question: str, *, option: str) -> str:
        """Return an answer that is not empty."""
        self.require(option)
        while not (answer := input(f"{question}: ").strip()):
            pass
        return answer

    def secret(self, question: str, *, option: str) -> str:
        """Return an answer that the terminal does not show; it may be empty."""
        self.require(option)
        return getpass(f"{question}: ").strip()

    def agrees(self, question: str, *, option: str) -> bool:
        """Whether the person says yes; no is the default."""
        self.require(option)
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def require(self, option: str) -> None:
        if not self.is_interactive:
            raise CommandError(f"Use {option}.")
