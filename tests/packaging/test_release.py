"""`make release-check` finds what must not be released."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from oidc_login import __version__
from tests.packaging.environments import ROOT
from tests.packaging.release_check import (
    build,
    changelog_problems,
    content_problems,
    description_problems,
    missing_urls,
    tree_problems,
)

GOOD = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\nTo upgrade, do nothing.\n\n## 1.1.0 (2026-01-01)\n\nUpgrade notes.\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD, ""),
        (GOOD.replace("2026-12-01", "unreleased"), "no date but (unreleased)"),
        (GOOD.replace("1.2.0", "1.3.0"), "is not 1.2.0"),
        ("# Changelog\n", "is not 1.2.0"),
        (GOOD.replace("To upgrade, do nothing.", "More."), "what to do to upgrade"),
    ],
)
def test_changelog_describes_the_version(text: str, problem: str) -> None:
    problems = list(changelog_problems(text, "1.2.0"))

    assert len(problems) == (1 if problem else 0)
    assert problem in "".join(problems)


def test_changelog_begins_with_the_version_that_is_being_made() -> None:
    """All but the date, which it gets on the day of its release."""
    problems = changelog_problems((ROOT / "docs" / "changelog.md").read_text(), __version__)

    assert [one for one in problems if "no date" not in one] == []


def test_urls_that_nobody_wrote_are_named() -> None:
    project = '[project]\nname = "x"\n[project.urls]\nSource = "https://code.example/x"\n\n[tool.x]\nIssues = 1\n'

    assert missing_urls(project) == ["Documentation", "Issues", "Changelog"]


@pytest.mark.heavy
def test_release_has_the_committed_files_and_no_other(tmp_path: Path) -> None:
    build(tmp_path)
    if not list(tree_problems()):
        assert list(content_problems(tmp_path)) == []
    assert list(description_problems(tmp_path)) == []

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("oidc_login/left_over.py", "")

    assert "the wheel has oidc_login/left_over.py, which is not under version control" in content_problems(tmp_path)
