"""`make docs` needs nothing that the extra `docs` does not bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.environments import ROOT, Environment

pytestmark = pytest.mark.heavy


def test_documentation_is_built_with_the_extra_alone(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install(f"{ROOT}[docs]")

    for page in ("provider_pages.py", "check_pages.py"):
        environment.run(str(ROOT / "docs" / page), "--check")
    environment.run("-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path / "html"))

    assert (tmp_path / "html" / "quickstart.html").exists()
