"""The progress of a long command: a line that is redrawn on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

BAR = 30  # characters
REDRAWN_EVERY, TOLD_EVERY = 0.1, 30.0  # seconds


class Progress:
    """Call with the amount done and the total; silent with `--verbosity 0`."""

    def __init__(
        self,
        out: OutputWrapper,
        *,
        verbosity: int,
        style: Style,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._style = style
        self._clock = clock
        self._is_silent = verbosity < 1
        self._is_redrawn = out.isatty()
        self._begun = self._told = clock()
        self._width = 0

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        is_due = now - self._told >= (REDRAWN_EVERY if self._is_redrawn else TOLD_EVERY)
        if self._is_silent or not (is_due or (self._is_redrawn and done >= total)):
            return
        self._told = now
        figures = self._figures(done, total, now - self._begun)
        if not self._is_redrawn:
            self._write(figures, "\n")
            return
        filled = BAR * min(done, total) // max(total, 1)
        bar = self._style.SUCCESS("#" * filled) + "." * (BAR - filled)
        self._write(f"\r[{bar}] {figures:<{self._width}}", "")
        self._width = len(figures)

    def end(self) -> None:
        """End the redrawn line."""
        if self._width:
            self._write("", "\n")
            self._width = 0

    def _write(self, text: str, ending: str) -> None:
        self._out.write(text, style_func=str, ending=ending)
        self._out.flush()

    def _figures(self, done: int, total: int, seconds: float) -> str:
        share = f"{done:,} of {total:,}"
        if not done or seconds <= 0:
            return share
        rest = timedelta(seconds=round(seconds * max(total - done, 0) / done))
        return f"{share}, {done / seconds:,.0f} per second, {rest} left"
