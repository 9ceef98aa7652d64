"""No setting without a line in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from oidc_login import conf

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


@pytest.mark.parametrize("name", conf.DEFAULTS)
def test_settings_page_names(name: str) -> None:
    assert f"`OIDC_LOGIN_{name}`" in PAGE.read_text()
