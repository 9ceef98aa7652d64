"""Where a claim is: under its exact name, or else at a dotted path in which `[]` stands for each member of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

EACH = "[]"


class Absent(LookupError):
    """There is nothing at the path."""


class Unreadable(ValueError):
    """Something on the way has another shape than the path says."""


def claim_at(claims: Any, path: str) -> Any:
    """Return the value at a path, or raise `Absent` or `Unreadable`.

    The longest name that is there comes first, so a name that contains dots or slashes needs no escapes.
    """
    value, _ = _find(claims, path)
    return value


def is_there(claims: Mapping[str, Any], path: str) -> bool:
    """Whether the claims say anything at a path, even something that cannot be read."""
    try:
        claim_at(claims, path)
    except Absent:
        return False
    except Unreadable:
        return True
    return True


def names_on_the_way(path: str) -> frozenset[str]:
    """Return the names of top-level claims in which a path may end."""
    return frozenset(name for name, _, _ in _steps(path))


def _find(document: Any, path: str) -> tuple[Any, bool]:
    """Return the value at a path, and whether it was collected from the members of lists."""
    if not isinstance(document, Mapping):
        raise Unreadable
    for name, rest, each in _steps(path):
        if name not in document:
            continue
        try:
            return _collect(document[name], rest) if each else _go_on(document[name], rest)
        except Absent:
            continue  # a shorter name may lead there
    raise Absent


def _steps(path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the first name of a path, what follows it, and whether the name stands for a list; longest first."""
    ends = [len(path), *(place for place in range(len(path) - 1, 0, -1) if path[place] == ".")]
    for end in ends:
        name, rest = path[:end], path[end + 1 :]
        yield name, rest, False
        if name.endswith(EACH) and name != EACH:
            yield name.removesuffix(EACH), rest, True


def _go_on(value: Any, rest: str) -> tuple[Any, bool]:
    return _find(value, rest) if rest else (value, False)


def _collect(values: Any, rest: str) -> tuple[Any, bool]:
    """Return what the path finds in each member of a list; all members must have it."""
    if not isinstance(values, list):
        raise Unreadable
    found: list[Any] = []
    for member in values:
        try:
            value, is_collection = _go_on(member, rest)
        except Absent as error:
            raise Unreadable from error
        found.extend(value) if is_collection else found.append(value)
    return found, True
