"""The oldest versions that pyproject.toml admits do sign people in."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.packaging.environments import ROOT, Environment, build_wheel

LOWER_BOUND = re.compile(r'^\s*"(?P<name>[A-Za-z-]+)(?P<extra>\[\w+\])?>=(?P<version>[\d.]+)[^"]*",$', re.MULTILINE)


def lower_bounds() -> dict[str, str]:
    """Return the package's requirements, each with the lowest version it admits."""
    text = (ROOT / "pyproject.toml").read_text()
    listed = text.partition("\ndependencies = [")[2].partition("]\n")[0]
    return {found["name"]: found["version"] for found in LOWER_BOUND.finditer(listed)}


def test_every_requirement_has_a_lower_bound() -> None:
    assert set(lower_bounds()) == {"Django", "PyJWT", "jwcrypto", "mozilla-django-oidc", "requests"}


@pytest.mark.heavy
def test_demo_signs_people_in_with_the_oldest_versions(tmp_path: Path) -> None:
    bounds = lower_bounds()
    environment = Environment(tmp_path)

    environment.install(str(build_wheel(tmp_path)), *(f"{name}=={version}" for name, version in bounds.items()))

    installed = environment.run("-m", "pip", "freeze").lower().splitlines()
    assert {f"{name}=={version}".lower() for name, version in bounds.items()} <= set(installed)
    shutil.copytree(ROOT / "tests" / "demo", tmp_path / "tests" / "demo")
    assert environment.run("-m", "tests.demo.check")
