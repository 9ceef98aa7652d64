"""The page about troubles knows each code that people and operators may see."""

from __future__ import annotations

import re
from pathlib import Path

from oidc_login import exceptions
from oidc_login.exceptions import OAuthError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| ", re.MULTILINE)


def test_each_code_has_one_row_with_its_status() -> None:
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, OAuthError)]
    expected = {(kind.code, str(kind.status_code)) for kind in kinds if kind is not OAuthError}

    assert sorted(ROW.findall(PAGE.read_text())) == sorted(expected)
