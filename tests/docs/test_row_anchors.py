"""Rows of reference tables can be linked to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_provider_pages import ROOT

pytest.importorskip("sphinx", reason="needs the docs extra")

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "docs")!r})
extensions = ["myst_parser", "row_anchors"]
"""
PAGE = """# Settings

| Setting | Meaning |
|---|---|
| `OIDC_LOGIN_CACHE` | a cache |
| `brand_color`, `monogram` | two names |

| Argument | Meaning |
|---|---|
| `monogram` | a name that is taken |
"""


def test_each_name_in_the_first_column_is_an_anchor(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "settings.md").write_text(PAGE)
    (tmp_path / "index.md").write_text("# Index\n\n```{toctree}\nsettings\nother\n```\n")
    (tmp_path / "other.md").write_text(PAGE.replace("# Settings", "# Other"))
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(tmp_path), str(tmp_path / "html")]

    subprocess.run(command, check=True, timeout=120)

    html = (tmp_path / "html" / "settings.html").read_text()
    assert [html.count(f'id="{name}"') for name in ("OIDC_LOGIN_CACHE", "brand_color", "monogram")] == [1, 1, 1]
    assert 'id="OIDC_LOGIN_CACHE"' not in (tmp_path / "html" / "other.html").read_text()
