"""Clean environments to install the package into."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIP_SECONDS = 300
DEMO_SECONDS = 120


def build_wheel(folder: Path) -> Path:
    """Build the wheel as `make wheel` does, with the hatchling that is here already."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], cwd=folder, timeout=PIP_SECONDS)
    (wheel,) = folder.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment that knows nothing of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        run([sys.executable, "-m", "venv", str(folder / "venv")], cwd=folder, timeout=PIP_SECONDS)

    def install(self, *requirements: str) -> None:
        """Install with plain pip."""
        self.run("-m", "pip", "install", "--quiet", *requirements, timeout=PIP_SECONDS)

    def run(self, *arguments: str, timeout: float = DEMO_SECONDS) -> str:
        """Run this environment's Python outside the checkout, and return what it printed."""
        return run([str(self.python), *arguments], cwd=self.folder, timeout=timeout)


def run(command: Sequence[str], *, cwd: Path, timeout: float) -> str:
    """Run a program without this process's Python and Django settings; its output is in the failure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO_"))}
    done = subprocess.run(command, cwd=cwd, env=kept, timeout=timeout, text=True, capture_output=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
