"""A dictionary that may contain secrets and does not show its values."""

from __future__ import annotations

from typing import Any


class Discreet(dict[str, Any]):
    """A dictionary whose `repr` only shows its keys."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(sorted(map(str, self)))}>"
