"""docs/security.md names a test for each rule: they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/.]+)(?:::(\w+))?`")
REFERENCES = sorted(set(NAMED.findall((ROOT / "docs" / "security.md").read_text())))


@pytest.mark.parametrize(("path", "test"), REFERENCES, ids=["::".join(filter(None, row)) for row in REFERENCES])
def test_named_test_is_there(path: str, test: str) -> None:
    assert (ROOT / path).exists()
    assert not test or f"\ndef {test}(" in (ROOT / path).read_text()
