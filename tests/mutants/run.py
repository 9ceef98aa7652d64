"""Mutation check: take each rule away in turn, and see that some test fails (`make mutants`).

    python -m tests.mutants.run [--workers N] [--only TEXT] [MODULE ...]

A mutant that no test notices is a survivor. In the modules of `STRICT` there may be none, but for those of
`equivalent.py`; the exit status is 1 otherwise. The tests run in a copy: others may go on writing here.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.subjects import ROOT, STRICT, TESTS, Outcome

COPIED = ("oidc_login", "tests", "pyproject.toml", "discovery_fixtures", "docs")
AS_PLANNED = (0, 5)  # what pytest says itself, whose forks ran the tests: nothing failed, or no test ran
OPTIONS = ("-x", "-q", "-s", "--no-header", "--tb=no", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist")


def main(arguments: Sequence[str]) -> int:
    """Run the mutants of the modules named, print what became of them, and say whether that is good enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", metavar="TEXT", help="the mutants alone whose description has this text")
    options = parser.parse_args(arguments)
    modules = options.modules or list(TESTS)
    if unknown := set(modules) - set(TESTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(options.workers) as pool:
        root = copy_repository(Path(folder))
        results = list(pool.map(lambda module: outcomes_of(module, options.only, root), modules))
    outcomes = [outcome for result in results for outcome in result]
    print(summary(outcomes))
    return int(any(outcome.survived and outcome.module in STRICT for outcome in outcomes))


def copy_repository(folder: Path) -> Path:
    """Return a copy of what the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "_build")
    for name in COPIED:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, folder / name, ignore=ignored)
        else:
            shutil.copy(origin, folder / name)
    return folder


def outcomes_of(module: str, only: str, root: Path) -> list[Outcome]:
    """Run the mutants of one module in a process of its own."""
    path = root / f"outcomes-{module.replace('/', '-')}"
    mutation = ("-p", "tests.mutants.plugin", "--mutate", module, "--only", only, "--outcomes", str(path))
    command = [sys.executable, "-m", "pytest", *OPTIONS, *mutation, *TESTS[module]]
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    if done.returncode not in AS_PLANNED:
        raise SystemExit(f"{module}: pytest's exit status is {done.returncode}")
    return [Outcome(*json.loads(line)) for line in path.read_text().splitlines()]


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return a table by module, and the survivors below it."""
    lines = ["", f"{'module':<24}{'mutants':>8}{'noticed':>9}{'equivalent':>12}{'survived':>10}"]
    for module in dict.fromkeys(outcome.module for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.module == module]
        noticed = sum(bool(outcome.noticed_by) for outcome in mine)
        survived = sum(outcome.survived for outcome in mine)
        lines.append(f"{module:<24}{len(mine):>8}{noticed:>9}{len(mine) - noticed - survived:>12}{survived:>10}")
    lines += [f"SURVIVED {o.module}.py:{o.line} {o.what}" for o in outcomes if o.survived]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
