"""No module of the conformance suite that applies is without a row, and no row names a module that there is not."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tests.hostile.rows import Row, modules_of

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent


def listed() -> dict[str, tuple[str, str]]:
    """What the data file says of each module: whether it applies, and where it is held."""
    lines = (FOLDER / "conformance_modules.txt").read_text().splitlines()
    entries = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    assert len({name for _, name, _ in entries}) == len(entries)
    return {name: (applies, where) for applies, name, where in entries}


def tables() -> list[ModuleType]:
    return [importlib.import_module(f"tests.hostile.{path.stem}") for path in sorted(FOLDER.glob("test_*.py"))]


@cache
def named() -> set[str]:
    """The modules that a row or a test names as its source."""
    found: set[str] = set()
    for table in tables():
        for value in vars(table).values():
            if isinstance(value, list):
                found = found.union(*(row.modules for row in value if isinstance(row, Row)))
            found |= modules_of(getattr(value, "stands_for", ""))
    return found


@pytest.mark.parametrize("name", [name for name, (applies, _) in listed().items() if applies == "yes"])
def test_module_that_applies_is_held(name: str) -> None:
    where = listed()[name][1]
    assert name in named() if where == "row" else (ROOT / where).is_file(), f"nothing stands for {name}"


def test_rows_name_modules_that_there_are() -> None:
    assert {name for name in named() if name.startswith("oidcc-")} <= set(listed())


def test_each_entry_says_whether_it_applies() -> None:
    assert {applies for applies, _ in listed().values()} <= {"yes", "later", "optional", "no"}
