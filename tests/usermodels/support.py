"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

UseModel = Callable[[str], None]
