"""A Sphinx extension: each row of the reference tables has an anchor, such as `settings.html#OIDC_LOGIN_CACHE`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes

PAGES = ("settings", "checks")


def add_anchors(app: Any, document: nodes.document) -> None:
    """Give each row the names in its first cell as ids; the first row with a name keeps it."""
    if app.env.docname not in PAGES:
        return
    seen = set(document.ids)
    for row in document.findall(nodes.row):
        for name in names_of(row):
            if name not in seen:
                seen.add(name)
                row["ids"].append(name)


def names_of(row: nodes.row) -> Iterator[str]:
    """Yield the code words in the first cell of a row."""
    for literal in row[0].findall(nodes.literal):
        yield literal.astext()


def setup(app: Any) -> dict[str, Any]:
    """Register the extension."""
    app.connect("doctree-read", add_anchors)
    return {"parallel_read_safe": True}
