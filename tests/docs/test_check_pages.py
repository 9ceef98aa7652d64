"""The page of system checks is made from their messages, and is what they say today."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from oidc_login import checks
from oidc_login.checks.reports import find_reports
from tests.docs.test_provider_pages import ROOT, run

SCRIPT = ROOT / "docs" / "check_pages.py"
PAGE = ROOT / "docs" / "checks.md"
ROW = re.compile(r"^\| `oidc_login\.([EW]\d{3})` \| (.+) \| (.+) \|$", re.MULTILINE)


def test_the_page_says_what_the_checks_say() -> None:
    """Otherwise: `make pages`."""
    done = run(SCRIPT, "--check")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_that_says_something_else_is_told(tmp_path: Path) -> None:
    script = Path(shutil.copy(SCRIPT, tmp_path))
    page = script.with_name("checks.md")
    assert run(script, "--check").returncode == 1
    assert run(script).returncode == 0
    page.write_text(page.read_text().replace("W002", "W999", 1))

    done = run(script, "--check")

    assert done.returncode == 1
    assert "stale" in done.stderr


def test_every_check_has_one_row_with_its_hint() -> None:
    rows = ROW.findall(PAGE.read_text())

    assert sorted(number for number, _, _ in rows) == sorted({report.number for report in find_reports(checks)})


def test_no_number_has_two_messages() -> None:
    different = set(find_reports(checks))

    assert len({report.number for report in different}) == len(different)
