"""What tests need from npm: installed once, as the lock file beside the `package.json` says."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

TIME_TO_INSTALL = 300  # seconds


def install(folder: Path) -> Path:
    """Bring node_modules up to the lock file, unless they are; one process at a time."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            do_without(f"there is no {program} on this machine")
    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_installed(folder):
            run_npm(folder)
    return folder / "node_modules"


def is_installed(folder: Path) -> bool:
    """Whether what npm wrote last is as new as the lock file."""
    written = folder / "node_modules" / ".package-lock.json"
    return written.exists() and written.stat().st_mtime >= (folder / "package-lock.json").stat().st_mtime


def run_npm(folder: Path) -> None:
    command = ["npm", "ci", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_TO_INSTALL)
    except subprocess.CalledProcessError as error:
        do_without(f"npm could not install what {folder.name} needs: {error.stderr.strip()}")
    except subprocess.TimeoutExpired:
        do_without(f"npm could not install what {folder.name} needs in time")


def do_without(reason: str) -> NoReturn:
    """Skip what cannot run here; where everything must run, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
