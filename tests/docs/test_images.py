"""The pictures of the pages: each is there, small, described, and shown somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import MAX_IMAGE_BYTES

DOCS = Path(__file__).resolve().parents[2] / "docs"
IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<path>[^)]+)\)")


def shown() -> dict[Path, str]:
    pages = [page for page in DOCS.rglob("*.md") if "_build" not in page.parts]
    found = [(page.parent, match) for page in pages for match in IMAGE.finditer(page.read_text())]
    return {(folder / match["path"]).resolve(): match["text"] for folder, match in found}


def test_every_picture_is_shown_and_every_shown_one_is_there() -> None:
    assert set(shown()) == set((DOCS / "images").iterdir())


def test_every_picture_is_small_and_described() -> None:
    assert all(path.stat().st_size <= MAX_IMAGE_BYTES for path in shown())
    assert all(len(text) >= 10 for text in shown().values())
