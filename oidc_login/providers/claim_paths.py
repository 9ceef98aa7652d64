"""Finds a claim by its exact name or by a dotted path, in which `[]` stands for each member of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

EACH = "[]"


class Absent(LookupError):
    """The claims contain nothing at the path."""


class Unreadable(ValueError):
    """A value on the path does not have the expected type."""


def claim_at(claims: Any, path: str) -> Any:
    """Return the value at a path, or raise `Absent` or `Unreadable`.

    The longest matching name wins, so names that contain dots or slashes need no escaping.
    """
    value, _ = _find(claims, path)
    return value


def is_there(claims: Mapping[str, Any], path: str) -> bool:
    """Whether the claims contain a value at the path, readable or not."""
    try:
        claim_at(claims, path)
    except Absent:
        return False
    except Unreadable:
        return True
    return True


def top_level_names(path: str) -> frozenset[str]:
    """Return the names of the top-level claims that a path may refer to."""
    return frozenset(name for name, _, _ in _steps(path))


def _find(document: Any, path: str) -> tuple[Any, bool]:
    """Return the value at a path, and whether it was collected from the members of lists."""
    if not isinstance(document, Mapping):
        raise Unreadable
    for name, rest, each in _steps(path):
        if name not in document:
            continue
        try:
            return _collect(document[name], rest) if each else _descend(document[name], rest)
        except Absent:
            continue  # try a shorter name
    raise Absent


def _steps(path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield each possible first name of a path, the rest, and whether the name is a list; longest first."""
    ends = [len(path), *(place for place in range(len(path) - 1, 0, -1) if path[place] == ".")]
    for end in ends:
        name, rest = path[:end], path[end + 1 :]
        yield name, rest, False
        if name.endswith(EACH) and name != EACH:
            yield name.removesuffix(EACH), rest, True


def _descend(value: Any, rest: str) -> tuple[Any, bool]:
    return _find(value, rest) if rest else (value, False)


def _collect(values: Any, rest: str) -> tuple[Any, bool]:
    """Return what the path finds in each member of a list; every member must have a value."""
    if not isinstance(values, list):
        raise Unreadable
    found: list[Any] = []
    for member in values:
        try:
            value, is_collection = _descend(member, rest)
        except Absent as error:
            raise Unreadable from error
        found.extend(value) if is_collection else found.append(value)
    return found, True
