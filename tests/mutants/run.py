"""Mutation check: take each rule away in turn, and see that some test fails (`make mutants`).

    python -m tests.mutants.run [--workers N] [--only TEXT] [MODULE ...]

A mutant that no test notices is a survivor. In the modules of `STRICT` there may be none, but for those of
`equivalent.py`; the exit status is 1 otherwise. The tests run in a copy of the repository.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.operators import Mutant, mutants_of

ROOT = Path(__file__).parent.parent.parent
COPIED = ("oidc_login", "tests", "pyproject.toml", "discovery_fixtures", "docs")
TIMEOUT = 300  # seconds; a mutant that hangs is noticed
PROTOCOL, LOGIN, HOSTILE = "tests/protocol/test_", "tests/login/test_", "tests/hostile/test_"

# The tests of each module: those that are quick and near first, as the first failure ends the run.
TESTS: dict[str, Sequence[str]] = {
    "protocol/id_token": (f"{PROTOCOL}id_token.py", f"{HOSTILE}id_token.py"),
    "protocol/authorization": (
        f"{PROTOCOL}authorization.py",
        f"{LOGIN}callback.py",
        f"{HOSTILE}authorization_answers.py",
        f"{HOSTILE}begin.py",
    ),
    "protocol/keys": (f"{PROTOCOL}keys.py", f"{HOSTILE}keys.py"),
    "protocol/userinfo": (f"{PROTOCOL}userinfo.py", f"{HOSTILE}userinfo.py"),
    "linking": (f"{LOGIN}linking.py", f"{LOGIN}connect.py", f"{LOGIN}backend_hooks.py", f"{HOSTILE}claims.py"),
    "protocol/tokens": (f"{PROTOCOL}tokens.py", f"{HOSTILE}token_answers.py"),
    "protocol/metadata": (f"{PROTOCOL}metadata.py", f"{PROTOCOL}discovery_fixtures.py", f"{HOSTILE}discovery.py"),
    "protocol/jose": (f"{PROTOCOL}jose.py", f"{PROTOCOL}id_token.py", f"{PROTOCOL}keys.py", f"{HOSTILE}id_token.py"),
    "protocol/client_auth": (f"{PROTOCOL}client_auth.py", f"{HOSTILE}token_answers.py", f"{HOSTILE}discovery.py"),
    "protocol/discovery": (f"{PROTOCOL}discovery.py", f"{HOSTILE}discovery.py", f"{HOSTILE}keys.py"),
}
STRICT = ("protocol/id_token", "protocol/authorization", "protocol/keys", "protocol/userinfo", "linking")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mutant."""

    module: str
    mutant: Mutant
    noticed_by: str
    seconds: float

    @property
    def reason(self) -> str:
        """Why a mutant may survive."""
        return EQUIVALENT.get((self.module, self.mutant.what), "")

    @property
    def survived(self) -> bool:
        return not self.noticed_by and not self.reason


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
    jobs = [
        (module, mutant)
        for module in modules
        for mutant in mutants_of(source_of(module).read_text())
        if options.only in mutant.what
    ]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.workers):
            copies.put(copy_repository(Path(folder) / str(number)))
        for module in dict.fromkeys(module for module, _ in jobs):
            check_unchanged(module, copies)
        with ThreadPoolExecutor(options.workers) as pool:
            outcomes = []
            for outcome in pool.map(lambda job: try_out(job[0], job[1], copies), jobs):
                outcomes.append(outcome)
                print(line_of(outcome, len(outcomes), len(jobs)), flush=True)
    print(summary(outcomes))
    return int(any(outcome.survived and outcome.module in STRICT for outcome in outcomes))


def source_of(module: str, root: Path = ROOT) -> Path:
    return root / "oidc_login" / f"{module}.py"


def copy_repository(target: Path) -> Path:
    """Return a copy of what the tests need; nothing of it is ever written back."""
    target.mkdir()
    for name in COPIED:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(
                origin, target / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "_build")
            )
        else:
            shutil.copy(origin, target / name)
    return target


def check_unchanged(module: str, copies: SimpleQueue[Path]) -> None:
    """The tests must pass as they are, and must be those of the copy: a module that is broken makes them fail."""
    root = copies.get()
    source = source_of(module, root)
    original = source.read_text()
    try:
        if failed := run_tests(module, root):
            raise SystemExit(f"{module}: the tests fail without any change: {failed}")
        source.write_text("raise ImportError('the copy is used')")
        if not run_tests(module, root):
            raise SystemExit(f"{module}: the tests do not run on the copy")
    finally:
        source.write_text(original)
        copies.put(root)


def try_out(module: str, mutant: Mutant, copies: SimpleQueue[Path]) -> Outcome:
    """Put the mutant in the place of its module, in a copy that nobody else uses, and run the tests."""
    root = copies.get()
    source = source_of(module, root)
    original = source.read_text()
    began = time.monotonic()
    try:
        source.write_text(mutant.source)
        noticed_by = run_tests(module, root)
    finally:
        source.write_text(original)
        copies.put(root)
    return Outcome(module, mutant, noticed_by, time.monotonic() - began)


def run_tests(module: str, root: Path) -> str:
    """Return the first test that fails, "" when all pass; one file after the other, the quickest first."""
    return next(filter(None, (run_file(path, root) for path in TESTS[module])), "")


def run_file(path: str, root: Path) -> str:
    """Return the first test of a file that fails, "" when all pass."""
    options = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *options, path]
    # A byte-code file is trusted by time and size, which two mutants may share.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root)}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {TIMEOUT} seconds"
    if done.returncode == 0:
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].partition(" ")[2].partition(" - ")[0] if failed else f"pytest's exit status {done.returncode}"


def line_of(outcome: Outcome, number: int, total: int) -> str:
    what = f"{outcome.module}.py:{outcome.mutant.line} {outcome.mutant.what}"
    if outcome.noticed_by:
        end = f"noticed by {outcome.noticed_by}"
    else:
        end = f"equivalent: {outcome.reason}" if outcome.reason else "SURVIVED"
    return f"[{number}/{total}] {what}: {end} ({outcome.seconds:.1f} s)"


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return a table by module, and the survivors below it."""
    lines = ["", f"{'module':<24}{'mutants':>8}{'noticed':>9}{'equivalent':>12}{'survived':>10}"]
    for module in dict.fromkeys(outcome.module for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.module == module]
        noticed = sum(bool(outcome.noticed_by) for outcome in mine)
        survived = sum(outcome.survived for outcome in mine)
        lines.append(f"{module:<24}{len(mine):>8}{noticed:>9}{len(mine) - noticed - survived:>12}{survived:>10}")
    lines += [f"SURVIVED {o.module}.py:{o.mutant.line} {o.mutant.what}" for o in outcomes if o.survived]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
