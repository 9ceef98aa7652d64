"""The page of error codes is generated from the classes and is up to date."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from oidc_login import exceptions
from oidc_login.exceptions import OAuthError
from tests.docs.test_provider_pages import ROOT, run

SCRIPT = ROOT / "docs" / "error_pages.py"
PAGE = ROOT / "docs" / "errors.md"
STATUS_OR_CODE = re.compile(r"^##(?: (\d{3}) |# `(\w+)`$)", re.MULTILINE)


def test_page_is_up_to_date() -> None:
    """Otherwise: `make pages`."""
    done = run(SCRIPT, "--check")

    assert (done.returncode, done.stderr) == (0, "")


def test_check_fails_on_a_stale_page(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs" / "templates", tmp_path / "templates")
    script = Path(shutil.copy(SCRIPT, tmp_path))
    page = script.with_name("errors.md")
    assert run(script, "--check").returncode == 1
    assert run(script).returncode == 0
    page.write_text(page.read_text().replace("`state_used`", "`state_lost`", 1))

    done = run(script, "--check")

    assert done.returncode == 1
    assert "stale" in done.stderr


def test_code_without_explanation_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs" / "templates", tmp_path / "templates")
    script = Path(shutil.copy(SCRIPT, tmp_path))
    explanations = tmp_path / "templates" / "errors.json"
    explanations.write_text(explanations.read_text().replace('"state_used"', '"state_lost"'))

    done = run(script)

    assert done.returncode == 1
    assert "['state_lost', 'state_used']" in done.stderr


def test_each_code_has_one_section_below_its_status() -> None:
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, OAuthError)]
    expected = {(str(kind.status_code), kind.code) for kind in kinds if kind is not OAuthError}

    found, current = [], ""
    for status, code in STATUS_OR_CODE.findall(PAGE.read_text()):
        current = status or current
        if code:
            found.append((current, code))

    assert sorted(found) == sorted(expected)
