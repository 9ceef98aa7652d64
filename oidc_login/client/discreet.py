"""A dictionary that may hold secrets, and shows none of its values."""

from __future__ import annotations

from typing import Any


class Discreet(dict[str, Any]):
    """Its text names what it holds; to see a value one has to ask for it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(sorted(map(str, self)))}>"
