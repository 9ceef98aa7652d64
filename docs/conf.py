"""Sphinx: Markdown pages with MyST, in furo's clothes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

project = "django-oidc-login"
copyright = "2026, the django-oidc-login authors"
author = "the django-oidc-login authors"
release = re.findall(r'__version__ = "(.+)"', (ROOT / "oidc_login" / "__init__.py").read_text())[0]

sys.path.insert(0, str(ROOT / "docs"))
extensions = ["myst_parser", "row_anchors"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "templates", "examples"]
nitpicky = True

html_theme = "furo"
html_title = f"django-oidc-login {release}"
