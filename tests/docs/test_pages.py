"""What README and docs tell people to write does work."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.pages import NO_RUN, QUICKSTART, SINCE, STARTPROJECT, PageRun, blocks

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.md"))
MIGRATING = sorted((ROOT / "docs" / "migrating").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *MIGRATING, *RECIPES]
RELATIVE_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")

every_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


@pytest.fixture(autouse=True)
def nobody_listens_any_longer() -> Iterator[None]:
    """A page's receivers are gone with its modules, once those that refer to themselves are collected."""
    yield
    gc.collect()


@every_page
@pytest.mark.django_db
def test_code_of_the_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        run = PageRun(monkeypatch, stack, written=QUICKSTART if page in RECIPES else STARTPROJECT)
        for block in blocks(page):
            run.run(block)

        assert not run.settings or run.check() == []


@every_page
def test_code_that_is_not_run_has_a_reason(page: Path) -> None:
    without = [
        block.where
        for block in blocks(page)
        if block.language == "python" and block.options
        if not NO_RUN.match(block.options) and not SINCE.fullmatch(block.options)
    ]

    assert without == []


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.stem for recipe in RECIPES])
def test_recipe_has_settings_that_are_checked(recipe: Path) -> None:
    checked = [block for block in blocks(recipe) if block.module == "settings" and block.runs]

    assert checked or recipe.stem == "index"


@every_page
def test_links_of_the_page_lead_somewhere(page: Path) -> None:
    missing = [link for link in RELATIVE_LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert missing == []
