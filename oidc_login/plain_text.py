"""Makes text from outside safe for a column or a page."""

from __future__ import annotations

import re

# Control characters, and marks that change the text direction.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(value: str, *, max_length: int | None = None) -> str:
    """Return text without control characters and text direction marks."""
    return UNSAFE.sub("", value).strip()[:max_length]


def text_of(value: object, *, max_length: int | None = None) -> str:
    """Return a value as one line of text, or "" if it is not text."""
    return one_line(value, max_length=max_length) if isinstance(value, str) else ""
