"""Text from outside, made fit for a column or a page."""

from __future__ import annotations

import re

# Controls, and the marks that change the direction of the text around them.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(value: str, *, max_length: int | None = None) -> str:
    """Return text without controls and without the marks that change its direction."""
    return UNSAFE.sub("", value).strip()[:max_length]


def text_of(value: object, *, max_length: int | None = None) -> str:
    """Return a value as one line of text; "" if it is not text."""
    return one_line(value, max_length=max_length) if isinstance(value, str) else ""
