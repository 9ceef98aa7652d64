"""The docs build writes llms.txt and all pages as one Markdown file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.test_provider_pages import ROOT, run

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("html")
    done = run(DOCS / "markdown_pages.py", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_every_page_is_in_the_table_of_contents(built: Path) -> None:
    listed = set(re.findall(r"\(_sources/(.+)\.txt\)", (built / "llms.txt").read_text()))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}

    assert listed == {page for page in pages if not page.startswith(("templates/", "_build/", "examples/"))} - {
        "index.md"
    }


def test_every_entry_has_a_title_and_a_sentence(built: Path) -> None:
    entries = [line for line in (built / "llms.txt").read_text().splitlines() if line.startswith("- ")]

    assert entries
    assert all(re.fullmatch(r"- \[[^\]]+\]\([^)]+\): \S.+", entry) for entry in entries)


def test_whole_has_every_page_and_no_link_to_a_file(built: Path) -> None:
    whole = (built / "django-oidc-login.md").read_text()

    assert whole.count('<a id="page-') == (built / "llms.txt").read_text().count("(_sources/")
    assert re.findall(r"\]\([\w./-]+\.md[)#]", whole) == []
    anchors = set(re.findall(r'<a id="([\w.-]+)">', whole))
    assert set(re.findall(r"\]\(#(page-[\w.-]+)\)", whole)) <= anchors
