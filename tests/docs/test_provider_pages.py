"""The page of providers is made from their own declarations, and is what they say today."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oidc_login.adding.facts import known_providers
from oidc_login.providers.shipped import shipped_classes
from oidc_login.registry import argument_names
from tests.providers.shipped import facts_of

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "provider_pages.py"
PAGE = ROOT / "docs" / "providers.md"


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={"PYTHONPATH": str(ROOT)})


def test_the_page_says_what_the_providers_say() -> None:
    """Otherwise: `make pages`."""
    done = run(SCRIPT, "--check")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The program with its folders in another place."""
    shutil.copytree(ROOT / "docs" / "templates", tmp_path / "docs" / "templates")
    return Path(shutil.copy(SCRIPT, tmp_path / "docs"))


def test_a_page_that_says_something_else_is_told(elsewhere: Path) -> None:
    page = elsewhere.with_name("providers.md")
    assert run(elsewhere, "--check").returncode == 1
    assert run(elsewhere).returncode == 0
    assert page.read_text() == PAGE.read_text()
    page.write_text(page.read_text().replace("Google", "Gaggle", 1))

    done = run(elsewhere, "--check")

    assert done.returncode == 1
    assert "stale" in done.stderr


@pytest.mark.parametrize("name", shipped_classes())
def test_every_class_has_its_section(name: str) -> None:
    facts = facts_of(shipped_classes()[name])
    text = PAGE.read_text()

    assert f"`oidc_login.providers.{name}`" in text
    for told in ("identity", "email", "refresh", "register_as"):
        assert re.sub(r"\s+", " ", facts[told]) in re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("name", shipped_classes())
def test_what_is_said_of_an_argument_is_said_of_one_that_there_is(name: str) -> None:
    provider_class = shipped_classes()[name]
    facts = facts_of(provider_class)

    assert {*facts.get("arguments", ()), *facts.get("example", ())} <= {*argument_names(provider_class)}


def test_every_provider_has_its_section() -> None:
    text = PAGE.read_text()

    for known in known_providers():
        assert f'OIDC_LOGIN_PROVIDERS["{known.key}"]' in text
