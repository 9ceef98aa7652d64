"""The provider and the browser of tests/login."""

from __future__ import annotations

from tests.login.conftest import assert_nothing_changed, browser, op, served_op, witness

__all__ = ["assert_nothing_changed", "browser", "op", "served_op", "witness"]
