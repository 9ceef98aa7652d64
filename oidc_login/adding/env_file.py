"""A file of environment variables (`.env`), in which variables can be added or replaced."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Values that shells, Docker and common packages read alike; other values are put in single quotes.
PLAIN: Final = re.compile(r"[A-Za-z0-9_.~/+=:@%,-]*")
ONLY_OWNER: Final = 0o600


class Unwritable(Exception):
    """A value that some readers of such files would misread."""


def other_values(path: Path, variables: Mapping[str, str]) -> list[str]:
    """Return the names of variables with a different value in the file."""
    text = path.read_text() if path.exists() else ""
    return [name for name, value in variables.items() if lines_of(text, name) not in ([], [line(name, value)])]


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Write variables to the file, which only its owner can read."""
    text = path.read_text() if path.exists() else ""
    for name, value in variables.items():
        kept = [one for one in text.splitlines() if not assigns(one, name)]
        text = "\n".join([*kept, line(name, value)]) + "\n"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, ONLY_OWNER)) as file:
        file.write(text)


def line(name: str, value: str) -> str:
    """Return a line of the file; `Unwritable` contains the name of the variable, never its value."""
    if PLAIN.fullmatch(value):
        return f"{name}={value}"
    if "'" in value or not value.isprintable():
        raise Unwritable(name)
    return f"{name}='{value}'"


def lines_of(text: str, name: str) -> list[str]:
    return [one.strip() for one in text.splitlines() if assigns(one, name)]


def assigns(text: str, name: str) -> bool:
    return re.match(rf"\s*(export\s+)?{name}\s*=", text) is not None
