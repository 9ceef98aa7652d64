"""Writes llms.txt and all pages as one Markdown file: `python docs/markdown_pages.py docs/_build/html`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
SUMMARY = "Sign-in with OpenID Connect and OAuth 2.0 for Django sites."
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
PARAGRAPH = re.compile(r"^[A-Z`\[].*?(?=\n\n|\n*\Z)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([\w./-]+?)\.md(#[\w.-]+)?\)")
WHOLE = "django-oidc-login.md"
IMAGES, BUILT_IMAGES = "](images/", "](_images/"


def pages(name: str = "index", *, docs: Path = DOCS) -> Iterator[str]:
    """Yield the names of the pages below a page, in the order of the tables of contents."""
    folder = Path(name).parent
    for entries in TOCTREE.findall((docs / f"{name}.md").read_text()):
        for entry in entries.split("\n"):
            if entry and not entry.startswith(":"):
                page = (folder / entry).as_posix()
                yield page
                yield from pages(page, docs=docs)


def summary(text: str) -> str:
    """Return the first sentence after the title."""
    paragraph = PARAGRAPH.search(text, TITLE.search(text).end())
    return re.split(r"(?<=\.)\s", paragraph[0].replace("\n", " "), maxsplit=1)[0] if paragraph else ""


def llms_txt(docs: Path = DOCS) -> str:
    """Return the list of pages in the form that https://llmstxt.org describes."""
    lines = ["# django-oidc-login", "", f"> {SUMMARY}", "", f"[All pages as one file]({WHOLE})", "", "## Pages", ""]
    for page in pages(docs=docs):
        text = (docs / f"{page}.md").read_text()
        lines.append(f"- [{TITLE.search(text)[1]}](_sources/{page}.md.txt): {plain(summary(text))}")
    return "\n".join([*lines, ""])


def plain(text: str) -> str:
    """Return a sentence without the targets of its links, which are relative to its own page."""
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)


def whole(docs: Path = DOCS) -> str:
    """Return all pages as one, with links that stay inside it."""
    parts = []
    for page in pages(docs=docs):
        text = TOCTREE.sub("", (docs / f"{page}.md").read_text())
        parts.append(
            f'<a id="{anchor(page)}"></a>\n\n{LINK.sub(inner_link, text).strip()}\n'.replace(IMAGES, BUILT_IMAGES)
        )
    return "\n".join(parts)


def inner_link(match: re.Match[str]) -> str:
    """Return a link to a heading as it is, and a link to a page as one to its anchor."""
    return f"]({match[2]})" if match[2] else f"](#{anchor(match[1])})"


def anchor(page: str) -> str:
    """Return the anchor of a page in the whole."""
    return f"page-{Path(page).name}"


def main(folder: Path) -> None:
    """Write both files into the folder of the built pages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "llms.txt").write_text(llms_txt())
    (folder / WHOLE).write_text(whole())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
