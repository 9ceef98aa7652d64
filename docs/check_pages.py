"""Writes docs/checks.md from the messages of the system checks: `python docs/check_pages.py`.

With --check it writes nothing, and fails if the page is out of date. There is one row for each `Report` that a file of
`oidc_login/checks` defines.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.conf import settings

if TYPE_CHECKING:
    from oidc_login.checks.reports import Report

PAGE = Path(__file__).resolve().with_name("checks.md")
NOTICE = "<!-- Made by docs/check_pages.py from the reports in oidc_login/checks: change those and not this page. -->"
HEAD = """# System checks

Django's system checks find what is wrong before anybody signs in. No check sends a request or shows a secret.

| Command | Finds |
|---|---|
| `python manage.py check` | wrong settings; `runserver` and `migrate` run it too |
| `python manage.py check --deploy` | also problems in production |
| `python manage.py check --database default` | also connections that no longer fit the settings |

An error stops the commands that run the checks; a warning does not. To silence one, add its id to
`SILENCED_SYSTEM_CHECKS`. Words in *italics* stand for what the check found.
"""
KINDS = {"E": "Errors", "W": "Warnings"}
MARKDOWN = re.compile(r"([\\`*\[\]<>|])")


class Slot:
    """Takes the place of what a check finds."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        # Many messages have no suggestion.
        return "" if self.name == "near" else f"\N{START OF TEXT}{self.name.replace('_', ' ')}\N{END OF TEXT}"

    def __format__(self, spec: str) -> str:
        return repr(self)


class Slots(Mapping[str, Slot]):
    """Gives a slot for every name."""

    def __getitem__(self, name: str) -> Slot:
        return Slot(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def reports() -> Mapping[str, Report]:
    """Return the messages by their numbers; the checks can only be imported in a site."""
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "oidc_login"]
    settings.configure(INSTALLED_APPS=apps)
    django.setup()
    from oidc_login import checks
    from oidc_login.checks.reports import find_reports

    return {report.number: report for report in find_reports(checks)}


def shown(text: str) -> str:
    """Return a message as Markdown."""
    escaped = MARKDOWN.sub(r"\\\1", text.format_map(Slots()))
    return escaped.replace("\N{START OF TEXT}", "*").replace("\N{END OF TEXT}", "*").replace("\n", " ")


def row(report: Report) -> str:
    return f"| `oidc_login.{report.number}` | {shown(report.text)} | {shown(report.hint)} |"


def page() -> str:
    """Return the whole page."""
    found = reports()
    parts = [NOTICE, "", HEAD]
    for kind, title in KINDS.items():
        numbers = sorted(number for number in found if number.startswith(kind))
        rows = [row(found[number]) for number in numbers]
        parts += [f"## {title}", "", "| Id | Message | What to do |", "|---|---|---|", *rows, ""]
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is up to date."""
    made = page()
    if arguments == ["--check"]:
        stale = not PAGE.exists() or PAGE.read_text() != made
        if stale:
            print("docs/checks.md is stale: run `make pages`.", file=sys.stderr)
        return int(stale)
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
