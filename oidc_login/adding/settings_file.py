"""Edits the settings file of a site: appends an entry, or replaces an existing one."""

from __future__ import annotations

import ast
import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

PROVIDERS: Final = "OIDC_LOGIN_PROVIDERS"


class NotWrittenHere(Exception):
    """The file does not contain a literal entry with that key."""


def addition(key: str, value: str, names: Mapping[str, Any]) -> str:
    """Return the lines that add an entry to settings with these names."""
    parts = [] if names.get("os") is os else ["import os\n"]
    if PROVIDERS in names:
        parts.append(f'{PROVIDERS}["{key}"] = {value}\n')
    else:
        parts.append(f'{PROVIDERS} = {{\n    "{key}": {indented(value, "    ")},\n}}\n')
    return "\n".join(parts)


def appended(source: bytes, added: str) -> bytes:
    """Return the file with lines appended, where all names of the settings are defined."""
    before = source if source.endswith(b"\n") or not source else source + b"\n"
    return valid(before + b"\n" + added.encode())


def replaced(source: bytes, key: str, value: str) -> bytes:
    """Return the file with a new value for the effective entry; raise `NotWrittenHere` if there is none."""
    found = list(entries(ast.parse(source), key))
    if not found:
        raise NotWrittenHere
    statement, node = found[-1]
    lines = source.splitlines(keepends=True)
    line = lines[node.lineno - 1]
    margin = line[: len(line) - len(line.lstrip())].decode()
    begin, end = position(lines, node.lineno, node.col_offset), position(lines, node.end_lineno, node.end_col_offset)
    changed = source[:begin] + indented(value, margin).encode() + source[end:]
    first = position(lines, statement.lineno, 0)
    has_os = imports_os(source, before=statement.lineno)
    return valid(changed[:first] + (b"" if has_os else b"import os\n\n") + changed[first:])


def entries(module: ast.Module, key: str) -> Iterator[tuple[ast.stmt, ast.expr]]:
    """Yield the statements that define an entry, with the node of its value, in file order."""
    for statement in module.body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if is_providers(target) and isinstance(statement.value, ast.Dict):
                pairs = zip(statement.value.keys, statement.value.values, strict=True)
                yield from ((statement, value) for name, value in pairs if is_text(name, key))
            elif isinstance(target, ast.Subscript) and is_providers(target.value) and is_text(target.slice, key):
                yield statement, statement.value


def is_providers(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == PROVIDERS


def is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def imports_os(source: bytes, *, before: int) -> bool:
    """Whether the name `os` is the module at a line of the file."""
    imports = (statement for statement in ast.parse(source).body if isinstance(statement, ast.Import))
    names = [alias for statement in imports if statement.lineno < before for alias in statement.names]
    return any(alias.name.partition(".")[0] == "os" and alias.asname in (None, "os") for alias in names)


def position(lines: list[bytes], number: int | None, column: int | None) -> int:
    """Return the byte offset of a line and column, as `ast` counts them."""
    return sum(map(len, lines[: (number or 1) - 1])) + (column or 0)


def indented(value: str, margin: str) -> str:
    """Return an entry with its continuation lines indented."""
    first, _, others = value.partition("\n")
    return f"{first}\n{textwrap.indent(others, margin)}" if others else first


def valid(source: bytes) -> bytes:
    """Return a file that is still valid Python."""
    ast.parse(source)
    return source
