"""What the structure of the package measures: the way of a request through it, circles of imports, long files."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import oidc_login

ROOT = Path(oidc_login.__file__).parent
# They use the house and are no part of it.
OUTSIDE = ("testing", "demo")
ANONYMOUS = ("<module>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>")


class Way:
    """The functions of the package that a request passes, and each step from one room to another."""

    def __init__(self) -> None:
        self.functions: Counter[CodeType] = Counter()
        self.steps: Counter[tuple[str, str]] = Counter()
        self._files: dict[CodeType, str] = {}

    @property
    def files(self) -> set[str]:
        return {self._files[code] for code in self.functions}

    @property
    def changes_of_room(self) -> int:
        return self.steps.total()

    def add(self, frame: FrameType) -> None:
        """Add a call, if it is one of the package's own functions."""
        file = self.file_of(frame.f_code)
        if not file:
            return
        if frame.f_code.co_name not in ANONYMOUS:
            self.functions[frame.f_code] += 1
        caller = self._calling_file(frame)
        if caller and room_of(caller) != room_of(file):
            self.steps[room_of(caller), room_of(file)] += 1

    def file_of(self, code: CodeType) -> str:
        """Return the file of a function, relative to the package; "" for code of others."""
        if code not in self._files:
            path = Path(code.co_filename)
            own = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] not in OUTSIDE
            self._files[code] = path.relative_to(ROOT).as_posix() if own else ""
        return self._files[code]

    def _calling_file(self, frame: FrameType) -> str:
        caller = frame.f_back
        while caller is not None:
            if file := self.file_of(caller.f_code):
                return file
            caller = caller.f_back
        return ""

    def __str__(self) -> str:
        above = [file for file in self.files if room_of(file) != "protocol"]
        return (
            f"files={len(self.files)} above_protocol={len(above)} functions={len(self.functions)} "
            f"calls={self.functions.total()} changes_of_room={self.changes_of_room}"
        )


@contextmanager
def recorded_way() -> Iterator[Way]:
    """Record the way of what is done in this block, in this thread."""
    way = Way()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            way.add(frame)

    sys.setprofile(profile)
    try:
        yield way
    finally:
        sys.setprofile(None)


def room_of(file: str) -> str:
    """Return the folder of a file; the modules at the top are one room."""
    return file.partition("/")[0] if "/" in file else "top"


# Without running anything.


def modules() -> dict[str, Path]:
    """Return the package's modules by their dotted names."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = ["oidc_login", *path.relative_to(ROOT).with_suffix("").parts]
        if parts[1] not in OUTSIDE and "migrations" not in parts:
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports() -> dict[str, set[str]]:
    """Return what each module imports when it is loaded, of the package's own modules."""
    known = modules()
    return {name: set(_imported(path, known)) - {name} for name, path in known.items()}


def _imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in _run_at_import(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                name = member if member in known else node.module
                if name in known:
                    yield name


def _run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported: no bodies of functions, and nothing for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_at_import(node)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups whose members all import each other, directly or not."""
    reached = {name: _reachable(name, graph) for name in graph}
    found = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in graph
        if name in reached[name]
    }
    return sorted(map(list, found))


def _reachable(name: str, graph: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[name])
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(graph[current])
    return seen


def rooms(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return which rooms each room imports; a module at the top is a room of its own here."""
    found: dict[str, set[str]] = {}
    for name, imported in graph.items():
        room = _room(name)
        found.setdefault(room, set()).update({_room(one) for one in imported} - {room})
    return found


def _room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def longest_files(count: int) -> list[tuple[int, str]]:
    """Return the longest files, with their number of lines."""
    lengths = [(len(path.read_text().splitlines()), path.relative_to(ROOT).as_posix()) for path in modules().values()]
    return sorted(lengths, reverse=True)[:count]
