"""A pytest plugin: collect the tests once, then run them for each mutant in a fork of this process.

No file is changed: the code of the module's functions is exchanged in the fork, wherever they were imported to.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import select
import signal
import time
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from _pytest.main import pytest_runtestloop as run_all

from tests.mutants.operators import Mutant, mutants_of
from tests.mutants.subjects import ROOT, TESTS, Outcome, line_of, source_of

TIMEOUT = 300  # seconds; a mutant that hangs is noticed


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutants")
    group.addoption("--mutate", metavar="MODULE", choices=list(TESTS), help="take this module's rules away in turn")
    group.addoption("--only", metavar="TEXT", default="", help="the mutants alone whose description has this text")
    group.addoption("--outcomes", metavar="PATH", help="where to write what became of each mutant, as lines of JSON")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--mutate"):
        config.pluginmanager.register(Mutation(config), "mutation")


class Mutation:
    """Takes the place of the loop that runs the tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.module: str = config.getoption("--mutate")
        self.only: str = config.getoption("--only")
        self.outcomes: str = config.getoption("--outcomes")
        self.failed_tests: int | None = None  # where a fork writes the name of the test that fails

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Quick and near tests first: the first failure ends a mutant."""
        order = {str(ROOT / path): position for position, path in enumerate(TESTS[self.module])}
        items.sort(key=lambda item: order[str(item.path)])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self._check_unchanged(session)
        if not self._in_a_fork(session, partial(exchange, self.module, emptied(source_of(self.module).read_text()))):
            raise session.Interrupted("the tests do not notice an empty module")
        mutants = [mutant for mutant in self._mutants() if self.only in mutant.what]
        with open(self.outcomes, "a") as file:
            for number, mutant in enumerate(mutants, 1):
                began = time.monotonic()
                noticed_by = self._in_a_fork(session, partial(exchange, self.module, mutant.source))
                outcome = Outcome(self.module, mutant.what, mutant.line, noticed_by, time.monotonic() - began)
                print(line_of(outcome, number, len(mutants)), flush=True)
                print(json.dumps(outcome), file=file, flush=True)
        self._check_unchanged(session)
        return True

    def _mutants(self) -> Iterator[Mutant]:
        return (mutant for mutant in mutants_of(source_of(self.module).read_text()) if is_in_a_function(mutant))

    def _check_unchanged(self, session: pytest.Session) -> None:
        """The tests pass as things are, before and after: what fails, fails for the mutant."""
        if failed := self._in_a_fork(session, lambda: None):
            raise session.Interrupted(f"without any change this fails: {failed}")

    def _in_a_fork(self, session: pytest.Session, change: Callable[[], object]) -> str:
        """Run the tests after a change; return the first one that fails, "" when all pass."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            self._run(session, change, writer)
        os.close(writer)
        try:
            ready, _, _ = select.select([reader], [], [], TIMEOUT)
            told = os.read(reader, 4096).decode() if ready else f"nothing within {TIMEOUT} seconds"
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
        return "" if told == "all passed" else told or "the process died"

    def _run(self, session: pytest.Session, change: Callable[[], object], writer: int) -> None:
        """What the fork does; it never returns."""
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        self.failed_tests = writer
        try:
            change()
            run_all(session)
            os.write(writer, b"all passed")
        except BaseException as error:  # noqa: BLE001 - whatever ends the run is how the mutant was noticed
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:4000])
        finally:
            os._exit(0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self.failed_tests is not None and report.failed:
            os.write(self.failed_tests, report.nodeid.encode())
            os._exit(0)


def is_in_a_function(mutant: Mutant) -> bool:
    """Whether exchanging the code of functions makes the mutant; the list of rules is exchanged by itself."""
    return not mutant.what.startswith("module: ") or "CHECKS without" in mutant.what


def exchange(module: str, source: str) -> None:
    """Give the functions of a module the code of another source of it, and the module its list of rules."""
    name = f"oidc_login.{module.replace('/', '.')}"
    known = vars(importlib.import_module(name))
    made = {"__name__": name, "__package__": name.rpartition(".")[0], "__file__": known["__file__"]}
    exec(compile(source, known["__file__"], "exec"), made)
    for key, value in made.items():
        if key in known and getattr(known[key], "__module__", None) == name:
            _exchange(known[key], value)
    if "CHECKS" in made:
        known["CHECKS"] = tuple(known[rule.__name__] for rule in made["CHECKS"])


def _exchange(old: Any, new: Any) -> None:
    if isinstance(old, type):
        for name, member in vars(new).items():
            if name in vars(old):
                _exchange(vars(old)[name], member)
        return
    old_function, new_function = _function(old), _function(new)
    if old_function is not None and new_function is not None:
        old_function.__code__ = new_function.__code__


def _function(value: Any) -> types.FunctionType | None:
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value if isinstance(value, types.FunctionType) else None


def emptied(source: str) -> str:
    """Return a source whose functions all return None."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)
